"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of SageMaker, CloudWatch, CloudWatch Logs and
Application Auto Scaling. A test rehearses releases and failures, and compares this with every call made.
"""

from __future__ import annotations

from modelway.core.config import AlarmMetric, CreatedAlarm, Environment, ModelConfig
from modelway.core.iam import Condition, Permissions, Statement, allow, equals
from modelway.core.naming import alarm_name, partition, pointer_name, role_arn, version_name
from modelway.core.version import VersionId
from modelway.targets.sagemaker import settings as settings_

ANY_VERSION = VersionId("?" * 12)
"""A version's id in an ARN: twelve characters, so that ``iris-production-*`` of another model stays out."""
_SERVICE = "sagemaker.amazonaws.com"
_SCALING = (
    equals("application-autoscaling:service-namespace", "sagemaker"),
    equals("application-autoscaling:scalable-dimension", "sagemaker:variant:DesiredInstanceCount"),
)


def permissions(config: ModelConfig, environment: Environment) -> Permissions:
    """What looking and acting need."""
    names = _Names(config, environment)
    return Permissions(
        plan=_looking(names), deploy=(*_acting(names), *_around(names)), retire=_removing(names)
    )


class _Names:
    """The ARNs of one model in one environment."""

    def __init__(self, config: ModelConfig, environment: Environment) -> None:
        self.environment = environment
        self.settings = settings_.parse(environment.settings)
        self.pointer = pointer_name(config, environment)
        self.version = version_name(self.pointer, ANY_VERSION)
        self.endpoint = self.arn("sagemaker", f"endpoint/{self.pointer}")
        self.endpoint_config = self.arn("sagemaker", f"endpoint-config/{self.version}")
        self.model = self.arn("sagemaker", f"model/{self.version}")

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        place = self.environment
        return f"arn:{partition(place.region)}:{service}:{place.region}:{place.account}:{resource}"

    @property
    def realtime(self) -> bool:
        """Whether there are instances to scale."""
        return self.settings.mode is settings_.Mode.REALTIME


def _looking(names: _Names) -> tuple[Statement, ...]:
    """``observe``: the endpoint, its versions with their tags, alarms, autoscaling."""
    statements = [
        allow("sagemaker:ListEndpointConfigs"),  # knows no resource
        allow("sagemaker:DescribeEndpoint", on=[names.endpoint]),
        allow("sagemaker:DescribeModel", on=[names.model]),
        allow("sagemaker:DescribeEndpointConfig", "sagemaker:ListTags", on=[names.endpoint_config]),
    ]
    if names.environment.rollout.alarms:
        # Composite alarms are told only to those who may describe all (API reference, DescribeAlarms).
        statements.append(allow("cloudwatch:DescribeAlarms"))
    if names.realtime:
        statements.append(
            allow(
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
            )
        )
    return tuple(statements)


def _acting(names: _Names) -> tuple[Statement, ...]:
    """``stage``, ``shift``, ``configure``, ``record``, ``retire``, ``invoke`` and ``logs``."""
    logs = names.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{names.pointer}:*")
    statements = [
        allow("sagemaker:CreateModel", "sagemaker:DeleteModel", "sagemaker:AddTags", on=[names.model]),
        allow(
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:AddTags",
            "sagemaker:DeleteTags",
            on=[names.endpoint_config],
        ),
        # Both name the endpoint and the endpoint config.
        allow(
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            on=[names.endpoint, names.endpoint_config],
        ),
        allow(
            "sagemaker:AddTags", "sagemaker:DeleteEndpoint", "sagemaker:InvokeEndpoint", on=[names.endpoint]
        ),
        allow("logs:DescribeLogStreams", "logs:GetLogEvents", on=[logs]),
        _pass_role(names),
    ]
    if names.realtime:
        statements.append(allow("sagemaker:UpdateEndpointWeightsAndCapacities", on=[names.endpoint]))
    return tuple(statements)


def _removing(names: _Names) -> tuple[Statement, ...]:
    """``estate``: what there is of modelway's, whether it is used, and its end."""
    alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(names.version, metric)}") for metric in AlarmMetric]
    statements = [
        # None of them knows a resource.
        allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "sagemaker:ListModels"),
        allow("sagemaker:DeleteEndpoint", "sagemaker:ListTags", on=[names.endpoint]),
        allow("sagemaker:DeleteModel", "sagemaker:ListTags", on=[names.model]),
        allow("sagemaker:DeleteEndpointConfig", on=[names.endpoint_config]),
        allow("cloudwatch:DeleteAlarms", on=alarms),
    ]
    if names.realtime:
        targets = names.arn("application-autoscaling", "scalable-target/*")
        tracking = names.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{names.pointer}/variant/*")
        removal = "application-autoscaling:DeregisterScalableTarget"
        statements.append(allow(removal, on=[targets], when=_SCALING))
        # Application Auto Scaling deletes its alarms in the caller's name.
        statements.append(allow("cloudwatch:DeleteAlarms", on=[tracking]))
    return tuple(statements)


def _pass_role(names: _Names) -> Statement:
    """``CreateModel`` hands the execution role to SageMaker, and to nobody else."""
    place = names.environment
    role = role_arn(names.settings.execution_role, place.account, place.region)
    return allow("iam:PassRole", on=[role], when=[equals("iam:PassedToService", _SERVICE)])


def _around(names: _Names) -> tuple[Statement, ...]:
    """Alarms modelway makes, autoscaling, and keys."""
    made = [alarm for alarm in names.environment.rollout.alarms if isinstance(alarm, CreatedAlarm)]
    statements: list[Statement] = []
    if made:
        alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(names.version, a.metric)}") for a in made]
        statements.append(
            allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=alarms)
        )
    if names.realtime:
        # What was registered earlier is removed also where the config wants no autoscaling any more.
        removal = ["application-autoscaling:DeregisterScalableTarget"]
        wanted = names.environment.capacity.autoscaling is not None
        setting = [
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
        ]
        targets = names.arn("application-autoscaling", "scalable-target/*")
        statements.append(allow(*removal, *(setting if wanted else []), on=[targets], when=_SCALING))
        statements += _scaling_alarms(names) if wanted else []
    if names.settings.kms_key:
        statements.append(_key(names, names.settings.kms_key))
    return tuple(statements)


def _scaling_alarms(names: _Names) -> list[Statement]:
    """What Application Auto Scaling does in the caller's name.

    docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html: alarms
    of target tracking, whose names it chooses, and its service-linked role, the first time.
    """
    alarms = names.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{names.pointer}/variant/*")
    service = "sagemaker.application-autoscaling.amazonaws.com"
    name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    place = names.environment
    role = f"arn:{partition(place.region)}:iam::{place.account}:role/aws-service-role/{service}/{name}"
    return [
        allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", on=[alarms]),
        allow("iam:CreateServiceLinkedRole", on=[role], when=[equals("iam:AWSServiceName", service)]),
    ]


def _key(names: _Names, key: str) -> Statement:
    """An endpoint whose config names a key gets a grant on it (guide, API permissions reference)."""
    if key.startswith("arn:") and ":alias/" not in key:
        return allow("kms:CreateGrant", on=[key])
    if "alias/" in key:
        alias = Condition(
            operator="ForAnyValue:StringEquals",
            key="kms:ResourceAliases",
            values=("alias/" + key.partition("alias/")[2],),
        )
        return allow("kms:CreateGrant", on=[names.arn("kms", "key/*")], when=[alias])
    return allow("kms:CreateGrant", on=[names.arn("kms", f"key/{key}")])
