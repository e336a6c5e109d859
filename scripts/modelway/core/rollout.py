"""The way a release's traffic takes where modelway keeps the clock, not the platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from modelway.core.config import Rollout, RolloutStrategy
from modelway.core.plan import FULL, Waypoint


def waypoints(rollout: Rollout, *, beside: bool = False) -> tuple[Waypoint, ...]:
    """The shares of traffic to reach, the last of them all of it.

    ``beside`` puts one without traffic first, where a version can run beside what serves and be
    asked there; ``blue_green`` always begins so.
    """
    return tuple(_paused(rollout, _shares(rollout, beside=beside)))


def without_bake(rollout: Rollout) -> Rollout:
    """The same way with no soak and no analysis; a person is waited for all the same."""
    return replace(rollout, bake_time=Rollout().bake_time, analysis=None)


def longest(rollout: Rollout) -> timedelta:
    """How long the way is watched at the most, beside what the platform takes to move the traffic.

    Platforms that replace instances in batches wait after each of them.
    """
    batches = -(-FULL // rollout.step_percent) if rollout.strategy is RolloutStrategy.ROLLING else 1
    analysis = rollout.analysis.max_wait if rollout.analysis else timedelta(0)
    points = waypoints(rollout)
    soaked = sum(point.soak for point in points) * batches
    return timedelta(seconds=soaked) + analysis * sum(point.analysis is not None for point in points)


def words(rollout: Rollout) -> str:
    """The strategy as people read it."""
    match rollout.strategy:
        case RolloutStrategy.ALL_AT_ONCE:
            way = "all of the traffic at once"
        case RolloutStrategy.ROLLING:
            way = f"{rollout.step_percent} % of the instances at a time"
        case RolloutStrategy.CANARY:
            way = f"{rollout.canary_percent} % of the traffic, then all of it"
        case RolloutStrategy.LINEAR:
            way = f"{rollout.step_percent} % of the traffic at a time"
        case RolloutStrategy.BLUE_GREEN:
            way = "beside what serves, then all of the traffic at once"
        case _:
            assert_never(rollout.strategy)
    return f"{rollout.strategy}: {way}{', and a person in between' if rollout.pause else ''}"


def _shares(rollout: Rollout, *, beside: bool) -> Iterator[Waypoint]:
    """Each share with its soak, and the comparison that must pass before the next."""
    soak = rollout.bake_time.total_seconds()
    if beside or rollout.strategy is RolloutStrategy.BLUE_GREEN:
        yield Waypoint(percent=0)
    for percent in _partial(rollout):
        yield Waypoint(percent=percent, soak=soak, analysis=rollout.analysis)
    yield Waypoint(percent=FULL, soak=soak)


def _partial(rollout: Rollout) -> range:
    """The shares below all of it."""
    match rollout.strategy:
        case RolloutStrategy.CANARY:
            return range(rollout.canary_percent, rollout.canary_percent + 1)
        case RolloutStrategy.LINEAR:
            return range(rollout.step_percent, FULL, rollout.step_percent)
        case RolloutStrategy.ALL_AT_ONCE | RolloutStrategy.ROLLING | RolloutStrategy.BLUE_GREEN:
            return range(0)
        case _:
            assert_never(rollout.strategy)


def _paused(rollout: Rollout, points: Iterator[Waypoint]) -> Iterator[Waypoint]:
    """A person is waited for once: at the first share of traffic, or before any where there is no share."""
    waiting = rollout.pause
    first = 0 if rollout.strategy is RolloutStrategy.BLUE_GREEN else 1
    for point in points:
        stop = waiting and first <= point.percent < FULL
        yield replace(point, pause=True) if stop else point
        waiting = waiting and not stop
