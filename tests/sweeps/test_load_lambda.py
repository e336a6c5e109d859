"""Users of a function while a release goes on: none of them notices, not of a bad one either."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError

from modelway.commands import rollback
from modelway.core.config import Rollout, RolloutStrategy
from modelway.core.json import JsonObject
from modelway.ports import HttpRequest
from modelway.rehearsal.load import Load, Tally
from modelway.targets.aws_lambda.runtime import event
from tests.fake_world import OneConfig
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.aws_lambda import SITE
from tests.sweeps.ground import Ground, Model

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]
_WAY = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=timedelta(minutes=20))

Said = Callable[[str, Tally], None]


@pytest.fixture
def numbers(tell: Callable[[JsonObject], None], capsys: pytest.CaptureFixture[str]) -> Said:
    """Print what users got, and write it down."""

    def write(when: str, got: Tally) -> None:
        with capsys.disabled():
            print(f"\n{SITE.name}, {when}: {got.sent} requests, {got.lost} lost")  # noqa: T201 - asked for
        tell({"kind": "load", "target": SITE.name, "when": when, "sent": got.sent, "lost": got.lost})

    return write


@pytest.fixture
def model(ground: Ground) -> Model:
    """A version that passed serves."""
    model = Model(ground, SITE, _WAY)
    model.next()
    ground.expect(None)
    assert model.start() == "0", model.said
    return model


def users(ground: Ground, model: Model) -> Load:
    """Thirty requests a second to the alias, as a function URL hands them over."""
    client = cast("LambdaClient", ground.clients.other("lambda", PRODUCTION))
    payload = json.dumps(event("POST", "/invocations", HttpRequest(body=b"[1]"))).encode()

    def ask(_: HttpRequest) -> str:
        try:
            answer = client.invoke(FunctionName=f"{model.name}-production", Qualifier="live", Payload=payload)
        except ClientError as error:
            return error.response["Error"]["Code"]
        body = answer["Payload"].read()
        return answer.get("FunctionError") or str(json.loads(body)["statusCode"])

    return Load(ask=ask, request=HttpRequest(body=b"[1]"), changing=lambda: True)


def test_no_request_is_lost_on_a_good_release(ground: Ground, model: Model, numbers: Said):
    model.next()
    with users(ground, model) as load:
        assert model.start() == "0", model.said
    assert load.tally.sent > 0
    assert load.tally.lost == 0, load.tally
    numbers("a good release by canary, and its promotion", load.tally)


def test_a_bad_release_is_noticed_before_anybody_asks_it(ground: Ground, model: Model, numbers: Said):
    model.next("failing")
    with users(ground, model) as load:
        assert model.start() == "6", model.said
    assert load.tally.sent > 0
    assert load.tally.lost == 0, load.tally
    numbers("a release that fails, asked before it has traffic", load.tally)


def test_no_request_is_lost_on_a_rollback(ground: Ground, model: Model, numbers: Said):
    model.next()
    assert model.start() == "0", model.said
    assert model.delivery
    world = replace(ground.world, configs=OneConfig(model.delivery.config))
    parser = argparse.ArgumentParser()
    rollback.arguments(parser)
    with users(ground, model) as load:
        rollback.run(parser.parse_args(["model.yaml", "-e", "production", "--reason", "odd answers"]), world)
    assert model.state().serving == model.before[-2].id
    assert load.tally.sent > 0
    assert load.tally.lost == 0, load.tally
    numbers("a rollback", load.tally)
