"""What `iam` prints for Lambda against what is called: each call is allowed, and nothing goes unused.

A function is released, compared, opened to everybody, scaled and retired by the deploying role, and looked at
by the planning one. The rehearsal has no policies: its log of calls is judged, as in ``test_iam_calls``.
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
from modelway.core.image import Image
from modelway.core.record import Reinstated, Withdrawn
from modelway.ports import HttpRequest
from modelway.rehearsal.launch import Cloud
from modelway.targets.aws_lambda import open_target
from modelway.targets.aws_lambda.permissions import permissions
from modelway.targets.aws_lambda.target import Lambda
from tests.rehearsal.places import LAMBDA, Nothing, Place, function_place
from tests.rehearsal.rights import Call, by_roles, refused, unused

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

NOT_REHEARSED: Mapping[str, str] = {
    "iam:CreateServiceLinkedRole": "AWS does it in the caller's name, the first time an account scales",
}
_ACTIONS = {"Invoke": "InvokeFunction"}
_NO_RESOURCE = {
    *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
    *("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"),
}
SCALED = Capacity(instances=1, autoscaling=Autoscaling(min=1, max=2, invocations_per_instance_per_minute=600))
CAREFUL = Rollout(
    strategy=RolloutStrategy.CANARY,
    canary_percent=50,
    bake_time=timedelta(minutes=1),
    analysis=Analysis(error_rate_increase=1),
    alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=50),),
)


def needed(entry: Call) -> Iterator[tuple[str, str]]:
    """Actions and resources a call needs, as IAM sees them."""
    service, operation = entry["service"], _ACTIONS.get(entry["operation"], entry["operation"])
    action, named = f"{service}:{operation}", str(entry["resource"])
    here = f"arn:aws:{service}:{entry['region']}:{entry['account']}"
    related = dict(one.split("=", 1) for one in entry["related"])
    arn = "*" if action in _NO_RESOURCE else _arn(service, here, named)
    yield action, arn
    if "Role" in related:
        yield "iam:PassRole", related["Role"]
    match operation:
        case "CreateFunction":
            yield "lambda:TagResource", arn
        case "PutMetricAlarm":
            yield "cloudwatch:TagResource", arn
        case "PutParameter" if "Tags" in related:
            yield "ssm:AddTagsToResource", arn
        case _:
            return


def _arn(service: str, here: str, named: str) -> str:
    """The ARN a call is about."""
    if named.startswith("arn:"):
        return named
    match service:
        case "lambda":
            return f"{here}:function:{named}"
        case "ssm":
            return f"{here}:parameter{named}"
        case "cloudwatch":
            return f"{here}:alarm:{named}"
        case "application-autoscaling":
            return f"{here}:scalable-target/0123456789"
        case "logs":
            return f"{here}:log-group:{named}:*"
        case _:
            raise AssertionError(f"no ARN for {service} {named}")


@pytest.fixture(scope="module")
def played(cloud: Cloud, pushed: Image, function_role: str) -> Iterator[tuple[Permissions, list[Call]]]:
    """The permissions of a place, and every call that was made there."""
    settings = {**LAMBDA, "execution_role": function_role, "function_url": "public"}
    changes = {"capacity": SCALED, "rollout": CAREFUL, "settings": settings}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        with function_place(cloud, pushed, function_role, **changes) as made:
            before = len(cloud.control("calls"))  # type: ignore[arg-type]  # a list
            _play(made)
            calls: Any = cloud.control("calls")
            assert made.config
            granted = permissions(made.config, made.config.environments["production"])
            yield granted, by_roles(calls[before:])


def _play(place: Place) -> None:
    """Everything a function goes through."""
    target, config = place.target, place.config
    assert isinstance(target, Lambda)
    assert config
    place.serve(place.good)
    target.configure(place.good.id, SCALED)
    for need in target.observe(place.better).needs:
        target.prepare(need.id, place.better)
    target.stage(place.better, release="r2")
    target.invoke(HttpRequest(body=b"[1]"), place.better.id)
    target.shift(place.better.id, 50, urgent=False)
    target.measure(place.better.id, place.good.id, 60)
    target.logs(place.better.id)
    target.record(place.better.id, Withdrawn(reason="a bad day"))
    target.record(place.better.id, Reinstated(reason="a better one"))
    target.shift(place.better.id, 100, urgent=False)
    target.configure(place.better.id, Capacity(instances=2))
    target.configure(place.better.id, Capacity(instances=0))
    target.observer.url.set("iam")
    target.observer.url.set("")
    assert place.dying
    target.stage(place.dying, release="r3")
    relabelled = replace(target.versions, config=replace(config, owner="somebody-else"))
    fourth = replace(place.good, settings={**place.good.settings, "environment": {"VERSION": "4"}})
    relabelled.make(fourth, "r4")  # tags the function anew
    target.retire(place.good.id)
    looked = reading(config)
    environment = looked.environments["production"]
    open_target(looked, environment, Accounts(), Nothing(), from_environment()).observe(place.better)
    target.configure(place.better.id, SCALED)
    _remove(place)


def _remove(place: Place) -> None:
    """The end of it, by the role that is for that."""
    assert place.config
    environment = place.config.environments["production"]
    going = replace(environment, deploy_role=environment.retire_role)
    last = open_target(place.config, going, Accounts(), Nothing(), from_environment())
    last.observe(None)
    last.estate.requests(900)
    for thing in last.estate.things():
        last.estate.remove(thing)


def test_every_call_is_allowed_to_the_role_that_made_it(played):
    granted, calls = played
    assert not refused(granted, calls, needed)


def test_nothing_is_allowed_that_no_call_needed(played):
    granted, calls = played
    assert not unused(granted, calls, needed, NOT_REHEARSED)
