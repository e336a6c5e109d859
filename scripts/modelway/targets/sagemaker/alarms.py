"""What an endpoint's alarms compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from modelway.core.config import AlarmMetric
from modelway.targets.sagemaker.settings import VARIANT
from modelway.targets.shared.rollout_alarms import Platform, error_rate

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

PLATFORM = Platform(
    seen="SageMaker would take the new version back at once.",
    latency=1000,  # AWS/SageMaker ModelLatency is in microseconds
)


def queries(
    endpoint: str, config_name: str, metric: AlarmMetric, period: int
) -> list[MetricDataQueryTypeDef]:
    """What an alarm computes, over the version's own fleet only; the period is in seconds.

    During and after a guarded update SageMaker publishes the new fleet's metrics under the
    endpoint config's name too, so errors of the version in service do not ring it.
    """
    dimensions: list[DimensionTypeDef] = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": VARIANT},
        {"Name": "EndpointConfigName", "Value": config_name},
    ]

    def query(id_: str, name: str, statistic: str) -> MetricDataQueryTypeDef:
        return {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions},
                "Period": period,
                "Stat": statistic,
            },
        }

    match metric:
        case AlarmMetric.ERROR_RATE:
            return error_rate(
                query("errors", "Invocation5XXErrors", "Sum"), query("requests", "Invocations", "Sum")
            )
        case AlarmMetric.LATENCY_P95:
            return [{**query("latency", "ModelLatency", "p95"), "ReturnData": True}]
        case _:
            assert_never(metric)
