"""Application Auto Scaling by target tracking, alike for everything that can be scaled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.config import Autoscaling, Capacity
from modelway.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.literals import (
        MetricTypeType,
        ScalableDimensionType,
        ServiceNamespaceType,
    )
    from mypy_boto3_application_autoscaling.type_defs import (
        ScalableTargetTypeDef,
        ScalingPolicyTypeDef,
        TargetTrackingMetricDataQueryTypeDef,
        TargetTrackingScalingPolicyConfigurationOutputTypeDef,
        TargetTrackingScalingPolicyConfigurationTypeDef,
    )

    Tracking = TargetTrackingScalingPolicyConfigurationOutputTypeDef
    Metric = MetricTypeType | Sequence[TargetTrackingMetricDataQueryTypeDef]

_COOLDOWN = 300
"""Seconds, where a policy names none (API reference, TargetTrackingScalingPolicyConfiguration)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalable:
    """One thing that can be scaled, and the policy by which modelway does it."""

    client: ApplicationAutoScalingClient
    namespace: ServiceNamespaceType
    dimension: ScalableDimensionType
    resource: str
    policy: str

    def observe(self, ours: Callable[[Tracking], bool] = lambda _: True) -> Autoscaling | None:
        """What modelway registered; somebody else's policies are theirs.

        ``ours`` says no to a policy of our name that follows something else.
        """
        targets = self._targets()
        if not targets:
            return None
        with translated("read autoscaling", service="application-autoscaling"):
            policies = self.client.describe_scaling_policies(
                ServiceNamespace=self.namespace, ResourceId=self.resource, PolicyNames=[self.policy]
            )["ScalingPolicies"]
        tracking = [each["TargetTrackingScalingPolicyConfiguration"] for each in policies]
        return _autoscaling(targets[0], tracking[0]) if tracking and ours(tracking[0]) else None

    def found(self, follows: Callable[[Tracking], bool] = lambda _: True) -> Autoscaling | None:
        """What is registered by whomever, as far as a config can say it: target tracking of one metric.

        ``follows`` says no to a policy that tracks another.
        """
        targets, policies = self._registered()
        tracking = [each["TargetTrackingScalingPolicyConfiguration"] for each in policies if _tracks(each)]
        told = [each for each in tracking if follows(each)]
        return _autoscaling(targets[0], told[0]) if targets and told else None

    def unsaid(self, follows: Callable[[Tracking], bool]) -> tuple[str, ...]:
        """The names of policies that a config cannot say: of more than one, every further one, too."""
        targets, policies = self._registered()
        said = [
            each["PolicyName"]
            for each in policies
            if _tracks(each) and follows(each["TargetTrackingScalingPolicyConfiguration"])
        ][:1]
        names = [each["PolicyName"] for each in policies if each["PolicyName"] not in said]
        return tuple(names) if targets else ()

    def _registered(self) -> tuple[list[ScalableTargetTypeDef], list[ScalingPolicyTypeDef]]:
        """Bounds and policies, whoever registered them."""
        targets = self._targets()
        with translated("read autoscaling", service="application-autoscaling"):
            policies = self.client.describe_scaling_policies(
                ServiceNamespace=self.namespace, ResourceId=self.resource
            )["ScalingPolicies"]
        return targets, policies

    def registered(self) -> bool:
        """Whether it is scaled at all, by whomever."""
        return bool(self._targets())

    def _targets(self) -> list[ScalableTargetTypeDef]:
        """The bounds, of which there are at most one pair."""
        with translated("read autoscaling", service="application-autoscaling"):
            return self.client.describe_scalable_targets(
                ServiceNamespace=self.namespace,
                ResourceIds=[self.resource],
                ScalableDimension=self.dimension,
            )["ScalableTargets"]

    def set(self, wanted: Autoscaling, metric: Metric) -> None:
        """Register bounds and policy; both calls overwrite what is there."""
        tracking: TargetTrackingScalingPolicyConfigurationTypeDef = {
            "TargetValue": wanted.invocations_per_instance_per_minute,
            "ScaleInCooldown": int(wanted.scale_in_cooldown.total_seconds()),
            "ScaleOutCooldown": int(wanted.scale_out_cooldown.total_seconds()),
        }
        if isinstance(metric, str):
            tracking["PredefinedMetricSpecification"] = {"PredefinedMetricType": metric}
        else:
            tracking["CustomizedMetricSpecification"] = {"Metrics": metric}
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated("set autoscaling", service="application-autoscaling"):
            try:
                self._register(wanted, tracking)
            except ClientError as error:
                raise _refused(error, self.resource, self.client.meta.region_name) from error

    def _register(
        self, wanted: Autoscaling, tracking: TargetTrackingScalingPolicyConfigurationTypeDef
    ) -> None:
        """The bounds first: a policy needs them."""
        self.client.register_scalable_target(
            ServiceNamespace=self.namespace,
            ResourceId=self.resource,
            ScalableDimension=self.dimension,
            MinCapacity=wanted.min,
            MaxCapacity=wanted.max,
        )
        self.client.put_scaling_policy(
            PolicyName=self.policy,
            ServiceNamespace=self.namespace,
            ResourceId=self.resource,
            ScalableDimension=self.dimension,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )

    def remove(self) -> None:
        """Take it out of autoscaling; the count stays as it is."""
        with translated("remove autoscaling", service="application-autoscaling"):
            try:
                self.client.deregister_scalable_target(
                    ServiceNamespace=self.namespace,
                    ResourceId=self.resource,
                    ScalableDimension=self.dimension,
                )
            except self.client.exceptions.ObjectNotFoundException:
                return


def _refused(error: ClientError, resource: str, region: str) -> Exception:
    """What Application Auto Scaling finds wrong with a request; other errors stay what they are."""
    text = error.response.get("Error", {}).get("Message", str(error))
    what = f"Application Auto Scaling refuses {error.operation_name} of {resource} in {region}"
    match code(error):
        case "ConcurrentUpdateException":
            return Unavailable(what, seen=text, cure="Another change of it is under way: run this again.")
        case "FailedResourceAccessException":
            cure = "Let this role create the service-linked role (scripts/run iam), then run this again."
            return Unavailable(what, seen=text, cure=cure)
        case "ValidationException" | "ObjectNotFoundException":
            return Malformed(what, seen=text, cure="Correct capacity.autoscaling in the config.")
        case _:
            return error


def _tracks(policy: ScalingPolicyTypeDef) -> bool:
    return "TargetTrackingScalingPolicyConfiguration" in policy


def _autoscaling(target: ScalableTargetTypeDef, tracking: Tracking) -> Autoscaling:
    return Autoscaling(
        min=target["MinCapacity"],
        max=target["MaxCapacity"],
        invocations_per_instance_per_minute=tracking["TargetValue"],
        scale_in_cooldown=timedelta(seconds=tracking.get("ScaleInCooldown", _COOLDOWN)),
        scale_out_cooldown=timedelta(seconds=tracking.get("ScaleOutCooldown", _COOLDOWN)),
    )


def as_configured(count: int, scaling: Autoscaling | None, wanted: Capacity) -> Capacity:
    """The capacity that runs, in the config's terms.

    Under autoscaling the count is not the config's to set: any count inside the bounds is the wanted one.
    """
    if scaling and scaling == wanted.autoscaling and scaling.min <= count <= scaling.max:
        return Capacity(instances=wanted.instances, autoscaling=scaling)
    return Capacity(instances=count, autoscaling=scaling)
