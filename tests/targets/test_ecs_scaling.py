"""Autoscaling of a service whose target groups changed: written anew where it is wanted, else removed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modelway.core.config import Autoscaling, Capacity, Rollout, RolloutStrategy
from modelway.core.json import JsonObject
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import definition
from modelway.targets.ecs.observation import Observer
from modelway.targets.ecs.pointer import Pointer, Sight
from modelway.targets.ecs.scaling import Scaling
from modelway.targets.ecs.target import Ecs
from tests.targets.ecs_models import CANARY, PLAIN, RULE, SHIFTING, A, B, production, version

BOUNDS = Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)


class Registered:
    """Application Auto Scaling, with what modelway registered when the service had the one target group A."""

    def __init__(self) -> None:
        self.there, self.follows = True, {A.rpartition(":")[2]}

    def describe_scalable_targets(self, **_: object) -> dict[str, Any]:
        return {"ScalableTargets": [{"MinCapacity": 1, "MaxCapacity": 3}] if self.there else []}

    def describe_scaling_policies(self, **_: object) -> dict[str, Any]:
        dimensions = [{"Name": "TargetGroup", "Value": group} for group in self.follows]
        metric = {"Id": "group1", "MetricStat": {"Metric": {"Dimensions": dimensions}}}
        tracking = {
            "TargetValue": 600,
            "ScaleInCooldown": BOUNDS.scale_in_cooldown.total_seconds(),
            "ScaleOutCooldown": BOUNDS.scale_out_cooldown.total_seconds(),
            "CustomizedMetricSpecification": {"Metrics": [metric]},
        }
        return {"ScalingPolicies": [{"TargetTrackingScalingPolicyConfiguration": tracking}]}

    def register_scalable_target(self, **_: object) -> None:
        self.there = True

    def put_scaling_policy(self, **asked: Any) -> None:  # noqa: ANN401 - as boto3 takes it
        tracking = asked["TargetTrackingScalingPolicyConfiguration"]
        self.follows = {
            dimension["Value"]
            for metric in tracking["CustomizedMetricSpecification"]["Metrics"]
            for dimension in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
            if dimension["Name"] == "TargetGroup"
        }

    def deregister_scalable_target(self, **_: object) -> None:
        self.there = False


def scaling(*groups: str) -> tuple[Scaling, Registered]:
    client: Any = Registered()
    followed = [{"TargetGroup": group.rpartition(":")[2]} for group in groups]
    return Scaling(client=client, cluster="models", service="iris-production", groups=followed), client


@pytest.mark.parametrize("groups", [(), (B,), (A, B)])
def test_what_follows_the_target_groups_of_before_counts_only_where_none_is_wanted(
    groups: tuple[str, ...],
) -> None:
    found, _ = scaling(*groups)
    assert found.observe(BOUNDS) is None
    assert found.observe(None) == BOUNDS


def test_what_follows_the_service_s_own_target_group_is_what_is_wanted() -> None:
    assert scaling(A)[0].observe(BOUNDS) == BOUNDS


def target(own: Scaling, staged: JsonObject, now: JsonObject) -> Ecs:
    """Two tasks of a version of these settings, while the config has others by now."""
    old = version(staged)
    made = definition(old, "iris-production", production(), platform="linux/amd64", artifact_uri=None)
    services = SimpleNamespace(describe=lambda: {"serviceName": "iris-production", "desiredCount": 2})
    inventory = SimpleNamespace(arn=lambda _version: "arn", definition=lambda _arn: made)
    pointer = SimpleNamespace(services=services, inventory=inventory)
    observer: Any = SimpleNamespace(scaling=own, pointer=pointer, settings=settings_.parse(now))
    unused: Any = None
    return Ecs(
        environment=unused,
        client=unused,
        observer=observer,
        versions=unused,
        releases=unused,
        runtime=unused,
        listeners=unused,
        measurement=unused,
        artifacts=unused,
        clock=unused,
    )


BARE: JsonObject = {key: value for key, value in PLAIN.items() if key != "load_balancer"}
OTHER: JsonObject = {**PLAIN, "load_balancer": {"target_groups": [B], "listener_rule": RULE}}


def test_autoscaling_that_is_not_wanted_any_more_ends_although_the_load_balancer_went_with_it() -> None:
    """Left there, it would scale the service by the requests of groups that nobody asks any more."""
    own, client = scaling()
    target(own, BARE, BARE).configure(version().id, Capacity(instances=2))
    assert not client.there


def test_autoscaling_of_a_version_gone_back_to_follows_its_own_target_groups() -> None:
    """By those of the config, in which nobody asks anything, the service would shrink to its minimum."""
    own, client = scaling(B)
    back = target(own, PLAIN, OTHER)
    back.configure(version(PLAIN).id, Capacity(instances=2, autoscaling=BOUNDS))
    assert client.follows == {A.rpartition(":")[2]}
    assert own.of(settings_.parse(PLAIN)).observe(BOUNDS) == BOUNDS


@pytest.mark.parametrize(
    ("rollout", "group"), [(CANARY, B), (Rollout(strategy=RolloutStrategy.ROLLING, step_percent=50), A)]
)
def test_alarms_watch_the_group_in_which_the_version_will_be(rollout: Rollout, group: str) -> None:
    """A rolling release stays in the group that has the traffic, though the settings name two."""
    services: Any = SimpleNamespace(target_group=lambda _revision: A)
    unused: Any = None
    observer = Observer(
        environment=production(SHIFTING, rollout=rollout),
        settings=settings_.parse(SHIFTING),
        pointer=Pointer(services=services, inventory=unused, shows=False),
        alarms=unused,
        scaling=unused,
        surroundings=unused,
        artifacts=unused,
        clock=unused,
    )
    watched = observer.watched(version(SHIFTING).id, Sight(None, None))
    assert watched is not None
    assert watched["TargetGroup"] == group.rpartition(":")[2]
