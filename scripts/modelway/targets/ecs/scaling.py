"""How many tasks run: the service's desired count, and autoscaling by target tracking.

``ALBRequestCountPerTarget`` follows one target group by name, and ECS does not support it for blue/green,
where the groups change places with every release (service-autoscaling-targettracking). So the policy follows
``RequestCountPerTarget`` of whichever of the service's groups is the busier: the idle one counts nothing, and
while a release moves the traffic neither fleet looks half as busy as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelway.core.config import Autoscaling
from modelway.targets.ecs.metrics import METRICS, dimensions
from modelway.targets.ecs.settings import Settings
from modelway.targets.shared.autoscaling import Scalable

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.type_defs import TargetTrackingMetricDataQueryTypeDef

    from modelway.targets.shared.autoscaling import Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Application Auto Scaling of one service."""

    client: ApplicationAutoScalingClient
    cluster: str
    service: str
    groups: Sequence[Mapping[str, str]]
    """The dimensions of the service's target groups."""

    def of(self, settings: Settings) -> Scaling:
        """The same by the target groups of these settings: what is gone back to is behind its own."""
        return replace(self, groups=groups_of(settings))

    @property
    def _service(self) -> Scalable:
        return Scalable(
            client=self.client,
            namespace="ecs",
            dimension="ecs:service:DesiredCount",
            resource=f"service/{self.cluster.rpartition('/')[2]}/{self.service}",
            policy="modelway-requests-per-task",
        )

    def observe(self, wanted: Autoscaling | None) -> Autoscaling | None:
        """What modelway registered.

        Where autoscaling is wanted, a policy that follows target groups of before counts for nothing, and is
        written anew; where none is, it is there until it is removed.
        """
        groups = frozenset(group["TargetGroup"] for group in self.groups)
        return self._service.observe(lambda tracking: wanted is None or _followed(tracking) == groups)

    def found(self) -> Autoscaling | None:
        """What anybody registered, where it follows requests."""
        return self._service.found(_requests)

    def unsaid(self) -> tuple[str, ...]:
        """Policies that no config can say: of CPU or memory, by steps, or a second one."""
        return self._service.unsaid(_requests)

    def set(self, wanted: Autoscaling) -> None:
        """Keep the requests a task and minute of the busier target group near the wanted number."""
        self._service.set(wanted, self._queries())

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
                        "Namespace": METRICS.namespace,
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
        self._service.remove()


def groups_of(settings: Settings) -> tuple[Mapping[str, str], ...]:
    """The dimensions of the service's target groups."""
    own = settings.balancer
    return tuple(dimensions(group, own.listener_rule) for group in own.target_groups) if own else ()


def _requests(tracking: Tracking) -> bool:
    """Whether a policy follows the requests a task gets."""
    predefined = tracking.get("PredefinedMetricSpecification")
    if predefined:
        return predefined["PredefinedMetricType"] == "ALBRequestCountPerTarget"
    return bool(_followed(tracking))


def _followed(tracking: Tracking) -> frozenset[str]:
    """The target groups a policy's metrics are of."""
    return frozenset(
        dimension["Value"]
        for one in tracking.get("CustomizedMetricSpecification", {}).get("Metrics", [])
        for dimension in one.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "TargetGroup"
    )
