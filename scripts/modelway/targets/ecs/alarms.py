"""What is ECS's own about alarms, and whether they watch the right target group.

ECS ignores all alarms of a deployment for its whole length if one of them is in ALARM when it begins
(docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html): then it must not begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelway.targets.ecs.metrics import METRICS
from modelway.targets.shared.rollout_alarms import Platform

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef

PLATFORM = Platform(
    seen="ECS would ignore every alarm for this whole deployment.",
    metrics=METRICS,
)


def watches(alarm: MetricAlarmTypeDef, watched: Mapping[str, str] | None) -> bool:
    """Whether an alarm looks at the target group the version has or will have.

    Blue and green change places, so an alarm of an earlier attempt may watch the other one.
    """
    groups = {
        dimension["Value"]
        for one in alarm.get("Metrics", [])
        for dimension in one.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        if dimension["Name"] == "TargetGroup"
    }
    return watched is None or groups == {watched["TargetGroup"]}
