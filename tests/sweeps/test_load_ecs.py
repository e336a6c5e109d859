"""Users behind the load balancer while a release goes on: a bad one takes only the canary's share of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import urllib3

from modelway.core.config import AlarmMetric, CreatedAlarm, Rollout, RolloutStrategy
from modelway.ports import HttpRequest
from tests.sweeps.ecs import SITE
from tests.sweeps.ground import Model
from tests.sweeps.load import Said, Users

__all__ = ["SITE"]

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]
SHARE = 25
WAY = Rollout(
    strategy=RolloutStrategy.CANARY,
    canary_percent=SHARE,
    bake_time=timedelta(minutes=20),
    alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5),),
)
"""Two seconds a share: enough requests come in them to tell."""


@pytest.fixture
def users(model: Model) -> Users:
    """They POST to the production listener."""
    pool, url = urllib3.PoolManager(maxsize=20, retries=False), SITE.url(model.name)

    def ask(request: HttpRequest) -> str:
        try:
            return str(pool.request("POST", url, body=request.body, timeout=20).status)
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__

    return Users(model, ask)


def test_no_request_is_lost_on_a_good_release(users: Users, numbers: Said) -> None:
    tally = users.release()
    assert tally.lost == 0, tally
    numbers("a good release by canary, and its promotion", tally)


def test_a_bad_release_loses_no_more_than_the_canarys_share(users: Users, numbers: Said) -> None:
    tally = users.release("failing", ends="6")
    assert "alarm" in users.model.said.lower()
    # One more, as the first request to the canary may be the only one.
    assert 0 < tally.lost <= tally.sent * SHARE / 100 + 1, tally
    numbers(f"a release that fails under traffic, at {SHARE} %", tally)


def test_no_request_is_lost_on_a_rollback(users: Users, numbers: Said) -> None:
    tally = users.going_back()
    assert tally.lost == 0, tally
    numbers("a rollback", tally)
