"""Images that are built here, and models that run here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from modelway.core.config import BuildSecret
    from modelway.core.image import Digest
    from modelway.core.inputs import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """All a builder needs."""

    context: Path
    dockerfile: str
    """The Dockerfile's text."""
    platform: str
    tag: str
    """Local name the image gets, ``modelway/<model>:in-<hash>``."""
    ignore: str = ""
    """The ``.dockerignore``'s text."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[BuildSecret, ...] = ()


class Builder(Protocol):
    """Builds images with BuildKit and keeps them on this machine."""

    def find(self, tag: str, /) -> bool:
        """Whether the local image exists."""

    def identity(self, tag: str, /) -> str:
        """The engine's own content address of a local image: equal ids are equal images.

        Empty when there is none. Never compare it with a registry's digest: classic engines use the
        config's digest, containerd image stores the manifest's.
        """

    def base_digest(self, reference: str, /) -> Digest | None:
        """The digest a base image's name means now; ``None`` where nobody can tell.

        The manifest's digest; for an image that was only ever built here, its config's.
        """

    def entries(self, context: Path, ignore: str, /) -> tuple[Entry, ...]:
        """What a build would read of its context; raises ``Malformed`` for links that leave it."""

    def config_digest(self, tag: str, /) -> Digest:
        """The digest of a local image's config, as its archive holds it."""

    def build(self, request: BuildRequest, /) -> None:
        """Build and tag, showing progress; raises ``Malformed`` with the failing lines."""

    def export(self, tag: str, /) -> AbstractContextManager[BinaryIO]:
        """The image as a docker archive, readable once from start to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a model."""

    body: bytes
    content_type: str = "application/json"
    accept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a model answered."""

    status: int
    body: bytes
    content_type: str
    latency: float
    """Seconds from sending the request to having the whole answer."""


class Container(Protocol):
    """One running container of an image on this machine."""

    def invoke(self, request: HttpRequest, /) -> HttpAnswer:
        """POST to ``/invocations``."""

    def logs(self, lines: int = 20) -> tuple[str, ...]:
        """Its last log lines."""


class Containers(Protocol):
    """Runs images on this machine as SageMaker would."""

    def serve(
        self, tag: str, /, *, environment: Mapping[str, str], model: Path | None, timeout: float
    ) -> AbstractContextManager[Container]:
        """Run ``IMAGE serve`` until ``/ping`` answers; raises ``Unhealthy`` naming the usual mistake."""

    def train(self, tag: str, output: Path, /, *, environment: Mapping[str, str]) -> None:
        """Run ``IMAGE train``; what it writes to ``/opt/ml/model`` lands in ``output``."""
