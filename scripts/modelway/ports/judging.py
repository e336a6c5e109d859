"""What an image or a model artifact is judged by: scanners, advisories, signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from modelway.core.ecr_scan import Setup, Sighting
    from modelway.core.image import Digest
    from modelway.core.report import Database, Report
    from modelway.core.statement import Envelope
    from modelway.core.version import Artifact


class Scanner(Protocol):
    """Looks into an image and says what it found; the policy judges, never the scanner."""

    def fingerprint(self) -> str:
        """What a report depends on beside the image: the tool's version and its advisories.

        Raises ``NotEvaluated`` when there are no advisories.
        """

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Scan a docker archive, read once.

        What it should have read and cannot is ``unread`` in its report; ``NotEvaluated`` is for what leaves
        no report at all: a broken archive, a tool that is missing.
        """


class RegistryScan(Protocol):
    """The registry's own scan of the images in it."""

    def setup(self) -> Setup:
        """How the repository is scanned."""

    def start(self, digest: Digest, /) -> None:
        """Ask for a scan of an image; a scan that was asked for today already stands."""

    def look(self, digest: Digest, /) -> Sighting:
        """What is known of the image now; raises ``NotEvaluated`` for an answer that cannot be read."""


class WeightsScanner(Protocol):
    """Looks into model artifacts."""

    @property
    def name(self) -> str:
        """Equal names see the same in the same bytes."""

    def look(self, chunks: Iterator[bytes], artifact: Artifact, /) -> Report:
        """Everything wrong with it; what cannot be read is ``unread`` in the report, never raised."""


class Advisories(Protocol):
    """The index of known vulnerabilities on this machine."""

    @property
    def path(self) -> Path:
        """The index's file, whether it is there or not."""

    def about(self) -> Database:
        """What the index knows; raises ``NotEvaluated`` when there is none, or it is damaged."""

    def bring(self, sources: Sequence[Path], /, *, note: str, as_of: datetime | None) -> Database:
        """Replace the index by OSV records of files, folders and zips; raises ``Malformed``.

        ``as_of`` is the day the records speak for; ``None`` takes the newest change in the oldest source.
        """

    def match(self, report: Report, /) -> Report:
        """The builtin scanner's report, its packages asked about again with the advisories of today.

        Raises ``NotEvaluated`` like ``about``.
        """

    def update(
        self, ecosystems: Sequence[str], base_url: str, /, *, kev_url: str = "", epss_url: str = ""
    ) -> Database:
        """Bring the index to what OSV publishes now, and CISA and FIRST where they can be reached."""

    def pack(self, into: Path, /) -> Database:
        """Write the index to a file, packed; raises ``NotEvaluated`` when there is none."""

    def take(self, packed: Path, /) -> Database:
        """Replace the index by what another machine packed; raises ``NotEvaluated`` for what is no index."""


class Keys(Protocol):
    """The keys of those who say something of an image: the build, and each environment."""

    def seal(self, author: str, payload: bytes, /) -> bytes | None:
        """The statement signed with the author's key; ``None`` where the config names none."""

    def signed_by(self, envelope: Envelope, /) -> frozenset[str]:
        """The authors whose keys or identities the signatures are by, as the config knows them."""
