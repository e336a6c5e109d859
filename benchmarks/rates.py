"""How many calls a second AWS takes of one account in one region: the documented defaults.

ECS: AmazonECS/latest/APIReference/request-throttling.html.
Lambda: lambda/latest/dg/gettingstarted-limits.html.
CloudWatch, Parameter Store and ECR: their pages of general/latest/gr. SageMaker, Application Auto Scaling and
Elastic Load Balancing document no rate of what is called here, and are taken to be as ECS's reads: a guess.
S3, CloudWatch Logs and requests to a model are not limited here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: how many at once, and how many more each second."""

    name: str
    burst: float
    refill: float


def _each(name: str, per_second: float) -> Rate:
    """A rate for which no burst is documented: one second's worth."""
    return Rate(name, per_second, per_second)


_REGISTER = Rate("ecs: task definitions, modify", 20, 1)
_DEFINITIONS = Rate("ecs: task definitions, read", 50, 20)
_TAGS = Rate("ecs: tags, modify", 20, 10)
_CLUSTER = Rate("ecs: tasks, read", 100, 20)
_SERVICE = Rate("ecs: services, modify", 50, 5)
_SERVICES = Rate("ecs: services, read", 100, 20)
_DEPLOYMENTS = Rate("ecs: service deployments", 50, 20)
_REVISIONS = Rate("ecs: service revisions", 50, 20)
_LAMBDA = _each("lambda: control plane", 15)
_PARAMETERS = _each("ssm: read", 40)
_RATES = {
    **dict.fromkeys(("ecs.RegisterTaskDefinition", "ecs.DeregisterTaskDefinition"), _REGISTER),
    **dict.fromkeys(("ecs.DescribeTaskDefinition", "ecs.ListTaskDefinitions"), _DEFINITIONS),
    **dict.fromkeys(("ecs.TagResource", "ecs.UntagResource"), _TAGS),
    **dict.fromkeys(("ecs.DescribeTasks", "ecs.ListTasks"), _CLUSTER),
    **dict.fromkeys(("ecs.CreateService", "ecs.UpdateService", "ecs.DeleteService"), _SERVICE),
    "ecs.DescribeServices": _SERVICES,
    **dict.fromkeys(("ecs.DescribeServiceDeployments", "ecs.ListServiceDeployments"), _DEPLOYMENTS),
    "ecs.DescribeServiceRevisions": _REVISIONS,
    "lambda.GetFunction": _each("lambda: GetFunction", 100),
    "lambda.GetPolicy": _each("lambda: GetPolicy", 15),
    "cloudwatch.DescribeAlarms": _each("cloudwatch: DescribeAlarms", 9),
    "cloudwatch.PutMetricAlarm": _each("cloudwatch: PutMetricAlarm", 3),
    "cloudwatch.DeleteAlarms": _each("cloudwatch: DeleteAlarms", 3),
    "ssm.PutParameter": _each("ssm: PutParameter", 3),
    **dict.fromkeys(("ssm.GetParametersByPath", "ssm.GetParameters", "ssm.GetParameter"), _PARAMETERS),
    "ssm.DeleteParameters": _each("ssm: DeleteParameters", 3),
    "ecr.BatchGetImage": _each("ecr: BatchGetImage", 2000),
    "ecr.PutImage": _each("ecr: PutImage", 10),
}
GUESSED = frozenset({"sagemaker", "application-autoscaling", "elastic-load-balancing-v2"})
"""Services that document none."""
_UNLIMITED = frozenset({"s3", "ecr", "cloudwatch-logs", "sagemaker-runtime"})


def rate(operation: str) -> Rate | None:
    """The bucket a call takes a token of, as ``lambda.GetAlias``; ``None`` where it is not limited."""
    if operation in _RATES:
        return _RATES[operation]
    service = operation.partition(".")[0]
    if operation == "lambda.Invoke" or service in _UNLIMITED:
        return None
    if service == "lambda":
        return _LAMBDA
    if service in GUESSED:
        return Rate(f"{service}: a guess", 50, 20)
    message = f"benchmarks/rates.py knows no rate of {operation}"
    raise SystemExit(message)
