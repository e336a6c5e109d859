"""What a function's alarms compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from modelway.core.config import AlarmMetric
from modelway.targets.aws_lambda.measurement import dimensions_of
from modelway.targets.shared.rollout_alarms import Platform, error_rate

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

PLATFORM = Platform(
    seen="The new version would be taken back at once.",
    latency=1,  # AWS/Lambda Duration is in milliseconds
    # The alarm needs the number that publishing gives: making it stages the version, too.
    making="publish the version, unless it is, and create the alarm {name}",
)


def queries(function: str, number: str, metric: AlarmMetric, period: int) -> list[MetricDataQueryTypeDef]:
    """What an alarm computes, over one version's own share of the alias; the period is in seconds."""
    dimensions = dimensions_of(function, number)

    def query(id_: str, name: str, statistic: str) -> MetricDataQueryTypeDef:
        return {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
                "Period": period,
                "Stat": statistic,
            },
        }

    match metric:
        case AlarmMetric.ERROR_RATE:
            return error_rate(query("errors", "Errors", "Sum"), query("requests", "Invocations", "Sum"))
        case AlarmMetric.LATENCY_P95:
            return [{**query("latency", "Duration", "p95"), "ReturnData": True}]
        case _:
            assert_never(metric)
