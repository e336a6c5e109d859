"""The load balancer's metrics of a target group: what alarms watch, scaling follows, and analysis compares.

docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html. Times are
seconds there. ``HTTPCode_*`` is published only where it is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.analysis import Sample
from modelway.errors import NotEvaluated
from modelway.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        DimensionTypeDef,
        MetricDataQueryTypeDef,
        MetricDataResultTypeDef,
    )

NAMESPACE = "AWS/ApplicationELB"
REQUESTS, ERRORS, LATENCY = "RequestCount", "HTTPCode_Target_5XX_Count", "TargetResponseTime"
_MINUTE = 60


def dimensions(target_group: str, listener_rule: str) -> dict[str, str]:
    """A target group's dimensions, which the ARNs of it and of its listener's rule hold."""
    balancer = listener_rule.partition("listener-rule/")[2].split("/")
    return {
        "LoadBalancer": "/".join(balancer[:3]),
        "TargetGroup": target_group.rpartition(":")[2],
    }


def query(id_: str, name: str, stat: str, period: int, named: Mapping[str, str]) -> MetricDataQueryTypeDef:
    """One metric of a target group."""
    listed: list[DimensionTypeDef] = [{"Name": key, "Value": named[key]} for key in sorted(named)]
    return {
        "Id": id_,
        "MetricStat": {
            "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": listed},
            "Period": period,
            "Stat": stat,
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What target groups answered in the last minutes."""

    client: CloudWatchClient
    clock: Clock

    def compare(
        self, candidate: Mapping[str, str], baseline: Mapping[str, str], seconds: float
    ) -> tuple[Sample, Sample]:
        """Both over the same minutes; raises ``NotEvaluated`` where CloudWatch has only a part of them."""
        start, end = self.clock.ago(seconds), self.clock.now()
        span = max(1, math.ceil((end - start).total_seconds() / _MINUTE)) * _MINUTE
        asked = [
            *_queries("candidate", candidate, span),
            *_queries("baseline", baseline, span),
        ]
        with translated("read the load balancer's metrics", service="cloudwatch"):
            pages = self.client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=asked, StartTime=start, EndTime=end
            )
            results = [result for page in pages for result in page["MetricDataResults"]]
        return _sample("candidate", results), _sample("baseline", results)


def _queries(side: str, named: Mapping[str, str], span: int) -> list[MetricDataQueryTypeDef]:
    """Counts a minute, and one percentile over all of it: percentiles of minutes cannot be added."""
    return [
        query(f"{side}_requests", REQUESTS, "Sum", _MINUTE, named),
        query(f"{side}_errors", ERRORS, "Sum", _MINUTE, named),
        query(f"{side}_latency", LATENCY, "p95", span, named),
    ]


def _sample(side: str, results: list[MetricDataResultTypeDef]) -> Sample:
    """One side's counts added up. A span that touches two periods has two percentiles: the worse counts."""
    values: dict[str, list[float]] = {}
    for result in results:
        if result.get("StatusCode", "Complete") not in {"Complete", "PartialData"}:
            what = "CloudWatch did not answer for the load balancer's metrics"
            raise NotEvaluated(what, seen=f"{result['Id']}: {result['StatusCode']}", cure="Run it again.")
        values.setdefault(result["Id"], []).extend(result["Values"])
    return Sample(
        requests=round(sum(values.get(f"{side}_requests", []))),
        errors=round(sum(values.get(f"{side}_errors", []))),
        latency_p95=max(values.get(f"{side}_latency", []), default=None),
    )
