"""The real clock compresses waits by its factor, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from modelway.adapters import clock
from modelway.adapters.clock import RealClock
from modelway.errors import Malformed


def test_a_wait_is_divided_by_the_factor() -> None:
    real = RealClock(factor=1000)
    started = real.monotonic()
    real.sleep(20)
    assert 0.02 <= real.monotonic() - started < 20


def test_a_wait_that_is_over_already_returns_at_once() -> None:
    RealClock().sleep(-5)


def test_elapsed_time_is_multiplied_by_the_factor() -> None:
    real = RealClock(factor=100)
    since = real.now() - timedelta(seconds=1)
    least = real.now() - since
    elapsed = real.elapsed(since)
    assert least.total_seconds() * 100 <= elapsed <= (real.now() - since).total_seconds() * 100


def test_so_many_seconds_ago_is_when_so_many_have_elapsed() -> None:
    real = RealClock(factor=100)
    earliest = real.now()
    ago = real.ago(600)
    assert earliest <= ago + timedelta(seconds=6) <= real.now()
    assert real.elapsed(ago) >= 600


def test_the_time_of_day_is_not_compressed() -> None:
    assert abs(RealClock(factor=1e6).now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_factor_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.VARIABLE, "60")
    assert clock.from_environment().factor == 60


def test_without_a_factor_waits_are_real() -> None:
    assert clock.from_environment().factor == 1


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
def test_a_factor_that_is_none_is_malformed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(clock.VARIABLE, text)
    with pytest.raises(Malformed, match=r"MODELWAY_CLOCK_FACTOR is not a clock factor"):
        clock.from_environment()
