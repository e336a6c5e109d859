"""What must never end green on SageMaker, each made as it would come about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from modelway.core.config import ExistingAlarm, Rollout
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.greens import DIFFERS, SUPERSEDED, UNAVAILABLE, UNHEALTHY, Ends, ringing, serving
from tests.sweeps.ground import Ground, Model
from tests.sweeps.sagemaker import ROLLOUTS, SITE
from tests.sweeps.wire import Mishap

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]


@pytest.fixture
def model(ground: Ground) -> Model:
    """A version that passed serves."""
    return serving(ground, SITE, ROLLOUTS["canary"])


def client(ground: Ground) -> SageMakerClient:
    """Somebody else in the account."""
    return cast("SageMakerClient", ground.clients.other("sagemaker", PRODUCTION))


def settled(ground: Ground, model: Model) -> str:
    """Wait for the end of the update under way; the endpoint config that serves."""
    while True:
        told = client(ground).describe_endpoint(EndpointName=f"{model.name}-production")
        if told["EndpointStatus"] == "InService":
            return told["EndpointConfigName"]
        assert told["EndpointStatus"] in {"Updating", "RollingBack"}
        time.sleep(0.02)


def old(model: Model) -> str:
    """The endpoint config of the version before."""
    return f"{model.name}-production-{model.before[-2].id}"


def new(model: Model) -> str:
    """The endpoint config and the model of the newest version."""
    return f"{model.name}-production-{model.before[-1].id}"


def test_what_the_platform_takes_back_while_we_watch(ground: Ground, model: Model, ends: Ends):
    model.next("dying")
    end = model.start()
    assert (end, settled(ground, model)) == (UNHEALTHY, old(model)), model.said
    ends("rolled back by the platform while we watch", end)


def test_what_the_platform_took_back_while_we_were_dead(ground: Ground, model: Model, ends: Ends):
    model.next("dying")
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateEndpoint")
    assert model.start() == "killed"
    assert settled(ground, model) == old(model)
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("sagemaker.UpdateEndpoint")) == (UNHEALTHY, 0), model.said
    ends("rolled back by the platform while we were dead", end)


def test_a_rollback_the_platform_does_not_tell_of(ground: Ground, model: Model, ends: Ends):
    model.next("dying")
    ground.cloud.control("endpoints", {"silent_rollback": True})
    try:
        end = model.start()
    finally:
        ground.cloud.control("endpoints", {"silent_rollback": False})
    assert (end, settled(ground, model)) == (UNHEALTHY, old(model)), model.said
    ends("in service on the old endpoint config, without a reason", end)


def test_an_answer_that_is_wrong_only_under_traffic(ground: Ground, model: Model, ends: Ends):
    model.next("wrong")
    end = model.start()
    assert (end, settled(ground, model)) == (UNHEALTHY, old(model)), model.said
    ends("healthy, and answers wrongly", end)


def test_a_release_another_one_followed(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateEndpoint")
    assert model.start() == "killed"
    first, image = model.delivery, model.image
    ground.expect(None)
    model.next()
    assert model.start() == "0", model.said
    model.delivery, model.image = first, image
    end = model.start()
    assert (end, settled(ground, model)) == (SUPERSEDED, new(model)), model.said
    ends("a newer release took over", end)


def test_a_pointer_somebody_moves_back_before_we_look_again(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateEndpoint")
    assert model.start() == "killed"
    settled(ground, model)
    client(ground).update_endpoint(
        EndpointName=f"{model.name}-production",
        EndpointConfigName=old(model),
        RetainAllVariantProperties=True,
    )
    assert settled(ground, model) == old(model)
    ground.expect(None)
    end = model.start()
    assert end == UNHEALTHY, model.said
    assert settled(ground, model) == old(model)
    ends("the pointer moved back by somebody else while we were dead", end)


def test_another_image_behind_the_versions_name(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_BEFORE, operation="UpdateEndpoint")
    assert model.start() == "killed"
    replaced(ground, model, image=str(model.before[-2].image))
    ground.expect(None)
    end = model.start()
    assert end == DIFFERS, model.said
    ends("another digest behind the version's name", end)


def test_old_weights_under_the_new_image(ground: Ground, model: Model, ends: Ends):
    model.next()
    ground.expect(Mishap.KILLED_BEFORE, operation="UpdateEndpoint")
    assert model.start() == "killed"
    told = client(ground).describe_model(ModelName=old(model))
    replaced(ground, model, weights=told["PrimaryContainer"]["ModelDataUrl"])
    ground.expect(None)
    end = model.start()
    assert end == DIFFERS, model.said
    ends("old weights under the new image", end)


def replaced(ground: Ground, model: Model, *, image: str = "", weights: str = "") -> None:
    """Somebody makes the version's model anew, with something else in it."""
    sagemaker = client(ground)
    told = sagemaker.describe_model(ModelName=new(model))
    container = told["PrimaryContainer"]
    sagemaker.delete_model(ModelName=new(model))
    sagemaker.create_model(
        ModelName=new(model),
        ExecutionRoleArn=told["ExecutionRoleArn"],
        PrimaryContainer={
            "Image": image or container["Image"],
            "ModelDataUrl": weights or container["ModelDataUrl"],
            "Environment": container["Environment"],
        },
    )


def test_an_alarm_that_rings_already(ground: Ground, ends: Ends):
    model = serving(ground, SITE, Rollout())
    model.rollout = Rollout(alarms=(ExistingAlarm(name=ringing(ground, PRODUCTION)),))
    model.next()
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("sagemaker.UpdateEndpoint")) == (UNAVAILABLE, 0), model.said
    ends("an alarm in ALARM at the start", end)
