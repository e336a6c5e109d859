"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of Lambda, Systems Manager, CloudWatch, CloudWatch
Logs and Application Auto Scaling. A test rehearses releases and failures, and compares this with every call.
"""

from __future__ import annotations

from modelway.core.config import AlarmMetric, CreatedAlarm, Environment, ModelConfig
from modelway.core.iam import Permissions, Statement, allow, equals
from modelway.core.naming import alarm_name, partition, pointer_name, role_arn, version_name
from modelway.core.version import VersionId
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.records import folder
from modelway.targets.aws_lambda.settings import ALIAS

ANY_VERSION = VersionId("?" * 12)
"""A version's id in an ARN: twelve characters, so that names of another model stay out."""
_SERVICE = "lambda.amazonaws.com"
_SCALING = (
    equals("application-autoscaling:service-namespace", "lambda"),
    equals("application-autoscaling:scalable-dimension", "lambda:function:ProvisionedConcurrency"),
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
        self.function = self.arn("lambda", f"function:{self.pointer}")
        self.alias = f"{self.function}:{ALIAS}"
        self.any = f"{self.function}:*"
        """Its versions and aliases."""

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        place = self.environment
        return f"arn:{partition(place.region)}:{service}:{place.region}:{place.account}:{resource}"

    @property
    def counted(self) -> bool:
        """Whether the config keeps environments ready."""
        capacity = self.environment.capacity
        return bool(capacity.instances or capacity.autoscaling)


def _looking(names: _Names) -> tuple[Statement, ...]:
    """``observe``: the function, its versions, its alias, what is remembered, alarms, what is provisioned."""
    marks = names.arn("ssm", f"parameter{folder(names.pointer)}")
    statements = [
        allow("lambda:GetFunction", "lambda:ListVersionsByFunction", on=[names.function]),
        # Actions on a qualifier are allowed on the function's ARN or on the qualified one: both are named.
        allow(
            "lambda:GetAlias",
            "lambda:GetFunctionUrlConfig",
            "lambda:GetProvisionedConcurrencyConfig",
            on=[names.function, names.alias],
        ),
        allow("ssm:GetParametersByPath", on=[marks, f"{marks}/*"]),
        allow(
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
        ),
    ]
    if names.environment.rollout.alarms:
        # Composite alarms are told only to those who may describe all (API reference, DescribeAlarms).
        statements.append(allow("cloudwatch:DescribeAlarms"))
    return tuple(statements)


def _acting(names: _Names) -> tuple[Statement, ...]:
    """``stage``, ``shift``, ``configure``, ``record``, ``retire``, ``invoke``, ``measure`` and ``logs``."""
    place = names.environment
    logs = names.arn("logs", f"log-group:/aws/lambda/{names.pointer}:*")
    marks = names.arn("ssm", f"parameter{folder(names.pointer)}/*")
    role = role_arn(names.settings.execution_role, place.account, place.region)
    statements = [
        allow(
            *("lambda:CreateFunction", "lambda:TagResource"),
            *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:PublishVersion"),
            on=[names.function],
        ),
        allow(
            *("lambda:GetFunction", "lambda:InvokeFunction"),
            *("lambda:CreateAlias", "lambda:UpdateAlias"),
            on=[names.function, names.any],
        ),
        allow("lambda:DeleteFunction", on=[names.any]),  # versions; never the function itself
        allow(
            *("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"),
            *("lambda:DeleteFunctionUrlConfig", "lambda:AddPermission", "lambda:RemovePermission"),
            *("lambda:PutProvisionedConcurrencyConfig", "lambda:DeleteProvisionedConcurrencyConfig"),
            on=[names.function, names.alias],
        ),
        allow("ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameters", on=[marks]),
        allow("logs:DescribeLogStreams", "logs:GetLogEvents", on=[logs]),
        allow("iam:PassRole", on=[role], when=[equals("iam:PassedToService", _SERVICE)]),
    ]
    if names.environment.rollout.analysis:
        statements.append(allow("cloudwatch:GetMetricData"))  # knows no resource
    if names.settings.vpc:
        # Asked of whoever puts a function into a network (the guide, configuration-vpc).
        statements.append(allow("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"))
    return tuple(statements)


def _removing(names: _Names) -> tuple[Statement, ...]:
    """``estate``: what there is of modelway's, whether it is used, and its end."""
    version = version_name(names.pointer, ANY_VERSION)
    alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(version, metric)}") for metric in AlarmMetric]
    # Application Auto Scaling deletes its alarms in the caller's name.
    tracking = names.arn("cloudwatch", f"alarm:TargetTracking-function:{names.pointer}:*")
    targets = names.arn("application-autoscaling", "scalable-target/*")
    return (
        allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),  # neither knows a resource
        allow("lambda:DeleteFunction", "lambda:ListAliases", on=[names.function]),
        allow("lambda:DeleteProvisionedConcurrencyConfig", on=[names.function, names.alias]),
        allow("ssm:DeleteParameters", on=[names.arn("ssm", f"parameter{folder(names.pointer)}/*")]),
        allow("cloudwatch:DeleteAlarms", on=[*alarms, tracking]),
        allow("application-autoscaling:DeregisterScalableTarget", on=[targets], when=_SCALING),
    )


def _around(names: _Names) -> tuple[Statement, ...]:
    """Alarms modelway makes, autoscaling, and keys."""
    made = [alarm for alarm in names.environment.rollout.alarms if isinstance(alarm, CreatedAlarm)]
    statements: list[Statement] = []
    if made:
        version = version_name(names.pointer, ANY_VERSION)
        alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(version, a.metric)}") for a in made]
        statements.append(
            allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=alarms)
        )
    # What was registered earlier is removed also where the config wants no autoscaling any more.
    targets = names.arn("application-autoscaling", "scalable-target/*")
    removal = ["application-autoscaling:DeregisterScalableTarget"]
    wanted = names.environment.capacity.autoscaling is not None
    setting = ["application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget"]
    statements.append(allow(*removal, *(setting if wanted else []), on=[targets], when=_SCALING))
    statements += _scaling_alarms(names) if wanted else []
    if key := names.settings.kms_key:
        arn = key if key.startswith("arn:") else names.arn("kms", f"key/{key}")
        actions = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt")
        statements.append(allow(*actions, on=[arn]))
    return tuple(statements)


def _scaling_alarms(names: _Names) -> list[Statement]:
    """What Application Auto Scaling does in the caller's name.

    docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html: alarms
    of target tracking, whose names it chooses, and its service-linked role, the first time.
    """
    alarms = names.arn("cloudwatch", f"alarm:TargetTracking-function:{names.pointer}:*")
    service = "lambda.application-autoscaling.amazonaws.com"
    name = "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency"
    place = names.environment
    role = f"arn:{partition(place.region)}:iam::{place.account}:role/aws-service-role/{service}/{name}"
    return [
        allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", on=[alarms]),
        allow("iam:CreateServiceLinkedRole", on=[role], when=[equals("iam:AWSServiceName", service)]),
    ]
