"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of SageMaker, CloudWatch, CloudWatch Logs and
Application Auto Scaling. A test rehearses releases and failures, and compares this with every call made.
"""

from __future__ import annotations

from modelway.core.config import Environment, ModelConfig
from modelway.core.iam import Condition, Permissions, Statement, allow, equals
from modelway.core.naming import pointer_name, role_arn, version_name
from modelway.targets.sagemaker import settings as settings_
from modelway.targets.shared import permissions as shared

_SERVICE = "sagemaker.amazonaws.com"


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
        self.version = version_name(self.pointer, shared.ANY_VERSION)
        self.endpoint = self.arn("sagemaker", f"endpoint/{self.pointer}")
        self.endpoint_config = self.arn("sagemaker", f"endpoint-config/{self.version}")
        self.model = self.arn("sagemaker", f"model/{self.version}")
        self.scaling = shared.Scaling(
            environment=environment,
            dimension="sagemaker:variant:DesiredInstanceCount",
            resource=f"endpoint/{self.pointer}/variant/*",
            role="SageMakerEndpoint",
        )

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        return shared.arn(self.environment, service, resource)

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
        *shared.looking_at_alarms(names.environment),
    ]
    if names.realtime:
        statements.append(names.scaling.looking())
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
    statements = [
        # None of them knows a resource.
        allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "sagemaker:ListModels"),
        allow("sagemaker:DeleteEndpoint", "sagemaker:ListTags", on=[names.endpoint]),
        allow("sagemaker:DeleteModel", "sagemaker:ListTags", on=[names.model]),
        allow("sagemaker:DeleteEndpointConfig", on=[names.endpoint_config]),
        shared.removing_alarms(names.environment, names.version),
    ]
    if names.realtime:
        statements += names.scaling.removing()
    return tuple(statements)


def _pass_role(names: _Names) -> Statement:
    """``CreateModel`` hands the execution role to SageMaker, and to nobody else."""
    place = names.environment
    role = role_arn(names.settings.execution_role, place.account, place.region)
    return allow("iam:PassRole", on=[role], when=[equals("iam:PassedToService", _SERVICE)])


def _around(names: _Names) -> tuple[Statement, ...]:
    """Alarms modelway makes, autoscaling, and keys."""
    statements = [*shared.making_alarms(names.environment, names.version)]
    if names.realtime:
        statements += names.scaling.setting()
    if names.settings.kms_key:
        statements.append(_key(names, names.settings.kms_key))
    return tuple(statements)


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
