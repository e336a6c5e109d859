"""ECS's services: one method an operation; what they return is the operation's output."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from moto.ecs.models import EC2ContainerServiceBackend

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import ecs_checks, ecs_describe, ecs_traffic
from modelway.rehearsal.ecs_definitions import definition_of, page
from modelway.rehearsal.ecs_images import named_images
from modelway.rehearsal.ecs_model import Deployment, Service
from modelway.rehearsal.ecs_refusals import client_error, invalid, no_service
from modelway.rehearsal.ecs_rollout import Rollout
from modelway.rehearsal.ecs_runner import Runner
from modelway.rehearsal.ecs_strategy import strategy
from modelway.rehearsal.ecs_tasks import Revision
from modelway.rehearsal.ecs_watch import Watch
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.parameters import object_of, objects
from modelway.rehearsal.refusals import RequestRefused

_STARTING = ("taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers")
"""Parameters whose change starts a deployment (UpdateService)."""
_OF_REVISION = (*_STARTING, "launchType", "capacityProviderStrategy")
_NOT_KEPT = frozenset(
    {"cluster", "service", "serviceName", "clientToken", "forceNewDeployment", "desiredCount", "tags"}
)


@dataclass(frozen=True, slots=True)
class ServiceOperations:
    """Services of all accounts."""

    runner: Runner
    _tokens: dict[tuple[str, str, str], tuple[JsonObject, Service]] = field(default_factory=dict)
    """What was created with a client token: by account, region and token."""
    _lock: Lock = field(default_factory=Lock)

    NAMES = ("create_service", "update_service", "delete_service", "describe_services", "list_services")

    def create_service(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """CreateService, which begins the first deployment."""
        with self._lock:
            token = backend.account_id, backend.region_name, str(asked.get("clientToken") or "")
            if token[2] and token in self._tokens:
                before, made = self._tokens[token]
                if before != asked:
                    raise invalid("The clientToken was used before, with other parameters.")
                return {"service": ecs_describe.service(made, tags=True)}
            service = self._create(backend, asked)
            if token[2]:
                self._tokens[token] = asked, service
        return {"service": ecs_describe.service(service, tags=True)}

    def _create(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Service:
        cluster = cluster_of(backend, asked)
        name, key = str(asked["serviceName"]), f"{cluster.name}:{asked['serviceName']}"
        there: object = backend.services.get(key)
        if isinstance(there, Service) and there.status != "INACTIVE":
            raise invalid("Creation of service was not idempotent.")
        request = {key: value for key, value in asked.items() if key not in _NOT_KEPT}
        service = Service(
            account=backend.account_id,
            region=backend.region_name,
            name=name,
            arn=f"{cluster.arn.replace(':cluster/', ':service/')}/{name}",
            cluster_name=cluster.name,
            cluster_arn=cluster.arn,
            created_by=f"arn:aws:iam::{backend.account_id}:root",
            request=dict(request),
            tags=[
                {"key": str(t["key"]), "value": str(t.get("value", ""))} for t in objects(asked.get("tags"))
            ],
            desired=int(str(asked.get("desiredCount") or 0)),
            rescale=self.runner.scale,
        )
        self._deploy("CreateService", backend, service, request)
        backend.services[key] = service  # type: ignore[assignment]  # it has what moto asks of its own
        self.runner.services.append(service)
        return service

    def update_service(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """UpdateService: a deployment where a parameter that starts one has changed, or by force."""
        service = service_of(backend, asked, str(asked["service"]))
        if service.status != "ACTIVE":
            raise RequestRefused("ServiceNotActiveException", "Service was not ACTIVE.")
        with service.lock:
            request = _merged(service.request, asked)
            changed = any(request.get(name) != service.request.get(name) for name in _STARTING[1:])
            definition = definition_of(backend, str(request["taskDefinition"]))
            is_other = (
                service.primary is None or service.primary.task_definition != definition["taskDefinitionArn"]
            )
            count = asked.get("desiredCount")
            if isinstance(count, int) and count != service.desired:
                self.runner.scale(service, count)
            if changed or is_other or asked.get("forceNewDeployment"):
                self._deploy("UpdateService", backend, service, request)
            else:
                strategy(object_of(request, "deploymentConfiguration"))  # refuses what makes no sense
            service.request = dict(request)
        return {"service": ecs_describe.service(service)}

    def _deploy(
        self,
        operation: str,
        backend: EC2ContainerServiceBackend,
        service: Service,
        request: Mapping[str, Json],
    ) -> None:
        """Check everything, then begin a deployment."""
        if not request.get("taskDefinition"):
            raise invalid("TaskDefinition can not be blank.")
        definition = definition_of(backend, str(request["taskDefinition"]))
        if definition["status"] != "ACTIVE":
            raise client_error("TaskDefinition is inactive")
        plan = strategy(object_of(request, "deploymentConfiguration"))
        ecs_checks.check(operation, backend, request, definition)
        ecs_checks.check_balancers(backend, request, definition, plan)
        settings = {name: request[name] for name in _OF_REVISION if request.get(name) is not None}
        target = Revision(
            arn=f"{service.arn.replace(':service/', ':service-revision/')}/{secrets.randbelow(10**19):019d}",
            task_definition=str(definition["taskDefinitionArn"]),
            definition=definition,
            settings=settings,
            images=named_images(self.runner.context, objects(definition.get("containerDefinitions"))),
            target_groups=ecs_traffic.choose_groups(settings, service.completed, shifts=plan.shifts),
        )
        deployment = Deployment(
            arn=f"{service.arn.replace(':service/', ':service-deployment/')}/{secrets.token_urlsafe(16)}",
            strategy=plan,
            config=object_of(request, "deploymentConfiguration"),
            target=target,
            sources=tuple(_sources(service)),
        )
        if service.current:
            service.current.superseded.set()
        service.deployments.append(deployment)
        service.primary = target
        self.runner.spawn(Rollout(Watch(self.runner, service, deployment)).run)

    def delete_service(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """DeleteService: the tasks stop, then it is INACTIVE."""
        service = service_of(backend, asked, str(asked["service"]))
        if service.status != "ACTIVE":
            raise RequestRefused("ServiceNotActiveException", "Service was not ACTIVE.")
        if service.desired and not asked.get("force"):
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        service.status = "DRAINING"
        service.gone.set()

        def work() -> None:
            for deployment in service.deployments:
                deployment.done.wait()
            for unit in list(service.units.values()):
                self.runner.stop(service, unit.revision)
            service.status = "INACTIVE"

        self.runner.spawn(work)
        return {"service": ecs_describe.service(service)}

    def describe_services(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """DescribeServices; what is not there is a failure, not an error."""
        cluster_of(backend, asked)
        names = asked.get("services")
        include = asked.get("include")
        tags = isinstance(include, list) and "TAGS" in include
        found, failures = [], []
        for name in names if isinstance(names, list) else []:
            try:
                found.append(ecs_describe.service(service_of(backend, asked, str(name)), tags=tags))
            except RequestRefused:
                stem = f"arn:aws:ecs:{backend.region_name}:{backend.account_id}:service/"
                arn = str(name) if str(name).startswith("arn:") else f"{stem}{name}"
                failures.append({"arn": arn, "reason": "MISSING"})
        return {"services": found, "failures": failures}

    def list_services(self, backend: EC2ContainerServiceBackend, asked: JsonObject) -> Answer:
        """ListServices: those that are not INACTIVE."""
        cluster = cluster_of(backend, asked)
        there = (each for each in services_of(backend) if each.cluster_name == cluster.name)
        arns = sorted(each.arn for each in there if each.status != "INACTIVE")
        return page("serviceArns", arns, asked, 10)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, as far as services care."""

    name: str
    arn: str


