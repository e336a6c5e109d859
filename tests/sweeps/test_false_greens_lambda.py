"""What must never end green on Lambda, each made as it would come about."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from modelway.core.config import ExistingAlarm, Rollout
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.aws_lambda import ROLLOUTS, SITE
from tests.sweeps.greens import DIFFERS, SUPERSEDED, UNAVAILABLE, UNHEALTHY, Ends, ringing, serving
from tests.sweeps.ground import Ground, Model
from tests.sweeps.wire import Mishap

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]


@pytest.fixture
def model(ground: Ground) -> Model:
    """A version that passed serves."""
    return serving(ground, SITE, ROLLOUTS["canary"])


def client(ground: Ground) -> LambdaClient:
    """Somebody else in the account."""
    return cast("LambdaClient", ground.clients.other("lambda", PRODUCTION))


def function(model: Model) -> str:
    return f"{model.name}-production"


def number(ground: Ground, model: Model, newest: int) -> str:
    """Lambda's number of a version of ours, counted from the newest, which is 1."""
    told = client(ground).list_versions_by_function(FunctionName=function(model))["Versions"]
    id_ = model.before[-newest].id
    return next(v["Version"] for v in told if v["Version"] != "$LATEST" and id_ in v["Description"])


def moved_back(ground: Ground, model: Model) -> None:
    """Somebody points the alias at the version before, alone."""
    client(ground).update_alias(
        FunctionName=function(model),
        Name="live",
        FunctionVersion=number(ground, model, 2),
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


def serves(ground: Ground, model: Model) -> str:
    """Lambda's number of the only version behind the alias."""
    alias = client(ground).get_alias(FunctionName=function(model), Name="live")
    assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    return alias["FunctionVersion"]


@pytest.mark.parametrize("behaviour", ["dying", "wrong"])
def test_a_version_that_does_not_answer_as_it_should(
    ground: Ground, model: Model, ends: Ends, behaviour: str
):
    model.next(behaviour)
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("lambda.UpdateAlias")) == (UNHEALTHY, 0), model.said
    said = {"dying": "a container that ends at its start", "wrong": "healthy, and answers wrongly"}
    ends(said[behaviour], end)


def test_an_alias_somebody_moves_back_while_we_were_dead(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateAlias")
    assert model.start() == "killed"
    ground.expect(None)
    moved_back(ground, model)
    end = model.start()
    assert (end, serves(ground, model)) == (UNHEALTHY, number(ground, model, 2)), model.said
    ends("the pointer moved back by somebody else while we were dead", end)


def test_an_alias_somebody_moves_back_while_we_watch(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.meanwhile(lambda: moved_back(ground, model), operation="UpdateAlias", number=2)
    end = model.start()
    assert end in {DIFFERS, UNHEALTHY}, model.said
    assert serves(ground, model) == number(ground, model, 2)
    ends("the pointer moved back by somebody else while we watch", end)


def test_a_release_another_one_followed(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateAlias")
    assert model.start() == "killed"
    first, image = model.delivery, model.image
    ground.expect(None)
    model.next()
    assert model.start() == "0", model.said
    model.delivery, model.image = first, image
    end = model.start()
    assert (end, serves(ground, model)) == (SUPERSEDED, number(ground, model, 1)), model.said
    ends("a newer release took over", end)


def before_it_is_published(ground: Ground, model: Model) -> None:
    """The release is killed with the function changed and nothing published."""
    model.next()
    ground.expect(Mishap.KILLED_BEFORE, operation="PublishVersion")
    assert model.start() == "killed"
    ground.expect(None)


def published(ground: Ground, model: Model) -> None:
    """Somebody publishes what the function is now under the name of the newest version."""
    lambda_ = client(ground)
    lambda_.get_waiter("function_updated_v2").wait(FunctionName=function(model), WaiterConfig={"Delay": 1})
    told = lambda_.get_function_configuration(FunctionName=function(model))["Description"]
    assert model.before[-1].id in told
    lambda_.publish_version(FunctionName=function(model), Description=told)


def test_another_image_behind_the_versions_name(ground: Ground, model: Model, ends: Ends):
    before_it_is_published(ground, model)
    other = str(model.before[-2].image)
    client(ground).update_function_code(FunctionName=function(model), ImageUri=other)
    published(ground, model)
    end = model.start()
    assert (end, serves(ground, model)) == (DIFFERS, number(ground, model, 2)), model.said
    ends("another digest behind the version's name", end)


def test_old_weights_under_the_new_image(ground: Ground, model: Model, ends: Ends):
    before_it_is_published(ground, model)
    lambda_ = client(ground)
    old = lambda_.get_function_configuration(
        FunctionName=function(model), Qualifier=number(ground, model, 2)
    )["Environment"]["Variables"]
    now = lambda_.get_function_configuration(FunctionName=function(model))["Environment"]["Variables"]
    weights = {name: old[name] for name in ("MODELWAY_MODEL_URI", "MODELWAY_MODEL_SHA256")}
    lambda_.update_function_configuration(
        FunctionName=function(model), Environment={"Variables": {**now, **weights}}
    )
    published(ground, model)
    end = model.start()
    assert (end, serves(ground, model)) == (DIFFERS, number(ground, model, 2)), model.said
    ends("old weights under the new image", end)


def test_a_function_that_may_not_run(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.cloud.control("lambda", {"unreserved": 0})
    try:
        end = model.start()
    finally:
        ground.cloud.control("lambda", {"unreserved": None})
    assert end == UNAVAILABLE, model.said
    ends("nothing may run: desired count or concurrency 0", end)


def test_an_alarm_that_rings_already(ground: Ground, ends: Ends):
    model = serving(ground, SITE, Rollout())
    model.rollout = Rollout(alarms=(ExistingAlarm(name=ringing(ground, PRODUCTION)),))
    model.next()
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("lambda.UpdateAlias")) == (UNAVAILABLE, 0), model.said
    ends("an alarm in ALARM at the start", end)
