"""Users while a release goes on: a good one loses no request, a bad one only the canary's share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError

from modelway.commands import rollback
from modelway.core.config import AlarmMetric, CreatedAlarm, Rollout, RolloutStrategy
from modelway.core.json import JsonObject
from modelway.ports import HttpRequest
from modelway.rehearsal.load import Load, Tally
from tests.fake_world import OneConfig
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.ground import Ground, Model
from tests.sweeps.sagemaker import SITE

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]
_SHARE = 25
_WAY = Rollout(
    strategy=RolloutStrategy.CANARY,
    canary_percent=_SHARE,
    bake_time=timedelta(minutes=20),
    alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5),),
)
"""Two seconds a share: enough requests come in them to tell."""

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
    assert model.start() == "0", model.said
    return model


def users(ground: Ground, model: Model) -> Load:
    """Thirty requests a second, of applications in production."""
    client = cast("SageMakerRuntimeClient", ground.clients.other("sagemaker-runtime", PRODUCTION))

    def ask(request: HttpRequest) -> str:
        try:
            answer = client.invoke_endpoint(EndpointName=f"{model.name}-production", Body=request.body)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return str(answer["ResponseMetadata"]["HTTPStatusCode"])

    return Load(ask=ask, request=HttpRequest(body=b"[1]"), changing=lambda: True)


def test_no_request_is_lost_on_a_good_release(ground: Ground, model: Model, numbers: Said):
    model.next()
    with users(ground, model) as load:
        assert model.start() == "0", model.said
    assert load.tally.sent > _SHARE
    assert load.tally.lost == 0, load.tally
    numbers("a good release by canary, and its promotion", load.tally)


def test_a_bad_release_loses_no_more_than_the_canarys_share(ground: Ground, model: Model, numbers: Said):
    model.next("failing")
    with users(ground, model) as load:
        assert model.start() == "6", model.said
    assert "alarm" in model.said.lower()
    # One more, as the first request to the canary may be the only one.
    assert 0 < load.tally.lost <= load.tally.sent * _SHARE / 100 + 1, load.tally
    numbers(f"a release that fails under traffic, at {_SHARE} %", load.tally)


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
