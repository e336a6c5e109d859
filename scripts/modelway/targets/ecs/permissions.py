"""What each verb of the target calls, and on what: the IAM actions of one model in one environment.

Actions and resource types: Service Authorization Reference of Amazon ECS, Elastic Load Balancing V2,
CloudWatch, CloudWatch Logs, Systems Manager and Application Auto Scaling. A test rehearses releases and
failures, and compares this with every call made.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelway.core.config import AlarmMetric, CreatedAlarm, Environment, ModelConfig
from modelway.core.iam import Condition, Permissions, Statement, allow, equals
from modelway.core.naming import alarm_name, partition, pointer_name, role_arn, version_name
from modelway.core.version import VersionId
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import log_group

ANY_VERSION = VersionId("?" * 12)
"""A version's id in an ARN: twelve characters, so that ``iris-production-*`` of another model stays out."""
_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"
_SCALING = (
    equals("application-autoscaling:service-namespace", "ecs"),
    equals("application-autoscaling:scalable-dimension", "ecs:service:DesiredCount"),
)


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
        self.version = version_name(self.pointer, ANY_VERSION)
        cluster = self.settings.cluster.rpartition("/")[2]
        self.cluster = self.arn("ecs", f"cluster/{cluster}")
        self.resource = f"service/{cluster}/{self.pointer}"
        self.service = self.arn("ecs", self.resource)
        self.deployments = self.arn("ecs", f"service-deployment/{cluster}/{self.pointer}/*")
        self.revisions = self.arn("ecs", f"service-revision/{cluster}/{self.pointer}/*")
        self.tasks = self.arn("ecs", f"task/{cluster}/*")
        self.definitions = self.arn("ecs", f"task-definition/{self.pointer}:*")

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the environment's account and region."""
        place = self.environment
        return f"arn:{partition(place.region)}:{service}:{place.region}:{place.account}:{resource}"

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
    yield allow(
        "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"
    )
    if names.environment.rollout.alarms:
        # Composite alarms are told only to those who may describe all (API reference, DescribeAlarms).
        yield allow("cloudwatch:DescribeAlarms")
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
    yield _linked(names, "ecs.amazonaws.com", "AWSServiceRoleForECS")


def _removing(names: _Names) -> Iterator[Statement]:
    """``estate``: what there is of modelway's, whether it is used, and its end."""
    # None of them knows a resource.
    yield allow("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "ecs:DeregisterTaskDefinition")
    yield allow("ecs:DeleteService", on=[names.service])
    group = log_group(names.settings, names.pointer)
    both = [names.arn("logs", f"log-group:{group}"), names.arn("logs", f"log-group:{group}:*")]
    yield allow("logs:DeleteLogGroup", "logs:ListTagsForResource", on=both)
    alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(names.version, metric)}") for metric in AlarmMetric]
    # Application Auto Scaling deletes its alarms in the caller's name.
    tracking = names.arn("cloudwatch", f"alarm:TargetTracking-{names.resource}-*")
    yield allow("cloudwatch:DeleteAlarms", on=[*alarms, tracking])
    targets = names.arn("application-autoscaling", "scalable-target/*")
    yield allow("application-autoscaling:DeregisterScalableTarget", on=[targets], when=_SCALING)


def _linked(names: _Names, service: str, name: str) -> Statement:
    """A service-linked role, which AWS makes in the caller's name the first time an account needs it."""
    place = names.environment
    role = f"arn:{partition(place.region)}:iam::{place.account}:role/aws-service-role/{service}/{name}"
    return allow("iam:CreateServiceLinkedRole", on=[role], when=[equals("iam:AWSServiceName", service)])


def _around(names: _Names) -> Iterator[Statement]:
    """Alarms modelway makes, metrics that are compared, autoscaling."""
    rollout = names.environment.rollout
    made = [alarm for alarm in rollout.alarms if isinstance(alarm, CreatedAlarm)]
    if made:
        alarms = [names.arn("cloudwatch", f"alarm:{alarm_name(names.version, a.metric)}") for a in made]
        yield allow(
            "cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=alarms
        )
    if rollout.analysis:
        yield allow("cloudwatch:GetMetricData")  # knows no resource
    # What was registered earlier is removed also where the config wants no autoscaling any more.
    removal = ["application-autoscaling:DeregisterScalableTarget"]
    setting = ["application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget"]
    wanted = names.environment.capacity.autoscaling is not None
    targets = names.arn("application-autoscaling", "scalable-target/*")
    yield allow(*removal, *(setting if wanted else []), on=[targets], when=_SCALING)
    if wanted:
        # Alarms of target tracking, whose names it chooses (Application Auto Scaling user guide,
        # security_iam_id-based-policy-examples).
        alarms = [names.arn("cloudwatch", f"alarm:TargetTracking-{names.resource}-*")]
        yield allow("cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", on=alarms)
        name = "AWSServiceRoleForApplicationAutoScaling_ECSService"
        yield _linked(names, "ecs.application-autoscaling.amazonaws.com", name)
