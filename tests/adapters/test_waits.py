"""Waits between two looks grow, and no two releases look in step."""

from __future__ import annotations

from itertools import islice

import pytest

from modelway.adapters.waits import waits


def test_they_grow_to_the_longest_and_stay_there():
    found = list(islice(waits(2, 8), 6))
    for wait, length in zip(found, (2, 3, 4.5, 6.75, 8, 8), strict=True):
        assert wait == pytest.approx(length, rel=0.25)


def test_releases_that_begin_together_do_not_look_together():
    assert len({next(waits(15, 30)) for _ in range(200)}) > 100


def test_they_end_when_together_they_are_as_long_as_patience_is():
    found = list(waits(2, 10, within=600))
    assert 600 <= sum(found) < 600 + 10 * 1.25
    assert not list(waits(2, 10, within=0))
