"""The load balancer's metrics of a target group: what alarms watch, scaling follows, and analysis compares.

docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html.
"""

from __future__ import annotations

from modelway.targets.shared.metrics import Metrics

METRICS = Metrics(
    platform="the load balancer",
    namespace="AWS/ApplicationELB",
    requests="RequestCount",
    errors="HTTPCode_Target_5XX_Count",
    latency="TargetResponseTime",
    per_second=1,
    # Of a request that a target never answers, or not to its end, only the load balancer's own 502 or 504
    # tells, which is counted for no target group.
    answered=tuple(f"HTTPCode_Target_{hundreds}XX_Count" for hundreds in (2, 3, 4)),
)


def dimensions(target_group: str, listener_rule: str) -> dict[str, str]:
    """A target group's dimensions, which the ARNs of it and of its listener's rule hold.

    Errors of the version in service ring no alarm over them while the two are in different groups.
    """
    balancer = listener_rule.partition("listener-rule/")[2].split("/")
    return {
        "LoadBalancer": "/".join(balancer[:3]),
        "TargetGroup": target_group.rpartition(":")[2],
    }
