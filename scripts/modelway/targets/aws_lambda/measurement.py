"""What two versions answered over the same minutes, by Lambda's metrics of each one's share of the alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.analysis import Sample
from modelway.ports import Clock
from modelway.targets.aws_lambda.settings import ALIAS

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

_MINUTE = 60
_METRICS = {"requests": ("Invocations", "Sum"), "errors": ("Errors", "Sum"), "latency": ("Duration", "p95")}
_MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """CloudWatch, asked about one function."""

    client: CloudWatchClient
    function: str
    clock: Clock

    def compare(self, candidate: str, baseline: str, seconds: float) -> tuple[Sample, Sample]:
        """The two versions, by Lambda's numbers; whole minutes, as Lambda publishes them."""
        numbers = {"candidate": candidate, "baseline": baseline}
        queries = [
            self._query(f"{side}_{kind}", number, kind)
            for side, number in numbers.items()
            for kind in _METRICS
        ]
        found: dict[str, list[float]] = {}
        with translated("read Lambda's metrics", service="cloudwatch"):
            pages = self.client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=self.clock.ago(seconds),
                EndTime=self.clock.now(),
                ScanBy="TimestampAscending",
            )
            for result in (each for page in pages for each in page["MetricDataResults"]):
                found.setdefault(result["Id"], []).extend(result["Values"])
        return _sample(found, "candidate"), _sample(found, "baseline")

    def _query(self, id_: str, number: str, kind: str) -> MetricDataQueryTypeDef:
        name, statistic = _METRICS[kind]
        dimensions = dimensions_of(self.function, number)
        return {
            "Id": id_,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
                "Period": _MINUTE,
                "Stat": statistic,
            },
        }


def dimensions_of(function: str, number: str) -> list[DimensionTypeDef]:
    """One version's share of what the alias was asked (Lambda's guide, monitoring-metrics)."""
    return [
        {"Name": "FunctionName", "Value": function},
        {"Name": "Resource", "Value": f"{function}:{ALIAS}"},
        {"Name": "ExecutedVersion", "Value": number},
    ]


def _sample(found: dict[str, list[float]], side: str) -> Sample:
    """Sums; of the minutes' percentiles their mean, weighted by requests."""
    requests, slow = found.get(f"{side}_requests", []), found.get(f"{side}_latency", [])
    weighted = sum(count * value for count, value in zip(requests, slow, strict=False))
    whole = sum(requests)
    return Sample(
        requests=round(whole),
        errors=round(sum(found.get(f"{side}_errors", []))),
        latency_p95=weighted / whole / _MILLISECONDS if whole and slow else None,
    )
