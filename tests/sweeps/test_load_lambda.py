"""Users of a function while a release goes on: none of them notices, not of a bad one either."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError

from modelway.core.config import Rollout, RolloutStrategy
from modelway.ports import HttpRequest
from modelway.targets.aws_lambda.runtime import event
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.aws_lambda import SITE
from tests.sweeps.ground import Ground, Model
from tests.sweeps.load import Said, Users

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

__all__ = ["SITE"]

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]
WAY = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=timedelta(minutes=20))


@pytest.fixture
def users(ground: Ground, model: Model) -> Users:
    """They ask the alias, as a function URL hands their requests over."""
    client = cast("LambdaClient", ground.clients.other("lambda", PRODUCTION))
    payload = json.dumps(event("POST", "/invocations", HttpRequest(body=b"[1]"))).encode()

    def ask(_: HttpRequest) -> str:
        try:
            answer = client.invoke(FunctionName=f"{model.name}-production", Qualifier="live", Payload=payload)
        except ClientError as error:
            return error.response["Error"]["Code"]
        body = answer["Payload"].read()
        return answer.get("FunctionError") or str(json.loads(body)["statusCode"])

    return Users(model, ask)


def test_no_request_is_lost_on_a_good_release(users: Users, numbers: Said) -> None:
    tally = users.release()
    assert tally.lost == 0, tally
    numbers("a good release by canary, and its promotion", tally)


def test_a_bad_release_is_noticed_before_anybody_asks_it(users: Users, numbers: Said) -> None:
    tally = users.release("failing", ends="6")
    assert tally.lost == 0, tally
    numbers("a release that fails, asked before it has traffic", tally)


def test_no_request_is_lost_on_a_rollback(users: Users, numbers: Said) -> None:
    tally = users.going_back()
    assert tally.lost == 0, tally
    numbers("a rollback", tally)
