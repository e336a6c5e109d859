"""The Docker engine of this machine, through the SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from modelway.adapters import environment
from modelway.errors import Unavailable

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image as LocalImage

_CURE = (
    "start it (sudo systemctl start docker, or Docker Desktop), let this user use it"
    " (sudo usermod -aG docker $USER, then sign in again), or set DOCKER_HOST"
)
_TIMEOUT = 600


@cache
def client() -> DockerClient:
    """The engine that ``docker`` would use: DOCKER_HOST, then the current context, then the local socket."""
    import docker  # noqa: PLC0415 - keeps --help fast
    from docker.context import ContextAPI  # noqa: PLC0415 - keeps --help fast

    with reached():
        context = None if environment.get("DOCKER_HOST") else ContextAPI.get_current_context()
        if context and context.Name != "default":
            return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig, timeout=_TIMEOUT)
        return docker.from_env(timeout=_TIMEOUT)


@contextmanager
def reached() -> Iterator[None]:
    """Raise ``Unavailable`` where the engine does not answer; what it answers passes through."""
    from docker.errors import APIError, DockerException  # noqa: PLC0415 - keeps --help fast
    from requests.exceptions import RequestException  # noqa: PLC0415 - keeps --help fast

    try:
        yield
    except APIError:
        raise
    except (DockerException, RequestException) as error:
        raise Unavailable("no Docker engine answers", seen=str(error), cure=_CURE) from error


def image(name: str) -> LocalImage | None:
    """A local image, by name or id."""
    from docker.errors import ImageNotFound  # noqa: PLC0415 - keeps --help fast

    with reached():
        try:
            return client().images.get(name)
        except ImageNotFound:
            return None


def platform(name: str) -> str:
    """The platform a local image is for, as in ``linux/amd64``; empty where there is no such image."""
    found = image(name)
    return f"{found.attrs['Os']}/{found.attrs['Architecture']}" if found else ""


@cache
def keeps_manifests() -> bool:
    """Whether the engine keeps images as containerd does: ids are manifests' digests, pushes are OCI.

    https://docs.docker.com/engine/storage/containerd
    """
    with reached():
        status: list[list[str]] = client().info().get("DriverStatus") or []
    return ["driver-type", "io.containerd.snapshotter.v1"] in [list(pair) for pair in status]
