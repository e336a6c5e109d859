"""The model's ECR repository: for who publishes to it, and for who deletes from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from modelway.core.config import RegistrySpec
    from modelway.core.image import Digest, Image
    from modelway.core.json import JsonObject
    from modelway.core.lifecycle import Doomed, Stored
    from modelway.core.manifest import Manifest


class Registry(Protocol):
    """The model's ECR repository."""

    @property
    def repository(self) -> str:
        """``<account>.dkr.ecr.<region>.amazonaws.com/<name>``, or the rehearsal's address."""

    def ensure(
        self,
        spec: RegistrySpec,
        pullers: Sequence[str],
        owner: str,
        model: str,
        /,
        *,
        waits: Callable[[JsonObject], str],
    ) -> tuple[str, ...]:
        """Create or correct the repository and its policies; say what was changed.

        ``waits`` is asked of a lifecycle policy that is about to be set on a repository that was there: why
        it must wait, empty where it may be set; it raises what forbids to go on. It is asked first of all.
        """

    def find(self, tag: str, /) -> Manifest | None:
        """What a tag names."""

    def manifest(self, digest: Digest, /) -> Manifest | None:
        """A manifest by digest, its digest recomputed."""

    def manifests_of(self, digests: Sequence[Digest], /) -> Mapping[Digest, Manifest]:
        """Those of many manifests that are there, in few calls; else as ``manifest``."""

    def built(self, image: Manifest, /) -> bytes:
        """An image's config, which says what it was built for; its digest is checked."""

    def tags(self, digest: Digest, /) -> tuple[str, ...]:
        """The tags of a digest."""

    def push(self, local: str, tag: str, /) -> Manifest:
        """Push a local image; the result is single-platform Docker v2 schema 2."""

    def pull(self, source: Image, local: str, /, *, platform: str) -> None:
        """Bring an image of any registry to this machine under a local name."""

    def copy(self, source: Image, tag: str, /, *, platform: str) -> Manifest:
        """Bring an image from another registry here, its digest unchanged where its type allows.

        Where it stays the same, what is attached to it comes along.
        """

    def retag(self, digest: Digest, tag: str, /) -> None:
        """Give a digest one more tag, moving no bytes."""

    def attach(
        self,
        subject: Digest,
        artifact_type: str,
        body: bytes,
        /,
        *,
        created: datetime,
        annotations: Mapping[str, str] | None = None,
    ) -> Digest:
        """Attach a document to a digest as an OCI referrer; the same document is attached once."""

    def attached(self, subject: Digest, /, *artifact_types: str) -> tuple[bytes, ...]:
        """Documents of these types attached to a digest, newest first."""

    def attached_to(
        self, subjects: Sequence[Digest], /, *artifact_types: str
    ) -> Mapping[Digest, tuple[bytes, ...]]:
        """What ``attached`` says of each of several, in fewer calls."""

    def export(self, digest: Digest, /) -> AbstractContextManager[BinaryIO]:
        """An image as an archive, readable once from start to end, its digests checked while it is read.

        Raises ``Differs`` for what is not there or not what its digest says.
        """

    def publish(self, name: str, artifact_type: str, file: Path, /, *, created: datetime) -> Digest:
        """Keep a file beside the images under its name; the newest of a name is the one ``fetch`` finds."""

    def fetch(self, name: str, artifact_type: str, into: Path, /, *, most: int) -> Digest | None:
        """Download the newest file of a name, its digest checked; ``None`` where there is none.

        Raises ``Differs`` for what is of another type or has more than ``most`` bytes.
        """


class Stock(Protocol):
    """All that a model's ECR repository holds, whoever put it there, for who may delete from it."""

    def stored(self) -> tuple[Stored, ...]:
        """Everything with a manifest, archived or not; nothing where there is no repository."""

    def lifecycle(self) -> JsonObject | None:
        """The repository's lifecycle policy; ``None`` where it has none."""

    def preview(self, policy: JsonObject, /) -> tuple[Doomed, ...]:
        """What ECR says that a policy would take now; raises ``Malformed`` for one it refuses."""

    def delete(self, digests: Sequence[Digest], /) -> None:
        """Delete images with all their tags; one that is not there is deleted already."""

    def untag(self, tags: Sequence[str], /) -> None:
        """Take tags away. ECR deletes an image with its last tag: never give that."""
