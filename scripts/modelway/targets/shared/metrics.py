"""A platform's metrics of one version: what alarms watch, and what two versions are compared by.

Each platform counts time in a unit of its own. Here it becomes one: configs count in milliseconds, samples
in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelway.adapters.aws_errors import translated
from modelway.core.analysis import Sample
from modelway.core.config import AlarmMetric
from modelway.errors import NotEvaluated
from modelway.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

    Dimensions = Mapping[str, str]

_MINUTE = 60
_ANSWERED = frozenset({"Complete", "PartialData"})
"""GetMetricData's StatusCode where the values are those there are; partial data goes on on the next page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How a platform calls what it counts of a version."""

    platform: str
    namespace: str
    requests: str
    errors: str
    """Requests that failed by the version's fault; published only where there are some."""
    latency: str
    per_second: int
    """So many of the unit in which it measures latency make a second."""
    answered: tuple[str, ...] = ()
    """Requests answered well, where ``errors`` does not count those that were never answered."""

    @property
    def counted(self) -> tuple[str, str]:
        """Namespace and name of the requests."""
        return self.namespace, self.requests

    def threshold(self, metric: AlarmMetric, above: float) -> float:
        """A config's limit, percent or milliseconds, in the platform's unit."""
        return above if metric is AlarmMetric.ERROR_RATE else above * self.per_second / 1000

    def alarm(self, metric: AlarmMetric, period: int, dimensions: Dimensions) -> list[MetricDataQueryTypeDef]:
        """What an alarm computes; the period is in seconds."""
        match metric:
            case AlarmMetric.ERROR_RATE:
                rate: MetricDataQueryTypeDef = {
                    "Id": "rate",
                    "Expression": "100*FILL(errors,0)/requests",
                    "ReturnData": True,
                }
                errors = self._query("errors", self.errors, "Sum", period, dimensions)
                requests = self._query("requests", self.requests, "Sum", period, dimensions)
                return [rate, {**errors, "ReturnData": False}, {**requests, "ReturnData": False}]
            case AlarmMetric.LATENCY_P95:
                return [
                    {**self._query("latency", self.latency, "p95", period, dimensions), "ReturnData": True}
                ]
            case _:
                assert_never(metric)

    def sample(self, side: str, span: int, dimensions: Dimensions) -> list[MetricDataQueryTypeDef]:
        """Counts a minute, and one percentile over all of it: percentiles of minutes cannot be added."""
        answered = {f"{side}_answered{at}": name for at, name in enumerate(self.answered)}
        counts = {f"{side}_requests": self.requests, f"{side}_errors": self.errors, **answered}
        return [
            *(self._query(id_, name, "Sum", _MINUTE, dimensions) for id_, name in counts.items()),
            self._query(f"{side}_latency", self.latency, "p95", span, dimensions),
        ]

    def _query(
        self, id_: str, name: str, stat: str, period: int, dimensions: Dimensions
    ) -> MetricDataQueryTypeDef:
        return {
            "Id": id_,
            "MetricStat": {
                "Metric": {
                    "Namespace": self.namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": dimensions[key]} for key in sorted(dimensions)],
                },
                "Period": period,
                "Stat": stat,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What versions answered in the last minutes."""

    client: CloudWatchClient
    metrics: Metrics
    clock: Clock

    def compare(self, candidate: Dimensions, baseline: Dimensions, seconds: float) -> tuple[Sample, Sample]:
        """Both over the same minutes; raises ``NotEvaluated`` where CloudWatch tells only a part."""
        start, end = self.clock.ago(seconds), self.clock.now()
        span = max(1, math.ceil((end - start).total_seconds() / _MINUTE)) * _MINUTE
        asked = [
            *self.metrics.sample("candidate", span, candidate),
            *self.metrics.sample("baseline", span, baseline),
        ]
        with translated(f"read {self.metrics.platform}'s metrics", service="cloudwatch"):
            pages = self.client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=asked, StartTime=start, EndTime=end
            )
            results = [result for page in pages for result in page["MetricDataResults"]]
        values = self._values(results)
        return self._sample("candidate", values), self._sample("baseline", values)

    def _values(self, results: list[MetricDataResultTypeDef]) -> Mapping[str, list[float]]:
        """All values of each query; a query that failed is no query that counted nothing."""
        values: dict[str, list[float]] = {}
        for result in results:
            if result.get("StatusCode", "Complete") not in _ANSWERED:
                what = f"CloudWatch did not answer for {self.metrics.platform}'s metrics"
                raise NotEvaluated(what, seen=f"{result['Id']}: {result['StatusCode']}", cure="Run it again.")
            values.setdefault(result["Id"], []).extend(result["Values"])
        return values

    def _sample(self, side: str, values: Mapping[str, list[float]]) -> Sample:
        """One side's counts added up; of two percentiles, where the span touches two periods, the worse.

        What was asked and not answered well failed, however it ended.
        """

        def count(name: str) -> int:
            return round(sum(values.get(f"{side}_{name}", [])))

        slowest = max(values.get(f"{side}_latency", []), default=None)
        requests, names = count("requests"), range(len(self.metrics.answered))
        unanswered = requests - sum(count(f"answered{at}") for at in names) if names else 0
        return Sample(
            requests=requests,
            errors=min(requests, max(count("errors"), unanswered)),
            latency_p95=None if slowest is None else slowest / self.metrics.per_second,
        )
