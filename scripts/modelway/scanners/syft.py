"""syft (Anchore): the packages of an image, and no word on vulnerabilities, by the ``syft`` on PATH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from modelway.core.report import Report
from modelway.scanners import syft_report, syft_tool, tool
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Wrong, unreadable
from modelway.scanners.syft_tool import SYFT

NAME = "syft"
GENERATION = 1


@dataclass(frozen=True, slots=True)
class Syft:
    """Implements ``ports.Scanner``."""

    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version: it has no advisories."""
        return f"{NAME}-{GENERATION} {tool.version(SYFT)}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let syft list the packages."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            try:
                found = syft_report.read(syft_tool.document(image, "syft-json", self.say))
            except Wrong as error:
                raise unreadable(NAME, error, SYFT.words) from error
            return Report(
                scanner=NAME,
                tool=f"syft {found.version}",
                fingerprint=fingerprint,
                subject=tool.same_image(SYFT, found.subject, image),
                platform=image.platform,
                distro=tool.distro(found.family, found.release),
                layers=image.layers,
                packages=tuple(dict.fromkeys(found.packages)),
                notes=("syft lists packages; whether they have vulnerabilities it does not say.",),
            )


def open_scanner(means: Means) -> Syft:
    """The scanner."""
    return Syft(means.say)
