"""Task definitions where moto's differ from AWS: what makes no sense is refused, lists are sorted and paged.

What moto answers instead is shown by ``tests/rehearsal/test_ecs_definitions.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.ecs_refusals import client_error, unrehearsed
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.parameters import object_of, objects

_MEMORY: Mapping[int, range | tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
"""MiB Fargate has for so many CPU units (RegisterTaskDefinition, cpu)."""
_NOT_OF_CONTAINERS = (
    *("environmentFiles", "volumesFrom", "repositoryCredentials", "firelensConfiguration", "links"),
    *("credentialSpecs", "privileged"),
)
_NOT_OF_VOLUMES = (
    *("efsVolumeConfiguration", "s3filesVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration"),
    *("dockerVolumeConfiguration", "configuredAtLaunch"),
)
_NOT_OF_TASKS = ("proxyConfiguration", "trustedExecutionConfiguration", "enableFaultInjection")
_PAGE = 100
_DESCRIBED = {
    "cpu": "cpu",
    "memory": "memory",
    "taskRoleArn": "task_role_arn",
    "executionRoleArn": "execution_role_arn",
    "networkMode": "network_mode",
    "requiresCompatibilities": "requires_compatibilities",
}


def install() -> None:
    """Replace operations of moto's ECS."""
    register = EC2ContainerServiceResponse.register_task_definition
    deregister = EC2ContainerServiceResponse.deregister_task_definition

    def register_task_definition(self: EC2ContainerServiceResponse) -> ActionResult:
        _check(self.params)
        answer = register(self)
        family = self.ecs_backend.task_definitions[self.params["family"]]
        made = family[max(family)]
        _remember(made, registered_at=utcnow(), registered_by=f"arn:aws:iam::{self.current_account}:root")
        return answer

    def deregister_task_definition(self: EC2ContainerServiceResponse) -> ActionResult:
        answer = deregister(self)
        _remember(
            self.ecs_backend.describe_task_definition(self.params["taskDefinition"]), deregistered_at=utcnow()
        )
        return answer

    def describe_task_definition(self: EC2ContainerServiceResponse) -> ActionResult:
        found = find(self.ecs_backend, str(self.params["taskDefinition"]))
        include = self.params.get("include") or []
        tags = {"tags": found.tags} if "TAGS" in include else {}
        return ActionResult({"taskDefinition": found} | tags)

    replaced: tuple[Callable[[EC2ContainerServiceResponse], ActionResult], ...] = (
        register_task_definition,
        deregister_task_definition,
        describe_task_definition,
        list_task_definitions,
        list_task_definition_families,
    )
    for each in replaced:
        setattr(EC2ContainerServiceResponse, each.__name__, each)


def list_task_definitions(self: EC2ContainerServiceResponse) -> ActionResult:
    """ListTaskDefinitions: by family and revision, upwards unless asked otherwise."""
    family, status = self.params.get("familyPrefix"), self.params.get("status") or "ACTIVE"
    found = [
        each
        for revisions in self.ecs_backend.task_definitions.values()
        for each in revisions.values()
        if family in {None, each.family} and each.status == status
    ]
    found.sort(key=lambda each: (each.family, each.revision), reverse=self.params.get("sort") == "DESC")
    return ActionResult(page("taskDefinitionArns", [each.arn for each in found], self.params, _PAGE))


def list_task_definition_families(self: EC2ContainerServiceResponse) -> ActionResult:
    """ListTaskDefinitionFamilies: a family is ACTIVE as long as one revision is."""
    prefix, status = str(self.params.get("familyPrefix") or ""), self.params.get("status") or "ALL"
    found = []
    for name, revisions in sorted(self.ecs_backend.task_definitions.items()):
        state = "ACTIVE" if any(each.status == "ACTIVE" for each in revisions.values()) else "INACTIVE"
        if name.startswith(prefix) and status in {"ALL", state}:
            found.append(name)
    return ActionResult(page("families", found, self.params, _PAGE))


def find(backend: EC2ContainerServiceBackend, name: str) -> TaskDefinition:
    """By ``family:revision``, ARN, or family, which means its latest ACTIVE revision (moto: its latest)."""
    family, _, number = name.rpartition("/")[2].partition(":")
    revisions = backend.task_definitions.get(family, {})
    if number:
        found = revisions.get(int(number)) if number.isdecimal() else None
    else:
        active = [revision for revision, each in revisions.items() if each.status == "ACTIVE"]
        found = revisions[max(active)] if active else None
    if found is None:
        raise client_error("Unable to describe task definition.")
    return found


