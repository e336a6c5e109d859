"""SageMaker's metrics of a version's own fleet: what alarms watch."""

from __future__ import annotations

from modelway.targets.sagemaker.settings import VARIANT
from modelway.targets.shared.metrics import Metrics

METRICS = Metrics(
    platform="SageMaker",
    namespace="AWS/SageMaker",
    requests="Invocations",
    errors="Invocation5XXErrors",
    latency="ModelLatency",
    per_second=1_000_000,
)


def dimensions(endpoint: str, config_name: str) -> dict[str, str]:
    """The version's own fleet: errors of the version in service ring no alarm over it.

    During and after a guarded update SageMaker publishes the new fleet's metrics under the endpoint config's
    name too.
    """
    return {"EndpointName": endpoint, "VariantName": VARIANT, "EndpointConfigName": config_name}
