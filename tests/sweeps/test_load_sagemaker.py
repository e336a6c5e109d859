"""Users while a release goes on: a good one loses no request, a bad one only the canary's share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError

from modelway.core.config import AlarmMetric, CreatedAlarm, Rollout, RolloutStrategy
from modelway.ports import HttpRequest
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.ground import Ground, Model
from tests.sweeps.load import Said, Users
from tests.sweeps.sagemaker import SITE

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

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
def users(ground: Ground, model: Model) -> Users:
    """Applications in production."""
    client = cast("SageMakerRuntimeClient", ground.clients.other("sagemaker-runtime", PRODUCTION))

    def ask(request: HttpRequest) -> str:
        try:
            answer = client.invoke_endpoint(EndpointName=f"{model.name}-production", Body=request.body)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return str(answer["ResponseMetadata"]["HTTPStatusCode"])

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
