"""Removing what a rehearsal leaves in Docker: its containers, and the names it gave images."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from modelway.rehearsal.context import LABEL, docker_client


def remove_containers(of: Callable[[str], bool]) -> tuple[str, ...]:
    """Remove every container whose run is one of these; none without an engine. Answers what they were."""
    from docker.errors import DockerException, NotFound  # noqa: PLC0415 - see context.docker_client

    removed = []
    try:
        for container in docker_client().containers.list(
            all=True, filters={"label": LABEL}, ignore_removed=True
        ):
            if of(container.labels[LABEL]):
                try:
                    container.remove(force=True, v=True)
                except NotFound:
                    continue
                removed.append(container.name or container.short_id)
    except DockerException:
        return tuple(removed)
    return tuple(removed)


def forget_images(addresses: Collection[str]) -> None:
    """Untag images named by these addresses; an image that was built here keeps its other names."""
    from docker.errors import DockerException  # noqa: PLC0415 - see context.docker_client

    prefixes = tuple(f"{address}/" for address in addresses)
    try:
        client = docker_client()
        for image in client.api.images():
            names = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
            for name in names:
                if name.startswith(prefixes):
                    _untag(name)
    except DockerException:
        return


def _untag(name: str) -> None:
    from docker.errors import APIError  # noqa: PLC0415 - see context.docker_client

    try:
        docker_client().images.remove(name)
    except APIError:  # a digest's name goes with the last tag, so it may be gone already
        return


def is_alive(run: str) -> bool:
    """Whether the cloud that owns a run still works; a run begins with its process id."""
    process = Path("/proc") / run.partition("-")[0] / "cmdline"
    try:
        return b"modelway.rehearsal.cloud" in process.read_bytes()
    except OSError:
        return False


def remove_orphans() -> tuple[str, ...]:
    """Remove containers of clouds that ended without removing them (power cut)."""
    return remove_containers(lambda run: not is_alive(run))


def reach_engine() -> bool:
    """Whether there is an engine to ask, without importing its client."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return not host.startswith("unix://") or Path(host.removeprefix("unix://")).exists()
