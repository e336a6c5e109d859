"""What `iam` prints for ECS against what is called: each call is allowed, and nothing goes unused.

A service is released, paused, compared, stopped, scaled and retired by the deploying role, and looked at by
the planning one. The rehearsal has no policies: here its log of calls is judged, as in ``test_iam_calls``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import from_environment
from modelway.core.access import reading
from modelway.core.config import (
    AlarmMetric,
    Analysis,
    Autoscaling,
    Capacity,
    CreatedAlarm,
    Rollout,
    RolloutStrategy,
)
from modelway.core.iam import Permissions
from modelway.ports import HttpRequest
from modelway.targets.ecs import open_target
from modelway.targets.ecs.permissions import permissions
from tests.rehearsal.ecs_place import EcsPlace, ecs_place
from tests.rehearsal.rights import Call, by_roles, refused, unused
from tests.rehearsal.services import CLUSTER, Services

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

NOT_REHEARSED: Mapping[str, str] = {
    "iam:CreateServiceLinkedRole": "AWS does it in the caller's name, the first time an account needs it",
    "ssm:GetParameters": "only settings with parameters need it, and those of the play have none",
}
_SIGNED_AS: Mapping[str, str] = {"elbv2": "elasticloadbalancing"}
_NO_RESOURCE = {
    *("ecs:ListTaskDefinitions", "ecs:DescribeTaskDefinition", "ecs:ListTasks"),
    *("ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition"),
    *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
    *("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"),
}


def needed(entry: Call) -> Iterator[tuple[str, str]]:
    """Actions and resources a call needs, as IAM sees them."""
    service = _SIGNED_AS.get(entry["service"], entry["service"])
    action, named = f"{service}:{entry['operation']}", str(entry["resource"])
    here = f"arn:aws:{service}:{entry['region']}:{entry['account']}"
    related = dict(one.split("=", 1) for one in entry["related"])
    yield action, "*" if action in _NO_RESOURCE else _arn(service, here, named)
    for key in ("executionRoleArn", "taskRoleArn"):
        if key in related:
            yield "iam:PassRole", related[key]
    match entry["operation"]:
        case "CreateService":
            yield "ecs:TagResource", _arn(service, here, named)
        case "PutMetricAlarm":
            yield "cloudwatch:TagResource", _arn(service, here, named)
        case "CreateLogGroup":
            yield "logs:TagResource", _arn(service, here, named)
        case "RegisterTaskDefinition":
            # A definition with tags is tagged, too (ECS guide, supported-iam-actions-tagging).
            yield "ecs:TagResource", f"{here}:task-definition/{named}:1"
        case _:
            return


def _arn(service: str, here: str, named: str) -> str:
    """The ARN a call is about."""
    if named.startswith("arn:"):
        return named
    match service:
        case "ecs":
            return f"{here}:service/{CLUSTER}/{named}"
        case "cloudwatch":
            return f"{here}:alarm:{named}"
        case "application-autoscaling":
            return f"{here}:scalable-target/0123456789"
        case "logs":
            return f"{here}:log-group:{named}:*" if named.startswith("/") else f"{here}:log-group:*"
        case _:
            return "*"


@pytest.fixture(scope="module")
def played(services: Services) -> Iterator[tuple[Permissions, list[Call]]]:
    """The permissions of a place, and every call that was made there."""
    with pytest.MonkeyPatch.context() as patch, ecs_place(services, showing=True) as made:
        for name, value in services.cloud.environment().items():
            patch.setenv(name, value)
        place = _busy(made)
        before = len(services.cloud.control("calls"))  # type: ignore[arg-type] # a list
        _play(place)
        calls: Any = services.cloud.control("calls")
        yield permissions(place.config, place.environment), by_roles(calls[before:])


def _busy(place: EcsPlace) -> EcsPlace:
    """The place with everything a config may ask of it."""
    rollout = Rollout(
        strategy=RolloutStrategy.CANARY,
        canary_percent=50,
        bake_time=timedelta(minutes=1),
        analysis=Analysis(error_rate_increase=1),
        alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=50),),
    )
    scaling = Autoscaling(min=1, max=2, invocations_per_instance_per_minute=600)
    environment = replace(
        place.environment, rollout=rollout, capacity=Capacity(instances=1, autoscaling=scaling)
    )
    config = replace(place.config, environments={environment.name: environment})
    return replace(place, config=config, environment=environment)


def _play(place: EcsPlace) -> None:
    """Everything a service goes through."""
    first, second, third = (place.version(number) for number in "123")
    place.serve(first)
    place.target.configure(first.id, place.environment.capacity)
    place.begin(second, 0)
    place.target.settle(lambda _: None)
    place.target.invoke(HttpRequest(body=b"[1]"), second.id)
    place.target.shift(second.id, 50, urgent=False)
    place.target.settle(lambda _: None)
    place.target.measure(second.id, first.id, 60)
    place.target.interrupt()
    place.target.settle(lambda _: None)
    place.target.logs(second.id)
    place.target.shift(third_staged(place, third), 100, urgent=True)
    place.target.settle(lambda _: None)
    place.target.configure(third.id, Capacity(instances=2))
    place.target.retire(first.id)
    looked = reading(place.config)
    environment = looked.environments[place.environment.name]
    target = open_target(looked, environment, Accounts(), place.artifacts, from_environment())
    target.observe(second)
    place.target.configure(third.id, place.environment.capacity)
    going = replace(environment, deploy_role=environment.retire_role)
    last = open_target(looked, going, Accounts(), place.artifacts, from_environment())
    last.observe(None)
    last.estate.requests(900)
    for thing in last.estate.things():
        last.estate.remove(thing)


def third_staged(place: EcsPlace, version: Any) -> Any:  # noqa: ANN401 - a version and its id
    """Stage it, and mark and unmark it."""
    from modelway.core.record import Reinstated, Withdrawn

    place.target.stage(version, release="r1")
    place.target.record(version.id, Withdrawn(reason="a bad day"))
    place.target.record(version.id, Reinstated(reason="a better one"))
    return version.id


def test_every_call_is_allowed_to_the_role_that_made_it(played):
    granted, calls = played
    assert not refused(granted, calls, needed)


def test_nothing_is_allowed_that_no_call_needed(played):
    granted, calls = played
    assert not unused(granted, calls, needed, NOT_REHEARSED)
