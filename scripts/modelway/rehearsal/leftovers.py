"""Removing what a rehearsal leaves in Docker: containers, networks, volumes, and the names it gave images."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.rehearsal.context import LABEL, docker_client
from modelway.rehearsal.namespace import is_alive

if TYPE_CHECKING:
    from docker.models.containers import Container

_REMOVAL = 60
"""Seconds a removal that another process began may take."""
_NAME = re.compile(r"(?P<address>127\.0\.0\.1:\d+)/\d{12}/[a-z0-9-]+/")
"""What this ECR's repositories are called: on loopback, under account and region."""


def remove_containers(of: Callable[[str], bool]) -> tuple[str, ...]:
    """Remove every container whose run is one of these, and their networks; none without an engine.

    Answers what they were.
    """
    from docker.errors import DockerException  # noqa: PLC0415 - see context.docker_client

    removed: list[str] = []
    try:
        listed = docker_client().containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
        ours = (each for each in listed if of(each.labels[LABEL]))
        removed.extend(each.name or each.short_id for each in ours if _removed(each))
        _remove_surroundings(of)
    except DockerException:
        return tuple(removed)
    return tuple(removed)


def _removed(container: Container) -> bool:
    """Whether it was this process that removed it; where another is at it already, its end is awaited."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 - see context.docker_client

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:
            raise
        with suppress(NotFound):
            container.wait(condition="removed", timeout=_REMOVAL)
        return False
    return True


def _remove_surroundings(of: Callable[[str], bool]) -> None:
    """Bridges and volumes made for runs, once no container uses them."""
    from docker.errors import APIError  # noqa: PLC0415 - see context.docker_client

    for network in docker_client().networks.list(filters={"label": LABEL}):
        if of(network.attrs["Labels"][LABEL]):
            with suppress(APIError):  # gone meanwhile
                network.remove()
    for volume in docker_client().volumes.list(filters={"label": LABEL}):
        if of(volume.attrs["Labels"][LABEL]):
            with suppress(APIError):  # gone meanwhile
                volume.remove()


def forget_images(of: Callable[[str], bool]) -> None:
    """Untag images named by these addresses; an image that was built here keeps its other names."""
    from docker.errors import DockerException  # noqa: PLC0415 - see context.docker_client

    try:
        client = docker_client()
        for image in client.api.images():
            names = [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]
            for name in names:
                if (found := _NAME.match(name)) and of(found["address"]):
                    _untag(name)
    except DockerException:
        return


def _untag(name: str) -> None:
    from docker.errors import APIError  # noqa: PLC0415 - see context.docker_client

    try:
        docker_client().images.remove(name)
    except APIError:  # a digest's name goes with the last tag, so it may be gone already
        return


def remove_orphans() -> tuple[str, ...]:
    """Remove containers and image names of clouds that ended without removing them (power cut)."""
    forget_images(lambda address: not _answers(address))
    return remove_containers(lambda run: not is_alive(run))


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, int(port))) == 0


def reach_engine() -> bool:
    """Whether there is an engine to ask, without importing its client."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return not host.startswith("unix://") or Path(host.removeprefix("unix://")).exists()
