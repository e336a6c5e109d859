"""Which of a model's releases are shown: one image, one version, what serves, or the newest. Decides only.

What is shown decides nothing: whether an environment runs what was tested is told from what serves in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelway.core.dossier import Release
from modelway.core.image import Digest
from modelway.core.version import VersionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What somebody asks for; without anything, the newest releases."""

    image: Digest | None = None
    version: VersionId | None = None
    serving: bool = False
    """Only what serves in the environment whose question is answered."""
    most: int = 50

    def shown(self, releases: Sequence[Release], images: Sequence[Digest] | None) -> tuple[Release, ...]:
        """Of releases in their order, those that are shown; ``images`` are those asked for by name."""
        if images is None:
            return tuple(releases[: self.most])
        asked = (one for one in releases if one.image in images)
        return tuple(of_version(one, self.version) if self.version else one for one in asked)


def of_version(release: Release, version: VersionId) -> Release:
    """What is known of one version of an image: its own, and what others say of the same image and weights.

    An image that has several versions in an environment, with other weights or settings, is several things.
    """
    ran = [(one.environment, one.version, one.artifact) for one in release.ran]
    said = [(one.environment, one.version, one.artifact) for one in (s.verdict for s in release.verdicts)]
    entered = [(e.environment, e.version, e.artifact) for e in (one.what.entry for one in release.entered)]
    own = [row for row in (*ran, *said, *entered) if row[1] == version]
    homes, weights = {row[0] for row in own}, {row[2] for row in own}

    def counts(row: tuple[str, str, str | None]) -> bool:
        return row[1] == version or (row[0] not in homes and row[2] in weights)

    return replace(
        release,
        ran=tuple(one for one, row in zip(release.ran, ran, strict=True) if counts(row)),
        verdicts=tuple(one for one, row in zip(release.verdicts, said, strict=True) if counts(row)),
        entered=tuple(one for one, row in zip(release.entered, entered, strict=True) if counts(row)),
    )
