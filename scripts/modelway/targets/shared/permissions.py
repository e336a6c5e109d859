"""What every target needs of IAM: for the alarms of its versions, and for Application Auto Scaling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelway.core.config import AlarmMetric, CreatedAlarm, Environment
from modelway.core.iam import Statement, allow, equals
from modelway.core.naming import alarm_name, partition
from modelway.core.version import VersionId

ANY_VERSION = VersionId("?" * 12)
"""A version's id in an ARN: twelve characters, so that ``iris-production-*`` of another model stays out."""


def arn(environment: Environment, service: str, resource: str) -> str:
    """An ARN in the environment's account and region."""
    region = environment.region
    return f"arn:{partition(region)}:{service}:{region}:{environment.account}:{resource}"


def linked_role(environment: Environment, service: str, name: str) -> Statement:
    """A service-linked role, which AWS makes in the caller's name the first time an account needs it."""
    place = f"arn:{partition(environment.region)}:iam::{environment.account}"
    role = f"{place}:role/aws-service-role/{service}/{name}"
    return allow("iam:CreateServiceLinkedRole", on=[role], when=[equals("iam:AWSServiceName", service)])


def looking_at_alarms(environment: Environment) -> Iterator[Statement]:
    """Composite alarms are told only to those who may describe all (API reference, DescribeAlarms)."""
    if environment.rollout.alarms:
        yield allow("cloudwatch:DescribeAlarms")


def making_alarms(environment: Environment, version: str) -> Iterator[Statement]:
    """Alarms modelway makes for versions whose names are like this one."""
    made = [alarm.metric for alarm in environment.rollout.alarms if isinstance(alarm, CreatedAlarm)]
    if made:
        named = [arn(environment, "cloudwatch", f"alarm:{alarm_name(version, metric)}") for metric in made]
        yield allow(
            "cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=named
        )


def removing_alarms(environment: Environment, version: str) -> Statement:
    """Alarms of versions, also of configs long gone."""
    named = [alarm_name(version, metric) for metric in AlarmMetric]
    return allow("cloudwatch:DeleteAlarms", on=[arn(environment, "cloudwatch", f"alarm:{n}") for n in named])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """One thing that Application Auto Scaling scales, which then keeps alarms in the caller's name.

    docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html: alarms
    of target tracking, whose names it chooses, and its service-linked role, the first time.
    """

    environment: Environment
    dimension: str
    """As in ``ecs:service:DesiredCount``; its first part is the service's namespace."""
    resource: str
    """How the names of its alarms go on after ``TargetTracking-``."""
    role: str
    """How the name of its service-linked role ends."""

    def looking(self) -> Statement:
        """Neither call knows a resource."""
        return allow(
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
        )

    def setting(self) -> Iterator[Statement]:
        """What was registered earlier is removed also where the config wants no autoscaling any more."""
        if self.environment.capacity.autoscaling is None:
            yield self._on_target("DeregisterScalableTarget")
            return
        yield self._on_target("DeregisterScalableTarget", "PutScalingPolicy", "RegisterScalableTarget")
        yield allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", on=[self._alarms])
        service = f"{self._namespace}.application-autoscaling.amazonaws.com"
        name = f"AWSServiceRoleForApplicationAutoScaling_{self.role}"
        yield linked_role(self.environment, service, name)

    def removing(self) -> Iterator[Statement]:
        """The end of it."""
        yield self._on_target("DeregisterScalableTarget")
        yield allow("cloudwatch:DeleteAlarms", on=[self._alarms])

    @property
    def _namespace(self) -> str:
        return self.dimension.partition(":")[0]

    @property
    def _alarms(self) -> str:
        return arn(self.environment, "cloudwatch", f"alarm:TargetTracking-{self.resource}")

    def _on_target(self, *operations: str) -> Statement:
        return allow(
            *(f"application-autoscaling:{operation}" for operation in operations),
            on=[arn(self.environment, "application-autoscaling", "scalable-target/*")],
            when=(
                equals("application-autoscaling:service-namespace", self._namespace),
                equals("application-autoscaling:scalable-dimension", self.dimension),
            ),
        )
