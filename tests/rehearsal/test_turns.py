"""Shares come out right, for few requests too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.rehearsal.turns import Turns


@pytest.mark.parametrize("shares", [{"a": 3.0, "b": 1.0}, {"a": 95, "b": 5}, {"a": 1, "b": 0}])
def test_after_a_whole_round_everyone_had_exactly_its_share(shares: Mapping[str, float]) -> None:
    turns, whole = Turns(), int(sum(shares.values()))
    got = Counter(turns.next(shares) for _ in range(whole))
    assert got == Counter({name: int(share) for name, share in shares.items() if share})


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 20), min_size=1), st.integers(1, 60))
def test_nobody_is_ever_a_whole_turn_behind(shares: dict[str, int], asked: int) -> None:
    turns, whole = Turns(), sum(shares.values())
    got = Counter(turns.next(shares) for _ in range(asked))
    if not whole:
        assert set(got) == {None}
        return
    for name, share in shares.items():
        assert abs(got[name] - asked * share / whole) < len(shares)
