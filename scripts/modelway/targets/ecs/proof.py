"""The proof of the one digest: what ECS resolved, and what its tasks run, is what the version names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.core.record import Record
from modelway.errors import Differs
from modelway.targets.ecs.definition import weights
from modelway.targets.ecs.services import Services
from modelway.targets.ecs.settings import CONTAINER

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskDefinitionTypeDef, TaskTypeDef


def refuse_other(
    services: Services, definition: TaskDefinitionTypeDef, revision: str | None, record: Record
) -> None:
    """Raise ``Differs`` where the revision, or a running task of it, has another image or other weights."""
    _compare_weights(definition, record)
    found = services.revision(revision) if revision else None
    images = found.get("containerImages", []) if found else []
    resolved = {image.get("containerName"): image.get("imageDigest") for image in images}
    _compare(resolved.get(CONTAINER), f"the service {services.name}", record)
    running = [
        task
        for task in services.tasks("RUNNING")
        if task.get("taskDefinitionArn") == definition["taskDefinitionArn"]
    ]
    for task in running:
        _compare(_digest(task), f"the task {task['taskArn']}", record)


def _compare_weights(definition: TaskDefinitionTypeDef, record: Record) -> None:
    """What the task definition makes its tasks fetch is what the record says."""
    seen = next(
        (f"sha256:{digest}" for digest in map(weights, definition["containerDefinitions"]) if digest), None
    )
    if seen != record.artifact:
        raise Differs(
            f"{definition['taskDefinitionArn']} loads other weights than version {record.id}",
            seen=f"expected {record.artifact or 'none'}, got {seen or 'none'}",
            cure="Somebody changed the tags of the task definition; release again.",
        )


def _digest(task: TaskTypeDef) -> str | None:
    """What the model's container of a task runs; told once the image is pulled."""
    containers = {one.get("name"): one.get("imageDigest") for one in task.get("containers", [])}
    return containers.get(CONTAINER)


def _compare(seen: str | None, what: str, record: Record) -> None:
    if seen and seen != record.digest:
        raise Differs(
            f"{what} runs another image than version {record.id}",
            seen=f"expected {record.digest}, got {seen}",
            cure="Somebody changed what runs under modelway's tags; release again.",
        )
