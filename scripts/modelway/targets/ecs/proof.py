"""The proof of the one digest: what ECS resolved, and what its tasks run, is what the version names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.core.image import Digest
from modelway.core.record import Record
from modelway.core.version import Version, VersionId
from modelway.errors import Differs
from modelway.targets.ecs.definition import weights
from modelway.targets.ecs.services import Services
from modelway.targets.ecs.settings import CONTAINER

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskDefinitionTypeDef, TaskTypeDef

_CURE = "Somebody changed what runs under modelway's tags: deregister it, then release again."


def refuse_other(
    services: Services, definition: TaskDefinitionTypeDef, revision: str | None, record: Record
) -> None:
    """Raise ``Differs`` where the revision, or a running task of it, has another image or other weights."""
    _compare_weights(definition, record.id, record.artifact)
    container = answering(definition)
    found = services.revision(revision) if revision else None
    images = found.get("containerImages", []) if found else []
    resolved = {image.get("containerName"): image.get("imageDigest") for image in images}
    _compare(resolved.get(container), f"the service {services.name}", record.id, record.digest)
    running = [
        task
        for task in services.tasks("RUNNING")
        if task.get("taskDefinitionArn") == definition["taskDefinitionArn"]
    ]
    for task in running:
        _compare(digest_of(task, container), f"the task {task['taskArn']}", record.id, record.digest)


def refuse_another(definition: TaskDefinitionTypeDef, wanted: Version) -> None:
    """Raise ``Differs`` where a task definition under the version's name is of other image or weights."""
    image = next(
        (one.get("image", "") for one in definition["containerDefinitions"] if one.get("name") == CONTAINER),
        "",
    )
    _compare(
        image.rpartition("@")[2] or "no image",
        definition["taskDefinitionArn"],
        wanted.id,
        wanted.image.digest,
    )
    artifact = str(wanted.artifact.sha256) if wanted.artifact else None
    _compare_weights(definition, wanted.id, artifact)


def _compare_weights(definition: TaskDefinitionTypeDef, version: VersionId, expected: str | None) -> None:
    """What the task definition makes its tasks fetch is what is expected."""
    seen = next(
        (f"sha256:{digest}" for digest in map(weights, definition["containerDefinitions"]) if digest), None
    )
    if seen != expected:
        raise Differs(
            f"{definition['taskDefinitionArn']} loads other weights than version {version}",
            seen=f"expected {expected or 'none'}, got {seen or 'none'}",
            cure=_CURE,
        )


def answering(definition: TaskDefinitionTypeDef) -> str:
    """The name of the container that answers: of what was adopted the only one, whatever its name."""
    names = [one.get("name", "") for one in definition["containerDefinitions"]]
    return names[0] if len(names) == 1 else CONTAINER


def digest_of(task: TaskTypeDef, container: str) -> str | None:
    """What a container of a task runs; told once the image is pulled."""
    containers = {one.get("name"): one.get("imageDigest") for one in task.get("containers", [])}
    return containers.get(container)


def _compare(seen: str | None, what: str, version: VersionId, expected: Digest | str) -> None:
    if seen and seen != str(expected):
        raise Differs(
            f"{what} runs another image than version {version}",
            seen=f"expected {expected}, got {seen}",
            cure=_CURE,
        )
