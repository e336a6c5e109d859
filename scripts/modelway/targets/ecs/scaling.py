"""How many tasks run: the service's desired count, and autoscaling by target tracking.

``ALBRequestCountPerTarget`` follows one target group by name, and ECS does not support it for blue/green,
where the groups change places with every release (service-autoscaling-targettracking). So the policy follows
``RequestCountPerTarget`` of whichever of the service's groups is the busier: the idle one counts nothing, and
while a release moves the traffic neither fleet looks half as busy as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.config import Autoscaling, Capacity
from modelway.targets.ecs.metrics import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.type_defs import (
        TargetTrackingMetricDataQueryTypeDef,
        TargetTrackingScalingPolicyConfigurationOutputTypeDef,
        TargetTrackingScalingPolicyConfigurationTypeDef,
    )

_POLICY = "modelway-requests-per-task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Application Auto Scaling of one service."""

    client: ApplicationAutoScalingClient
    cluster: str
    service: str
    groups: Sequence[Mapping[str, str]]
    """The dimensions of the service's target groups."""

    @property
    def _resource(self) -> str:
        return f"service/{self.cluster.rpartition('/')[2]}/{self.service}"

    def observe(self) -> Autoscaling | None:
        """What modelway registered; somebody else's policies are theirs.

        A policy that follows other target groups is none of this service's.
        """
        with translated("read autoscaling", service="application-autoscaling"):
            targets = self.client.describe_scalable_targets(
                ServiceNamespace="ecs",
                ResourceIds=[self._resource],
                ScalableDimension="ecs:service:DesiredCount",
            )["ScalableTargets"]
            if not targets:
                return None
            policies = self.client.describe_scaling_policies(
                ServiceNamespace="ecs", ResourceId=self._resource, PolicyNames=[_POLICY]
            )["ScalingPolicies"]
        if not policies:
            return None
        tracking = policies[0]["TargetTrackingScalingPolicyConfiguration"]
        if _followed(tracking) != frozenset(group["TargetGroup"] for group in self.groups):
            return None
        return Autoscaling(
            min=targets[0]["MinCapacity"],
            max=targets[0]["MaxCapacity"],
            invocations_per_instance_per_minute=tracking["TargetValue"],
            scale_in_cooldown=timedelta(seconds=tracking.get("ScaleInCooldown", 300)),
            scale_out_cooldown=timedelta(seconds=tracking.get("ScaleOutCooldown", 300)),
        )

    def set(self, wanted: Autoscaling) -> None:
        """Register bounds and policy; both calls overwrite what is there."""
        tracking: TargetTrackingScalingPolicyConfigurationTypeDef = {
            "TargetValue": wanted.invocations_per_instance_per_minute,
            "CustomizedMetricSpecification": {"Metrics": self._queries()},
            "ScaleInCooldown": int(wanted.scale_in_cooldown.total_seconds()),
            "ScaleOutCooldown": int(wanted.scale_out_cooldown.total_seconds()),
        }
        with translated("set autoscaling", service="application-autoscaling"):
            self.client.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=self._resource,
                ScalableDimension="ecs:service:DesiredCount",
                MinCapacity=wanted.min,
                MaxCapacity=wanted.max,
            )
            self.client.put_scaling_policy(
                PolicyName=_POLICY,
                ServiceNamespace="ecs",
                ResourceId=self._resource,
                ScalableDimension="ecs:service:DesiredCount",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=tracking,
            )

    def _queries(self) -> list[TargetTrackingMetricDataQueryTypeDef]:
        """Requests a task and minute of each target group, and the greater of them."""
        names = [f"group{number}" for number in range(1, len(self.groups) + 1)]
        filled = ",".join(f"FILL({name},0)" for name in names)
        busiest: TargetTrackingMetricDataQueryTypeDef = {
            "Id": "busiest",
            "Label": "requests a task and minute, of the busier target group",
            "Expression": f"MAX([{filled}])",
            "ReturnData": True,
        }
        groups: list[TargetTrackingMetricDataQueryTypeDef] = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": NAMESPACE,
                        "MetricName": "RequestCountPerTarget",
                        "Dimensions": [{"Name": key, "Value": group[key]} for key in sorted(group)],
                    },
                    "Stat": "Sum",
                },
                "ReturnData": False,
            }
            for name, group in zip(names, self.groups, strict=True)
        ]
        return [busiest, *groups]

    def remove(self) -> None:
        """Take the service out of autoscaling; its count stays as it is."""
        with translated("remove autoscaling", service="application-autoscaling"):
            try:
                self.client.deregister_scalable_target(
                    ServiceNamespace="ecs",
                    ResourceId=self._resource,
                    ScalableDimension="ecs:service:DesiredCount",
                )
            except self.client.exceptions.ObjectNotFoundException:
                return


def _followed(tracking: TargetTrackingScalingPolicyConfigurationOutputTypeDef) -> frozenset[str]:
    """The target groups a policy's metrics are of."""
    return frozenset(
        dimension["Value"]
        for one in tracking.get("CustomizedMetricSpecification", {}).get("Metrics", [])
        for dimension in one.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "TargetGroup"
    )


def as_configured(tasks: int, scaling: Autoscaling | None, wanted: Capacity) -> Capacity:
    """The capacity that runs, in the config's terms.

    Under autoscaling the count is not the config's to set: any count inside the bounds is the wanted one.
    """
    if scaling and scaling == wanted.autoscaling and scaling.min <= tasks <= scaling.max:
        return Capacity(instances=wanted.instances, autoscaling=scaling)
    return Capacity(instances=tasks, autoscaling=scaling)
