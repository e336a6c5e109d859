"""What a service's alarms compute, and whether they watch the right target group.

ECS ignores all alarms of a deployment for its whole length if one of them is in ALARM when it begins
(docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html): then it must not begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from modelway.core.config import AlarmMetric
from modelway.targets.ecs import metrics
from modelway.targets.shared.rollout_alarms import Platform, error_rate

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricDataQueryTypeDef

PLATFORM = Platform(
    seen="ECS would ignore every alarm for this whole deployment.",
    latency=1 / 1000,  # the load balancer's TargetResponseTime is in seconds
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


def queries(watched: Mapping[str, str], metric: AlarmMetric, period: int) -> list[MetricDataQueryTypeDef]:
    """What an alarm computes, over the version's own target group only; the period is in seconds.

    So errors of the version in service do not ring it while the two are in different groups.
    """
    match metric:
        case AlarmMetric.ERROR_RATE:
            return error_rate(
                metrics.query("errors", metrics.ERRORS, "Sum", period, watched),
                metrics.query("requests", metrics.REQUESTS, "Sum", period, watched),
            )
        case AlarmMetric.LATENCY_P95:
            return [{**metrics.query("latency", metrics.LATENCY, "p95", period, watched), "ReturnData": True}]
        case _:
            assert_never(metric)
