"""What is SageMaker's own about alarms."""

from __future__ import annotations

from modelway.targets.sagemaker.metrics import METRICS
from modelway.targets.shared.rollout_alarms import Platform

PLATFORM = Platform(
    seen="SageMaker would take the new version back at once.",
    metrics=METRICS,
)
