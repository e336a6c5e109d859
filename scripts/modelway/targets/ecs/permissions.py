"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of Amazon ECS, Elastic Load Balancing V2,
CloudWatch, CloudWatch Logs, Systems Manager and Application Auto Scaling. A test rehearses releases and
failures, and compares this with every call made.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelway.core.config import Environment, ModelConfig
from modelway.core.iam import Condition, Permissions, Statement, allow, equals
from modelway.core.naming import pointer_name, role_arn, version_name
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import log_group
from modelway.targets.shared import permissions as shared

_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"


def permissions(config: ModelConfig, environment: Environment) -> Permissions:
    """What looking and acting need."""
    names = _Names(config, environment)
    return Permissions(
        plan=tuple(_looking(names)),
        deploy=(*_acting(names), *_around(names)),
        retire=tuple(_removing(names)),
    )


class _Names:
    """The ARNs of one model in one environment."""

    def __init__(self, config: ModelConfig, environment: Environment) -> None:
        self.environment = environment
        self.settings = settings_.parse(environment.settings)
        self.pointer = pointer_name(config, environment)
        self.version = version_name(self.pointer, shared.ANY_VERSION)
        cluster = self.settings.cluster.rpartition("/")[2]
        self.cluster = self.arn("ecs", f"cluster/{cluster}")
        self.resource = f"service/{cluster}/{self.pointer}"
        self.service = self.arn("ecs", self.resource)
        self.deployments = self.arn("ecs", f"service-deployment/{cluster}/{self.pointer}/*")
        self.revisions = self.arn("ecs", f"service-revision/{cluster}/{self.pointer}/*")
        self.tasks = self.arn("ecs", f"task/{cluster}/*")
        self.definitions = self.arn("ecs", f"task-definition/{self.pointer}:*")
        self.scaling = shared.Scaling(
            environment=environment,
            dimension="ecs:service:DesiredCount",
            resource=f"{self.resource}-*",
            role="ECSService",
        )

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        return shared.arn(self.environment, service, resource)

    def role(self, name: str) -> str:
        """A role's ARN."""
        return role_arn(name, self.environment.account, self.environment.region)


def _looking(names: _Names) -> Iterator[Statement]:
    """``observe``: the service, its deployments and tasks, its versions, alarms, autoscaling."""
    # Neither knows a resource.
    yield allow("ecs:ListTaskDefinitions", "ecs:DescribeTaskDefinition")
    yield allow("ecs:DescribeServices", "ecs:ListServiceDeployments", on=[names.service])
    yield allow("ecs:DescribeServiceDeployments", on=[names.deployments])
    yield allow("ecs:DescribeServiceRevisions", on=[names.revisions])
    within = Condition(operator="ArnEquals", key="ecs:cluster", values=(names.cluster,))
    yield allow("ecs:ListTasks", when=[within])  # its resource is an instance, which Fargate does not have
    yield allow("ecs:DescribeTasks", on=[names.tasks])
    yield allow("logs:DescribeLogGroups", on=[names.arn("logs", "log-group:*")])
    yield names.scaling.looking()
    yield from shared.looking_at_alarms(names.environment)
    parameters = [secret.arn for secret in names.settings.secrets if secret.parameter]
    if parameters:
        yield allow("ssm:GetParameters", on=parameters)


def _acting(names: _Names) -> Iterator[Statement]:
    """``stage``, ``shift``, ``interrupt``, ``configure``, ``record``, ``retire``, ``invoke``, ``logs``."""
    # Registering and deregistering know no resource.
    yield allow("ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition")
    yield allow("ecs:TagResource", "ecs:UntagResource", on=[names.definitions])
    yield allow("ecs:CreateService", "ecs:TagResource", "ecs:UpdateService", on=[names.service])
    yield allow("ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment", on=[names.deployments])
    settings = names.settings
    passed = [names.role(role) for role in (settings.execution_role, settings.task_role) if role]
    yield allow("iam:PassRole", on=passed, when=[equals("iam:PassedToService", _TASKS)])
    if settings.balancer and settings.balancer.infrastructure_role:
        moves = names.role(settings.balancer.infrastructure_role)
        yield allow("iam:PassRole", on=[moves], when=[equals("iam:PassedToService", _ECS)])
    if settings.balancer:
        # Neither knows a resource.
        yield allow(
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeRules",
        )
    group = log_group(settings, names.pointer)
    streams = names.arn("logs", f"log-group:{group}:*")
    # Both forms of a group's ARN are asked for (CloudWatch Logs guide, iam-access-control-overview-cwl).
    both = [names.arn("logs", f"log-group:{group}"), streams]
    yield allow("logs:CreateLogGroup", "logs:TagResource", on=both)
    yield allow("logs:DescribeLogStreams", "logs:GetLogEvents", on=[streams])
    yield shared.linked_role(names.environment, _ECS, "AWSServiceRoleForECS")


def _removing(names: _Names) -> Iterator[Statement]:
    """``estate``: what there is of modelway's, whether it is used, and its end."""
    # None of them knows a resource.
    yield allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "ecs:DeregisterTaskDefinition")
    yield allow("ecs:DeleteService", on=[names.service])
    group = log_group(names.settings, names.pointer)
    both = [names.arn("logs", f"log-group:{group}"), names.arn("logs", f"log-group:{group}:*")]
    yield allow("logs:DeleteLogGroup", "logs:ListTagsForResource", on=both)
    yield shared.removing_alarms(names.environment, names.version)
    yield from names.scaling.removing()


def _around(names: _Names) -> Iterator[Statement]:
    """Alarms modelway makes, metrics that are compared, autoscaling."""
    yield from shared.making_alarms(names.environment, names.version)
    if names.environment.rollout.analysis:
        yield allow("cloudwatch:GetMetricData")  # knows no resource
    yield from names.scaling.setting()
