"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of Lambda, Systems Manager, CloudWatch, CloudWatch
Logs and Application Auto Scaling. A test rehearses releases and failures, and compares this with every call.
"""

from __future__ import annotations

from modelway.core.config import Environment, ModelConfig
from modelway.core.iam import Permissions, Statement, allow, equals
from modelway.core.naming import pointer_name, role_arn, version_name
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.records import folder
from modelway.targets.aws_lambda.settings import ALIAS
from modelway.targets.shared import permissions as shared

_SERVICE = "lambda.amazonaws.com"


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
        self.version = version_name(self.pointer, shared.ANY_VERSION)
        self.scaling = shared.Scaling(
            environment=environment,
            dimension="lambda:function:ProvisionedConcurrency",
            resource=f"function:{self.pointer}:*",
            role="LambdaConcurrency",
        )

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        return shared.arn(self.environment, service, resource)


def _looking(names: _Names) -> tuple[Statement, ...]:
    """``observe``: the function, its versions, its alias, what is remembered, alarms, what is provisioned."""
    marks = names.arn("ssm", f"parameter{folder(names.pointer)}")
    return (
        allow("lambda:GetFunction", "lambda:ListVersionsByFunction", on=[names.function]),
        # Actions on a qualifier are allowed on the function's ARN or on the qualified one: both are named.
        allow(
            "lambda:GetAlias",
            "lambda:GetFunctionUrlConfig",
            "lambda:GetProvisionedConcurrencyConfig",
            on=[names.function, names.alias],
        ),
        allow("ssm:GetParametersByPath", on=[marks, f"{marks}/*"]),
        names.scaling.looking(),
        *shared.looking_at_alarms(names.environment),
    )


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
    return (
        allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),  # neither knows a resource
        allow("lambda:DeleteFunction", "lambda:ListAliases", on=[names.function]),
        allow("lambda:DeleteProvisionedConcurrencyConfig", on=[names.function, names.alias]),
        allow("ssm:DeleteParameters", on=[names.arn("ssm", f"parameter{folder(names.pointer)}/*")]),
        shared.removing_alarms(names.environment, names.version),
        *names.scaling.removing(),
    )


def _around(names: _Names) -> tuple[Statement, ...]:
    """Alarms modelway makes, autoscaling, and keys."""
    statements = [*shared.making_alarms(names.environment, names.version), *names.scaling.setting()]
    if key := names.settings.kms_key:
        arn = key if key.startswith("arn:") else names.arn("kms", f"key/{key}")
        actions = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt")
        statements.append(allow(*actions, on=[arn]))
    return tuple(statements)
