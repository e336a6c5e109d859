"""Lambda's metrics of one version's share of the alias: what alarms watch, and what analysis compares."""

from __future__ import annotations

from modelway.targets.aws_lambda.settings import ALIAS
from modelway.targets.shared.metrics import Metrics

METRICS = Metrics(
    platform="Lambda",
    namespace="AWS/Lambda",
    requests="Invocations",
    errors="Errors",
    latency="Duration",
    per_second=1000,
)


def dimensions(function: str, number: str) -> dict[str, str]:
    """One version's share of what the alias was asked (Lambda's guide, monitoring-metrics)."""
    return {
        "FunctionName": function,
        "Resource": f"{function}:{ALIAS}",
        "ExecutedVersion": number,
    }
