"""How many instances run: the variant's count, and autoscaling by target tracking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.config import Autoscaling, Capacity
from modelway.targets.sagemaker.settings import VARIANT

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.literals import MetricTypeType
    from mypy_boto3_application_autoscaling.type_defs import TargetTrackingScalingPolicyConfigurationTypeDef

_POLICY = "modelway-invocations-per-instance"
_METRIC: MetricTypeType = "SageMakerVariantInvocationsPerInstance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Application Auto Scaling of one endpoint's variant."""

    client: ApplicationAutoScalingClient
    endpoint: str

    @property
    def _resource(self) -> str:
        return f"endpoint/{self.endpoint}/variant/{VARIANT}"

    def observe(self) -> Autoscaling | None:
        """What is registered by modelway; somebody else's policies are theirs."""
        with translated("read autoscaling", service="application-autoscaling"):
            targets = self.client.describe_scalable_targets(
                ServiceNamespace="sagemaker",
                ResourceIds=[self._resource],
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            )["ScalableTargets"]
            if not targets:
                return None
            policies = self.client.describe_scaling_policies(
                ServiceNamespace="sagemaker", ResourceId=self._resource, PolicyNames=[_POLICY]
            )["ScalingPolicies"]
        if not policies:
            return None
        tracking = policies[0]["TargetTrackingScalingPolicyConfiguration"]
        return Autoscaling(
            min=targets[0]["MinCapacity"],
            max=targets[0]["MaxCapacity"],
            invocations_per_instance_per_minute=tracking["TargetValue"],
            scale_in_cooldown=timedelta(seconds=tracking.get("ScaleInCooldown", 300)),
            scale_out_cooldown=timedelta(seconds=tracking.get("ScaleOutCooldown", 300)),
        )

    def set(self, wanted: Autoscaling) -> None:
        """Register bounds and policy; both calls overwrite what is there."""
        tracking: TargetTrackingScalingPolicyConfigurationTypeDef = {
            "TargetValue": wanted.invocations_per_instance_per_minute,
            "PredefinedMetricSpecification": {"PredefinedMetricType": _METRIC},
            "ScaleInCooldown": int(wanted.scale_in_cooldown.total_seconds()),
            "ScaleOutCooldown": int(wanted.scale_out_cooldown.total_seconds()),
        }
        with translated("set autoscaling", service="application-autoscaling"):
            self.client.register_scalable_target(
                ServiceNamespace="sagemaker",
                ResourceId=self._resource,
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                MinCapacity=wanted.min,
                MaxCapacity=wanted.max,
            )
            self.client.put_scaling_policy(
                PolicyName=_POLICY,
                ServiceNamespace="sagemaker",
                ResourceId=self._resource,
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=tracking,
            )

    def remove(self) -> None:
        """Take the variant out of autoscaling; its count stays as it is."""
        with translated("remove autoscaling", service="application-autoscaling"):
            try:
                self.client.deregister_scalable_target(
                    ServiceNamespace="sagemaker",
                    ResourceId=self._resource,
                    ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                )
            except self.client.exceptions.ObjectNotFoundException:
                return


def as_configured(instances: int, scaling: Autoscaling | None, wanted: Capacity) -> Capacity:
    """The capacity that runs, in the config's terms.

    Under autoscaling the count is not the config's to set: any count inside the bounds is the wanted one.
    """
    if scaling and scaling == wanted.autoscaling and scaling.min <= instances <= scaling.max:
        return Capacity(instances=wanted.instances, autoscaling=scaling)
    return Capacity(instances=instances, autoscaling=scaling)
