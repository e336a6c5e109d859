"""What `init` writes for one target: an environment's settings, and the roles its containers run with."""

from __future__ import annotations

from typing import Literal, assert_never

from modelway.core.json import Json, canonical
from modelway.core.naming import partition

Target = Literal["sagemaker", "ecs", "lambda"]
"""The targets a repository can start with."""
TARGETS: tuple[Target, ...] = ("sagemaker", "ecs", "lambda")


def settings(target: Target, name: str, account: str, region: str, marked: str) -> str:
    """The lines below ``settings:``; on ECS each thing that only the team knows is marked."""
    match target:
        case "sagemaker":
            return f" {{mode: realtime, instance_type: ml.m5.large, execution_role: {name}-endpoint}}"
        case "lambda":
            return f" {{execution_role: {name}-function, memory_mb: 1024}}"
        case "ecs":
            return _service(name, f"arn:{partition(region)}:elasticloadbalancing:{region}:{account}", marked)
        case _:
            assert_never(target)


def _service(name: str, arn: str, marked: str) -> str:
    """A service on Fargate behind a load balancer that is there already."""
    rule = "listener-rule/app/models/0123456789abcdef/0123456789abcdef/0123456789abcdef"
    return f"""
      mode: fargate
      cluster: models  # {marked}
      cpu: 1024
      memory_mb: 2048
      execution_role: {name}-execution
      task_role: {name}-task
      network:
        subnets: [subnet-0123456789abcdef0]  # {marked}
        security_groups: [sg-0123456789abcdef0]  # {marked}
      load_balancer:
        target_groups: [{arn}:targetgroup/{name[:32].rstrip("-")}/0123456789abcdef]  # {marked}
        listener_rule: {arn}:{rule}  # {marked}"""


def rollout(target: Target) -> str:
    """The production environment's capacity, where it has to be told, and how traffic moves first."""
    match target:
        case "sagemaker":
            return "    rollout:\n      strategy: all_at_once\n      bake_time: 10m"
        case "lambda":
            return "    rollout:\n      strategy: canary\n      canary_percent: 10\n      bake_time: 10m"
        case "ecs":
            capacity = "    capacity: {instances: 2}\n"
            return f"{capacity}    rollout:\n      strategy: rolling\n      step_percent: 50"
        case _:
            assert_never(target)


def roles(target: Target, *, name: str, account: str, region: str, registry: str) -> str:
    """Commands that make the roles a model's containers run with, in one account."""
    arn = f"arn:{partition(region)}"
    weights: list[Json] = [_allow(["s3:GetObject"], f"{arn}:s3:::modelway-{account}-{region}/{name}/*")]
    match target:
        case "sagemaker":
            log = f"{arn}:logs:{region}:{account}:log-group:/aws/sagemaker/*"
            image = f"{arn}:ecr:{region}:{registry}:repository/ml/{name}"
            anything: list[Json] = ["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"]
            allowed: list[Json] = [_allow(anything, "*"), _allow(_PULL, image), *weights, _allow(_LOG, log)]
            return _role(f"{name}-endpoint", "sagemaker", allowed)
        case "lambda":
            log = f"{arn}:logs:{region}:{account}:log-group:/aws/lambda/{name}-*"
            return _role(f"{name}-function", "lambda", [*weights, _allow(_LOG, log)])
        case "ecs":
            managed = f"{arn}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
            return f"""\
{_trusting(f"{name}-execution", "ecs-tasks")}
aws iam attach-role-policy --role-name {name}-execution --policy-arn {managed}
{_role(f"{name}-task", "ecs-tasks", weights)}"""
        case _:
            assert_never(target)


_PULL: list[Json] = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_LOG: list[Json] = [
    f"logs:{verb}" for verb in ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
]


def _allow(actions: list[Json], resource: str) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _role(name: str, service: str, statements: list[Json]) -> str:
    """A role one service may assume, with what it may do."""
    policy = canonical({"Version": "2012-10-17", "Statement": statements})
    return f"""\
{_trusting(name, service)}
aws iam put-role-policy --role-name {name} --policy-name modelway --policy-document \\
  '{policy}'"""


def _trusting(name: str, service: str) -> str:
    """A role one service may assume."""
    statement: Json = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust: Json = {"Version": "2012-10-17", "Statement": [statement]}
    return f"""\
aws iam create-role --role-name {name} --assume-role-policy-document \\
  '{canonical(trust)}'"""