def definition_of(backend: EC2ContainerServiceBackend, name: str) -> JsonObject:
    """The task definition as services read it; raises ECS's refusal."""
    try:
        found = find(backend, name)
    except Exception as error:
        raise client_error("TaskDefinition not found.") from error
    told: dict[str, Json] = {
        "taskDefinitionArn": found.arn,
        "status": found.status,
        "compatibilities": list(found.compatibilities),
        "containerDefinitions": [_json(each) for each in found.container_definitions],
        "volumes": [_json(each) for each in found.volumes],
    }
    values = {name: getattr(found, attribute, None) for name, attribute in _DESCRIBED.items()}
    return told | {name: value for name, value in values.items() if value is not None}


def page(name: str, items: list[str] | list[Answer], asked: JsonObject, size: int) -> Answer:
    """One page of a list, and where the next begins."""
    first, count = int(str(asked.get("nextToken") or 0)), int(str(asked.get("maxResults") or size))
    following = {"nextToken": str(first + count)} if first + count < len(items) else {}
    return {name: items[first : first + count], **following}


def _json(given: dict[str, object]) -> Json:
    """What came as JSON, as JSON."""
    return cast("Json", given)


def _remember(of: TaskDefinition, **values: object) -> None:
    """moto's serializer looks for attributes."""
    for name, value in values.items():
        setattr(of, name, value)


def _check(asked: JsonObject) -> None:
    for name in _NOT_OF_TASKS:
        if asked.get(name):
            raise unrehearsed("RegisterTaskDefinition", name)
    for volume in objects(asked.get("volumes")):
        _refuse("volumes", volume, _NOT_OF_VOLUMES)
        if object_of(volume, "host").get("sourcePath"):
            raise unrehearsed("RegisterTaskDefinition", "volumes.host.sourcePath")
    containers = objects(asked.get("containerDefinitions"))
    for each in containers:
        _refuse("containerDefinitions", each, _NOT_OF_CONTAINERS)
    if not any(each.get("essential") is not False for each in containers):
        raise client_error("A task definition must have at least one essential container.")
    _check_mounts(containers, {str(volume["name"]) for volume in objects(asked.get("volumes"))})
    _check_order(containers)
    compatible = asked.get("requiresCompatibilities")
    if isinstance(compatible, list) and "FARGATE" in compatible:
        _check_fargate(asked)


def _refuse(where: str, given: JsonObject, names: tuple[str, ...]) -> None:
    for name in names:
        if given.get(name):
            raise unrehearsed("RegisterTaskDefinition", f"{where}.{name}")


def _check_mounts(containers: Sequence[JsonObject], volumes: set[str]) -> None:
    for each in containers:
        for mount in objects(each.get("mountPoints")):
            if str(mount.get("sourceVolume")) not in volumes:
                raise client_error(f"Unknown volume '{mount.get('sourceVolume')}'.")


def _check_order(containers: Sequence[JsonObject]) -> None:
    """Refuse containers that depend on what is not there, or on themselves."""
    needs = {
        str(each["name"]): {str(d["containerName"]) for d in objects(each.get("dependsOn"))}
        for each in containers
    }
    for name, needed in needs.items():
        if not needed <= needs.keys():
            missing = min(needed - needs.keys())
            raise client_error(f"Container '{name}' depends on container '{missing}', which does not exist.")
    started: set[str] = set()
    while ready := {name for name, needed in needs.items() if name not in started and needed <= started}:
        started |= ready
    if len(started) < len(needs):
        raise client_error("The container dependencies of the task definition form a cycle.")


def _check_fargate(asked: JsonObject) -> None:
    cpu, memory = _units(asked.get("cpu")), _units(asked.get("memory"))
    if memory not in _MEMORY.get(cpu, ()):
        message = (
            "No Fargate configuration exists for given values: "
            f"{asked.get('cpu')} CPU, {asked.get('memory')} memory. See the Amazon ECS documentation for the "
            "valid values."
        )
        raise client_error(message)
    if asked.get("networkMode") != "awsvpc":
        raise client_error("Fargate only supports network mode 'awsvpc'.")
    if not asked.get("executionRoleArn"):  # every image here is ECR's
        message = "Fargate requires task definition to have execution role ARN to support ECR images."
        raise client_error(message)


def _units(value: Json) -> int:
    """CPU units or MiB; ECS also takes ``.5 vCPU`` and ``1 GB``."""
    text = str(value or "").strip().lower()
    for suffix in ("vcpu", "gb"):
        if text.endswith(suffix):
            return int(float(text.removesuffix(suffix)) * 1024)
    return int(text) if text.isdecimal() else 0
