"""What tests of false greens share: how runs end, and what somebody else does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from modelway.core.config import Rollout
from tests.sweeps.ground import Ground, Model, Site

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

DIFFERS, UNHEALTHY, UNAVAILABLE, SUPERSEDED = "5", "6", "8", "10"
"""Exit codes."""
Ends: TypeAlias = Callable[[str, str], None]
"""Writes down how a situation ended."""


def serving(ground: Ground, site: Site, rollout: Rollout) -> Model:
    """A model with one version that passed, by this rollout."""
    model = Model(ground, site, rollout)
    model.next()
    ground.expect(None)
    assert model.start() == "0", model.said
    return model


def ringing(ground: Ground, account: str) -> str:
    """An alarm of somebody else's that is in ALARM."""
    watch = cast("CloudWatchClient", ground.clients.other("cloudwatch", account))
    name = f"ringing-{time.monotonic_ns()}"
    watch.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        MetricName="m",
        Namespace="n",
        Period=60,
        Statistic="Sum",
        TreatMissingData="breaching",
    )
    return name
