"""How many instances target tracking wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.rehearsal.scaling import Bounds, Policy, desired

BOUNDS, POLICY = Bounds(low=2, high=8), Policy(target=100)

WANTED = {
    "nothing known": (4, [], 4),
    "below the minimum": (1, [], 2),
    "above the maximum": (9, [], 8),
    "busy for two minutes": (4, [150, 150], 4),
    "busy for three minutes": (4, [150, 150, 150], 6),
    "busier than there is": (4, [900, 900, 900], 8),
    "busy but for a minute": (4, [150, 90, 150], 4),
    "quiet for a quarter of an hour": (4, [50] * 15, 2),
    "quiet for less": (4, [50] * 14, 4),
    "near the target": (4, [95] * 15, 4),
    "silence": (4, [0] * 15, 2),
}


@pytest.mark.parametrize(("now", "minutes", "wanted"), WANTED.values(), ids=WANTED)
def test_desired(now: int, minutes: list[float], wanted: int) -> None:
    assert desired(now, BOUNDS, POLICY, minutes) == wanted


def test_scale_in_can_be_forbidden() -> None:
    assert desired(4, BOUNDS, Policy(target=100, can_scale_in=False), [0] * 15) == 4


@given(st.integers(0, 50), st.lists(st.floats(0, 10_000), max_size=20), st.floats(1, 1000))
def test_always_in_range(now: int, minutes: list[float], target: float) -> None:
    assert BOUNDS.low <= desired(now, BOUNDS, Policy(target=target), minutes) <= BOUNDS.high
