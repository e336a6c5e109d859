"""ECS's service deployments, service revisions and tasks: one method an operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.ecs.models import EC2ContainerServiceBackend

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import ecs_describe
from modelway.rehearsal.ecs_definitions import page
from modelway.rehearsal.ecs_model import Deployment, Service
from modelway.rehearsal.ecs_operations import cluster_of, service_of, services_of
from modelway.rehearsal.ecs_refusals import invalid, no_deployment, unrehearsed
from modelway.rehearsal.ecs_tasks import Task
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.parameters import object_of
from modelway.rehearsal.refusals import RequestRefused

_MOST = 20
"""ARNs DescribeServiceDeployments and DescribeServiceRevisions take at once."""
_STOPPABLE = frozenset({"PENDING", "IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class DeploymentOperations:
    """What is told of services of all accounts, and how a deployment is stopped or continued."""

    NAMES = (
        "list_service_deployments",
        "describe_service_deployments",
        "describe_service_revisions",
        "stop_service_deployment",
        "continue_service_deployment",
        "list_tasks",
        "describe_tasks",
    )

    def list_service_deployments(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """ListServiceDeployments: the newest first."""
        service = service_of(backend, asked, str(asked["service"]))
        states, created = asked.get("status"), object_of(asked, "createdAt")
        found = [
            ecs_describe.brief(each, service)
            for each in reversed(service.deployments)
            if (not isinstance(states, list) or not states or each.status in states)
            and _between(each.created, created)
        ]
        return page("serviceDeployments", found, asked, _MOST)

    def describe_service_deployments(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """DescribeServiceDeployments; what is not there is a failure, not an error."""
        known = {each.arn: (each, service) for each, service in _deployments(backend)}
        arns = _arns(asked.get("serviceDeploymentArns"))
        found = [ecs_describe.deployment(*known[arn]) for arn in arns if arn in known]
        failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
        return {"serviceDeployments": found, "failures": failures}

    def describe_service_revisions(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """DescribeServiceRevisions."""
        known = {each.target.arn: (each.target, service) for each, service in _deployments(backend)}
        arns = _arns(asked.get("serviceRevisionArns"))
        found = [ecs_describe.revision(*known[arn]) for arn in arns if arn in known]
        failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
        return {"serviceRevisions": found, "failures": failures}

    def stop_service_deployment(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """StopServiceDeployment: back to what was deployed before, also where no rollback is configured."""
        deployment, service = _deployment(backend, asked)
        if asked.get("stopType") not in {None, "ROLLBACK"}:
            raise unrehearsed("StopServiceDeployment", f"stopType {asked.get('stopType')}")
        with service.lock:
            if deployment.is_over:
                message = f"The service deployment is in the final state {deployment.status}."
                raise RequestRefused("ConflictException", message)
            if deployment.status in _STOPPABLE:
                deployment.move("ROLLBACK_REQUESTED")
        return {"serviceDeploymentArn": deployment.arn}

    def continue_service_deployment(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """ContinueServiceDeployment: on from a PAUSE hook, or back."""
        deployment, service = _deployment(backend, asked)
        action = str(asked.get("action") or "CONTINUE")
        if action not in {"CONTINUE", "ROLLBACK"}:
            raise invalid(f"Invalid action {action}.")
        with service.lock:
            waiting = [each for each in deployment.hooks if each.identity == asked["hookId"]]
            if not waiting or waiting[0].status != "AWAITING_ACTION" or deployment.status != "IN_PROGRESS":
                raise invalid(f"The lifecycle hook {asked['hookId']} is not awaiting an action.")
            waiting[0].status = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
        return {"serviceDeploymentArn": deployment.arn}

    def list_tasks(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """ListTasks: those that are to run, unless asked for stopped ones."""
        cluster = cluster_of(backend, asked)
        if name := asked.get("serviceName"):
            services = [service_of(backend, asked, str(name))]
        else:
            services = [each for each in services_of(backend) if each.cluster_name == cluster.name]
        wanted, family, by = (
            asked.get("desiredStatus") or "RUNNING",
            asked.get("family"),
            asked.get("startedBy"),
        )
        arns = [
            task.arn
            for service in services
            for task in list(service.tasks)
            if task.desired_status == wanted
            and family in {None, _family(task)}
            and by in {None, task.deployment}
        ]
        return page("taskArns", arns, asked, 100)

    def describe_tasks(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """DescribeTasks, stopped ones included."""
        cluster = cluster_of(backend, asked)
        known = {
            name: task
            for service in services_of(backend)
            if service.cluster_name == cluster.name
            for task in list(service.tasks)
            for name in (task.arn, task.identity)
        }
        asked_for = _arns(asked.get("tasks"), 100)
        stem = f"{cluster.arn.replace(':cluster/', ':task/')}/"
        failures = [
            {"arn": name if name.startswith("arn:") else f"{stem}{name}", "reason": "MISSING"}
            for name in asked_for
            if name not in known
        ]
        return {
            "tasks": [known[name].describe() for name in asked_for if name in known],
            "failures": failures,
        }


def _deployments(backend: EC2ContainerServiceBackend) -> Iterator[tuple[Deployment, Service]]:
    for service in services_of(backend):
        for deployment in list(service.deployments):
            yield deployment, service


def _deployment(backend: EC2ContainerServiceBackend, asked: JsonObject) -> tuple[Deployment, Service]:
    for deployment, service in _deployments(backend):
        if deployment.arn == asked["serviceDeploymentArn"]:
            return deployment, service
    raise no_deployment()


def _family(task: Task) -> str:
    return task.revision.task_definition.rpartition("/")[2].partition(":")[0]


def _arns(value: Json, most: int = _MOST) -> list[str]:
    arns = [str(each) for each in value] if isinstance(value, list) else []
    if not arns or len(arns) > most:
        raise invalid(f"Between 1 and {most} ARNs are needed, not {len(arns)}.")
    return arns


def _between(moment: datetime, bounds: JsonObject) -> bool:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    after, before = _seconds(bounds.get("after")), _seconds(bounds.get("before"))
    return (after is None or aware.timestamp() > after) and (before is None or aware.timestamp() < before)


def _seconds(value: object) -> float | None:
    """A timestamp as seconds since 1970: moto parses some."""
    match value:
        case None:
            return None
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        case _:
            return float(str(value))
