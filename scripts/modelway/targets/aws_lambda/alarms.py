"""What is Lambda's own about alarms."""

from __future__ import annotations

from modelway.targets.aws_lambda.metrics import METRICS
from modelway.targets.shared.rollout_alarms import Platform

PLATFORM = Platform(
    seen="The new version would be taken back at once.",
    metrics=METRICS,
    # The alarm needs the number that publishing gives: making it stages the version, too.
    making="publish the version, unless it is, and create the alarm {name}",
)
