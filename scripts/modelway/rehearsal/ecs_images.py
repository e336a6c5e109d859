"""The images of a task: pinned by digest when a deployment starts, pulled when its tasks start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moto.ecr.models import Repository

from modelway.core.json import JsonObject
from modelway.rehearsal import images, policies
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_roles import TaskError

_PULLS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_RETRIED = "pull image manifest has been retried 1 time(s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An image of a revision."""

    container: str
    image: str
    digest: str
    """Empty where ECR has no such image."""


def named_images(context: Context, containers: Sequence[JsonObject]) -> tuple[Named, ...]:
    """What the images of a task definition are right now: ECS pins tags when a deployment starts."""
    return tuple(
        Named(
            container=str(each["name"]),
            image=str(each["image"]),
            digest=_digest(context, str(each["image"])),
        )
        for each in containers
    )


def _digest(context: Context, image: str) -> str:
    try:
        return context.resolve_image(image).rpartition("@")[2]
    except (LookupError, ValueError):
        return ""


def pull(context: Context, image: str, digest: str, role: str) -> str:
    """What Docker pulls; raises ``TaskError`` where ECS could not."""
    try:
        resolved = context.resolve_image(image)
    except (LookupError, ValueError) as error:
        msg = f"CannotPullContainerError: {_RETRIED}: failed to resolve ref {image}: {image}: not found"
        raise TaskError(msg) from error
    path = resolved.removeprefix(f"{context.registry}/").partition("@")[0]
    repository = images.repository_at(path)
    if repository is not None and not _lets_in(repository, role):
        msg = (
            f"CannotPullContainerError: {_RETRIED}: failed to resolve ref {image}: "
            "pulling from host failed with status code [manifests]: 403 Forbidden"
        )
        raise TaskError(msg)
    return f"{resolved.partition('@')[0]}@{digest}" if digest else resolved


def _lets_in(repository: Repository, role: str) -> bool:
    """Whether a role of another account may pull; one of the same account may."""
    if not role or role.split(":")[4] == repository.account_id:
        return True
    return all(
        policies.allows(repository.policy, principal=role, action=action, resource=repository.arn)
        for action in _PULLS
    )
