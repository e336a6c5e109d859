"""What can be run: an image, the weights it loads, and its runtime settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject, sha256

VersionId = NewType("VersionId", str)
"""The first twelve hex digits of a version's SHA-256; people see it, resources are named by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A model archive (``model.tar.gz``): where it lies and the SHA-256 of its bytes."""

    uri: str
    sha256: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An immutable thing a target can run.

    Its id does not depend on the registry's address, the artifact's address, the rollout or the
    capacity: moving an image or adding an instance is not a release.
    """

    image: Image
    settings: JsonObject = field(default_factory=dict)
    artifact: Artifact | None = None

    @property
    def hash(self) -> str:
        """The 64 hex digits that change whenever anything that runs changes."""
        return sha256(
            {
                "artifact": str(self.artifact.sha256) if self.artifact else None,
                "image": str(self.image.digest),
                "settings": self.settings,
            }
        )

    @property
    def id(self) -> VersionId:
        """The hash, shortened to twelve digits."""
        return VersionId(self.hash[:12])
