"""How many instances run: the variant's count, and autoscaling by target tracking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.core.config import Autoscaling
from modelway.targets.sagemaker.settings import VARIANT
from modelway.targets.shared.autoscaling import Scalable

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Application Auto Scaling of one endpoint's variant."""

    client: ApplicationAutoScalingClient
    endpoint: str
    variant: str = VARIANT
    """Another's only where an endpoint was adopted whose variant is called otherwise."""

    @property
    def _variant(self) -> Scalable:
        return Scalable(
            client=self.client,
            namespace="sagemaker",
            dimension="sagemaker:variant:DesiredInstanceCount",
            resource=f"endpoint/{self.endpoint}/variant/{self.variant}",
            policy="modelway-invocations-per-instance",
        )

    def observe(self) -> Autoscaling | None:
        """What modelway registered."""
        return self._variant.observe()

    def found(self) -> Autoscaling | None:
        """What anybody registered."""
        return self._variant.found()

    def registered(self) -> bool:
        """Whether anybody scales it."""
        return self._variant.registered()

    def set(self, wanted: Autoscaling) -> None:
        """Keep the variant's invocations an instance and minute near the wanted number."""
        self._variant.set(wanted, "SageMakerVariantInvocationsPerInstance")

    def remove(self) -> None:
        """Take the variant out of autoscaling; its count stays as it is."""
        self._variant.remove()
