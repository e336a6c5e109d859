"""The scanner that needs nothing: package inventory in pure Python, matched with a local OSV index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelway.core.findings import Report
from modelway.scanners.means import Means

NAME = "builtin"
GENERATION = 1
"""Raised when the same image and advisories begin to give another report, so that no old one is reused."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """Implements ``ports.Scanner``."""

    database: Path

    def fingerprint(self) -> str:
        """The generation of the scanner and the digest of its advisories."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        with open_index(self.database) as index:
            return fingerprint(index.about.digest.hex)

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Take the inventory, then ask the index about every package."""
        from modelway.scanners.builtin.archive import read_archive  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)
        from modelway.scanners.builtin.inventory import take_inventory  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.match import match  # noqa: PLC0415  (at first use)

        with open_index(self.database) as index:
            image = read_archive(archive, platform=platform)
            inventory = take_inventory(image.layers)
            findings, notes = match(inventory, index)
            return Report(
                scanner=NAME,
                fingerprint=fingerprint(index.about.digest.hex),
                subject=image.config,
                platform=image.platform,
                distro=inventory.distro,
                packages=inventory.packages,
                findings=findings,
                database=index.about,
                notes=(*inventory.notes, *notes),
            )


def fingerprint(digest: str) -> str:
    """What a report depends on beside the image."""
    return f"{NAME}-{GENERATION} {digest}"


def open_scanner(means: Means) -> Builtin:
    """The scanner, with this machine's index."""
    return Builtin(means.database)
