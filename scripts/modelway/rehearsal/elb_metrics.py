"""What load balancers tell CloudWatch, from real requests.

docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from modelway.rehearsal.elb_targets import MEMBERS
from modelway.rehearsal.metrics import Metric, point
from modelway.rehearsal.stores import store_of

NAMESPACE = "AWS/ApplicationELB"
_HUNDRED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One request."""

    group: str = ""
    """ARN of the target group it was sent to; empty where there was none to send it to."""
    targets: int = 1
    """How many targets the group had."""
    status: int
    """HTTP status the client got."""
    seconds: float | None = None
    """How long the target took; ``None`` where it did not answer."""


def dimension(arn: str) -> str:
    """What an ARN is called in a dimension: ``app/name/id`` or ``targetgroup/name/id``."""
    resource = arn.split(":", 5)[5]
    return resource.removeprefix("loadbalancer/")


def measure(balancer: str, measured: Measured) -> None:
    """Keep what one request tells of its load balancer, and of the target group it was sent to."""
    balancers = {("LoadBalancer", dimension(balancer))}
    told = [frozenset(balancers)]
    if measured.group:
        told.append(frozenset(balancers | {("TargetGroup", dimension(measured.group))}))
    _, _, _, region, account, _ = balancer.split(":", 5)
    store, now = store_of(account, region), time.time()
    for name, value, unit in _values(measured):
        if name.startswith("HTTPCode_ELB"):
            about = told[:1]
        elif name == "RequestCountPerTarget":
            about = told[1:]
        else:
            about = told
        for dimensions in about:
            metric = Metric(namespace=NAMESPACE, name=name, dimensions=dimensions)
            store.put(metric, point(now, value, unit))


def _values(measured: Measured) -> Iterator[tuple[str, float, str]]:
    """Counts that are zero are not told, as on AWS."""
    hundreds = measured.status // _HUNDRED
    if measured.group:
        yield "RequestCount", 1.0, "Count"
        yield "RequestCountPerTarget", 1.0 / max(1, measured.targets), "Count"
    if measured.seconds is not None:
        yield f"HTTPCode_Target_{hundreds}XX_Count", 1.0, "Count"
        yield "TargetResponseTime", measured.seconds, "Seconds"
        return
    yield f"HTTPCode_ELB_{hundreds}XX_Count", 1.0, "Count"
    yield f"HTTPCode_ELB_{measured.status}_Count", 1.0, "Count"
    if measured.group:
        yield "TargetConnectionErrorCount", 1.0, "Count"


def count_hosts(balancer: str, group: str) -> None:
    """Tell how many targets of a group are healthy now."""
    healthy = unhealthy = 0
    for member in MEMBERS.of(group):
        healthy += len(member.addresses) * (member.state == "healthy")
        unhealthy += len(member.addresses) * (member.state in {"unhealthy", "initial"})
    dimensions = frozenset({("LoadBalancer", dimension(balancer)), ("TargetGroup", dimension(group))})
    _, _, _, region, account, _ = balancer.split(":", 5)
    for name, count in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy)):
        metric = Metric(namespace=NAMESPACE, name=name, dimensions=dimensions)
        store_of(account, region).put(metric, point(time.time(), float(count), "Count"))
