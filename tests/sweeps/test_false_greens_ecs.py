"""What must never end green on ECS, each made as it would come about."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from modelway.core.config import ExistingAlarm
from tests.rehearsal.clients import STAGING
from tests.rehearsal.services import CLUSTER
from tests.sweeps.ecs import ROLLOUTS, SITE
from tests.sweeps.greens import DIFFERS, SUPERSEDED, UNAVAILABLE, UNHEALTHY, Ends, ringing, serving
from tests.sweeps.ground import Ground, Model
from tests.sweeps.wire import Mishap

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_ecs import ECSClient

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]
_OVER = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}


@pytest.fixture
def model(ground: Ground) -> Model:
    """A version that passed serves."""
    return serving(ground, SITE, ROLLOUTS["all_at_once"])


def client(ground: Ground) -> ECSClient:
    """Somebody else in the account."""
    return cast("ECSClient", ground.clients.other("ecs", STAGING))


def service(model: Model) -> str:
    return f"{model.name}-production"


def definition(ground: Ground, model: Model, newest: int) -> str:
    """The task definition of a version of ours, counted from the newest, which is 1."""
    ecs, wanted = client(ground), model.before[-newest].id
    for arn in ecs.list_task_definitions(familyPrefix=service(model), sort="DESC")["taskDefinitionArns"]:
        tags = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])["tags"]
        if {"key": "modelway:version", "value": wanted} in tags:
            return arn
    raise AssertionError(wanted)


def settled(ground: Ground, model: Model) -> str:
    """Wait for the end of the deployment under way; the task definition that serves."""
    ecs = client(ground)
    while True:
        told = ecs.list_service_deployments(cluster=CLUSTER, service=service(model))["serviceDeployments"]
        if all(each["status"] in _OVER for each in told):
            break
        time.sleep(0.05)
    [found] = ecs.describe_services(cluster=CLUSTER, services=[service(model)])["services"]
    [revision] = found["currentServiceRevisions"]
    told_revision = ecs.describe_service_revisions(serviceRevisionArns=[revision["arn"]])["serviceRevisions"]
    return told_revision[0]["taskDefinition"]


def test_what_the_platform_takes_back_while_we_watch(ground: Ground, model: Model, ends: Ends):
    model.next("dying")
    end = model.start()
    assert (end, settled(ground, model)) == (UNHEALTHY, definition(ground, model, 2)), model.said
    ends("rolled back by the platform while we watch", end)


def test_what_the_platform_took_back_while_we_were_dead(ground: Ground, model: Model, ends: Ends):
    model.next("dying")
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateService")
    assert model.start() == "killed"
    assert settled(ground, model) == definition(ground, model, 2)
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("ecs.UpdateService")) == (UNHEALTHY, 0), model.said
    ends("rolled back by the platform while we were dead", end)


def test_an_answer_that_is_wrong_only_under_traffic(ground: Ground, model: Model, ends: Ends):
    model.next("wrong")
    end = model.start()
    assert (end, settled(ground, model)) == (UNHEALTHY, definition(ground, model, 2)), model.said
    ends("healthy, and answers wrongly", end)


def after_it_is_sent(ground: Ground, model: Model) -> None:
    """The release is killed with its deployment under way, which then ends well."""
    model.next()
    ground.expect(Mishap.KILLED_AFTER, operation="UpdateService")
    assert model.start() == "killed"
    ground.expect(None)
    assert settled(ground, model) == definition(ground, model, 1)


def test_a_release_another_one_followed(ground: Ground, model: Model, ends: Ends):
    after_it_is_sent(ground, model)
    first, image = model.delivery, model.image
    model.next()
    assert model.start() == "0", model.said
    model.delivery, model.image = first, image
    end = model.start()
    assert (end, settled(ground, model)) == (SUPERSEDED, definition(ground, model, 1)), model.said
    ends("a newer release took over", end)


def test_a_service_somebody_moves_back_while_we_were_dead(ground: Ground, model: Model, ends: Ends):
    after_it_is_sent(ground, model)
    old = definition(ground, model, 2)
    client(ground).update_service(cluster=CLUSTER, service=service(model), taskDefinition=old)
    assert settled(ground, model) == old
    end = model.start()
    assert (end, settled(ground, model)) == (UNHEALTHY, old), model.said
    ends("the pointer moved back by somebody else while we were dead", end)


def test_a_service_somebody_scales_to_zero_while_we_were_dead(ground: Ground, model: Model, ends: Ends):
    after_it_is_sent(ground, model)
    scaling = cast("ApplicationAutoScalingClient", ground.clients.other("application-autoscaling", STAGING))
    scaling.deregister_scalable_target(  # else it is scaled to its minimum again, which is as good as before
        ServiceNamespace="ecs",
        ResourceId=f"service/{CLUSTER}/{service(model)}",
        ScalableDimension="ecs:service:DesiredCount",
    )
    client(ground).update_service(cluster=CLUSTER, service=service(model), desiredCount=0)
    end = model.start()
    assert end == UNAVAILABLE, model.said
    ends("nothing may run: desired count or concurrency 0", end)


def before_it_is_sent(ground: Ground, model: Model, change: str) -> None:
    """The release is killed with its task definition made, which somebody makes anew with a change."""
    model.next()
    ground.expect(Mishap.KILLED_BEFORE, operation="UpdateService")
    assert model.start() == "killed"
    ground.expect(None)
    ecs = client(ground)
    arn, old = definition(ground, model, 1), definition(ground, model, 2)
    told = cast("Any", ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]))
    before = ecs.describe_task_definition(taskDefinition=old)["taskDefinition"]["containerDefinitions"]
    made: dict[str, Any] = {
        **{name: told["taskDefinition"][name] for name in _KEPT if name in told["taskDefinition"]},
        "tags": told["tags"],
    }
    made["containerDefinitions"] = [
        {**mine, change: theirs[change]}  # type: ignore[literal-required]
        for mine, theirs in zip(told["taskDefinition"]["containerDefinitions"], before, strict=True)
    ]
    ecs.register_task_definition(**made)
    ecs.deregister_task_definition(taskDefinition=arn)


_KEPT = (
    *("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory"),
    *("requiresCompatibilities", "runtimePlatform", "ephemeralStorage"),
)
"""What a task definition is registered with, beside its containers."""


@pytest.mark.parametrize(
    ("change", "situation"),
    [
        ("image", "another digest behind the version's name"),
        ("environment", "old weights under the new image"),
    ],
)
def test_a_task_definition_somebody_made_anew(
    ground: Ground, model: Model, ends: Ends, change: str, situation: str
):
    before_it_is_sent(ground, model, change)
    end = model.start()
    assert (end, ground.wire.calls.count("ecs.UpdateService")) == (DIFFERS, 0), model.said
    assert settled(ground, model) == definition(ground, model, 2)
    ends(situation, end)


def test_an_alarm_that_rings_already(ground: Ground, model: Model, ends: Ends):
    alarm = ExistingAlarm(name=ringing(ground, STAGING))
    model.rollout = replace(ROLLOUTS["canary"], alarms=(alarm,))
    model.next()
    ground.expect(None)
    end = model.start()
    assert (end, ground.wire.calls.count("ecs.UpdateService")) == (UNAVAILABLE, 0), model.said
    ends("an alarm in ALARM at the start", end)