def cluster_of(backend: EC2ContainerServiceBackend, asked: JsonObject) -> Cluster:
    """The cluster a call is about, or ECS's refusal."""
    name = str(asked.get("cluster") or "default").rpartition("/")[2]
    found = backend.clusters.get(name)
    if found is None or found.status != "ACTIVE":
        raise RequestRefused("ClusterNotFoundException", "Cluster not found.")
    return Cluster(found.name, found.arn)


def services_of(backend: EC2ContainerServiceBackend) -> Iterator[Service]:
    """Every service of one account and region."""
    kept: Mapping[str, object] = backend.services
    return (each for each in list(kept.values()) if isinstance(each, Service))


def service_of(backend: EC2ContainerServiceBackend, asked: JsonObject, name: str) -> Service:
    """The service, by name or ARN, or ECS's refusal."""
    cluster = cluster_of(backend, asked)
    for each in services_of(backend):
        if each.cluster_name == cluster.name and name in {each.name, each.arn}:
            return each
    raise no_service()


def _merged(before: Mapping[str, object], asked: JsonObject) -> dict[str, Json]:
    """What was not given stays; of the deployment configuration too."""
    merged: dict[str, Json] = dict(before)  # type: ignore[arg-type]  # it came as JSON
    for name, value in asked.items():
        if name in _NOT_KEPT or value is None:
            continue
        merged[name] = value
    old, new = object_of(before, "deploymentConfiguration"), object_of(asked, "deploymentConfiguration")  # type: ignore[arg-type]  # it came as JSON
    if new:
        merged["deploymentConfiguration"] = old | new
    return merged


def _sources(service: Service) -> Iterator[Revision]:
    """What runs when a deployment starts: the last completed revision, and that of one under way."""
    if service.completed:
        yield service.completed
    current = service.current
    if current and not current.is_over and current.target is not service.completed:
        yield current.target
