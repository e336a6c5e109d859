"""A fake of ``ports.Stock`` over the fake registry: deleting as ECR does, and previews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelway.core import lifecycle
from modelway.core.config import RegistrySpec
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.lifecycle import Doomed, Stored
from modelway.core.manifest import digest_of
from modelway.errors import Unavailable
from modelway.ports import Clock
from tests.fake_images import FakeRegistry

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class FakeStock:
    """What a fake registry holds."""

    registry: FakeRegistry
    clock: Clock
    pushed: dict[Digest, datetime] = field(default_factory=dict)
    archived: dict[Digest, datetime] = field(default_factory=dict)
    deleted: list[Digest] = field(default_factory=list)
    role: str = ""
    """By which role it was opened last."""

    def opened(self, spec: RegistrySpec) -> FakeStock:
        """As whoever the spec names."""
        self.role = spec.push_role
        return self

    def stored(self) -> tuple[Stored, ...]:
        """Images with their tags, and what is attached to them."""
        images = [
            Stored(
                digest=digest,
                pushed=self.pushed.get(digest, LONG_AGO),
                tags=self.registry.tags(digest),
                size=100,
                archived=self.archived.get(digest),
            )
            for digest in self.registry.manifests
        ]
        words = [
            Stored(digest=digest_of(kind.encode() + body), pushed=at, size=10, subject=subject)
            for subject, kind, at, body in self.registry.documents
        ]
        return (*images, *words)

    def lifecycle(self) -> JsonObject | None:
        """As a test set it."""
        return self.registry.lifecycle

    def preview(self, policy: JsonObject, /) -> tuple[Doomed, ...]:
        """What the evaluator says."""
        return lifecycle.taken(lifecycle.read(policy), self.stored(), self.clock.now())

    def delete(self, digests: Sequence[Digest], /) -> None:
        """Only by the role that may."""
        if self.role != "modelway-prune":
            raise Unavailable(f"{self.role} may not delete")
        self.deleted += digests
        for digest in digests:
            self.registry.manifests.pop(digest, None)
        self.registry.named = {t: d for t, d in self.registry.named.items() if d not in digests}
        self.registry.documents = [
            one for one in self.registry.documents if digest_of(one[1].encode() + one[3]) not in digests
        ]

    def untag(self, tags: Sequence[str], /) -> None:
        """An image that loses its last tag is deleted."""
        for tag in tags:
            digest = self.registry.named.pop(tag)
            if not self.registry.tags(digest):
                self.delete([digest])
