"""The way of each strategy, as waypoints."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.config import Analysis, Rollout, RolloutStrategy
from modelway.core.plan import FULL, Waypoint
from modelway.core.rollout import waypoints, without_bake

ANALYSIS = Analysis(error_rate_increase=1)
BAKE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("rollout", "shares"),
    [
        (Rollout(), [100]),
        (Rollout(strategy=RolloutStrategy.ROLLING, step_percent=20), [100]),
        (Rollout(strategy=RolloutStrategy.CANARY, canary_percent=5), [5, 100]),
        (Rollout(strategy=RolloutStrategy.LINEAR, step_percent=25), [25, 50, 75, 100]),
        (Rollout(strategy=RolloutStrategy.LINEAR, step_percent=30), [30, 60, 90, 100]),
        (Rollout(strategy=RolloutStrategy.BLUE_GREEN), [0, 100]),
    ],
)
def test_each_strategy_has_its_shares(rollout, shares):
    assert [point.percent for point in waypoints(rollout)] == shares


def test_every_share_of_traffic_is_watched_and_all_but_the_last_compared():
    rollout = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=5, bake_time=BAKE, analysis=ANALYSIS)
    assert waypoints(rollout, beside=True) == (
        Waypoint(percent=0),
        Waypoint(percent=5, soak=60, analysis=ANALYSIS),
        Waypoint(percent=100, soak=60),
    )


@pytest.mark.parametrize(
    ("strategy", "where"),
    [(RolloutStrategy.CANARY, 10), (RolloutStrategy.LINEAR, 20), (RolloutStrategy.BLUE_GREEN, 0)],
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_person_is_waited_for_once_at_the_first_share(strategy, where, beside):
    points = waypoints(Rollout(strategy=strategy, pause=True), beside=beside)
    assert [point.percent for point in points if point.pause] == [where]


@given(st.sampled_from(RolloutStrategy), st.integers(1, 50), st.integers(5, 50), st.booleans(), st.booleans())
def test_shares_grow_to_all_of_it(strategy, canary, step, pause, beside):
    rollout = Rollout(strategy=strategy, canary_percent=canary, step_percent=step, pause=pause)
    shares = [point.percent for point in waypoints(rollout, beside=beside)]
    assert shares == sorted(set(shares))
    assert shares[-1] == FULL


def test_without_its_bake_a_rollout_waits_for_nobody_but_a_person():
    rollout = Rollout(strategy=RolloutStrategy.CANARY, bake_time=BAKE, analysis=ANALYSIS, pause=True)
    points = waypoints(without_bake(rollout))
    assert points == (Waypoint(percent=10, pause=True), Waypoint(percent=100))
