"""Model artifacts of one environment: for who brings them, and for who deletes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelway.core.version import Artifact
    from modelway.core.weights import Copy, Expiry


class ArtifactStore(Protocol):
    """Model artifacts of one environment: write-once, named by content."""

    def find(self, artifact: Artifact, /) -> str | None:
        """The S3 URI of our verified copy, if there is one."""

    def target_uri(self, artifact: Artifact, /) -> str:
        """The S3 URI our copy has or will have."""

    def bring(self, artifact: Artifact, /) -> str:
        """Copy and verify; raises ``NotAllowed`` when the bytes are not the ones the config names."""

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        """Download into the folder and verify; raises ``NotAllowed`` like ``bring``."""

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        """The bytes as they lie where the config says, piece by piece; whoever takes them verifies them."""


class Shelf(Protocol):
    """All copies of one model's artifacts in one environment's bucket, for who may delete them."""

    def copies(self) -> tuple[Copy, ...]:
        """Every version of every object under the model's prefix; none where there is no bucket."""

    def expiries(self) -> tuple[Expiry, ...]:
        """The bucket's own rules that delete objects, or move them to where nothing loads them."""

    def delete(self, copy: Copy, /) -> bool:
        """Delete this very version, if modelway wrote it; whether it is gone."""
