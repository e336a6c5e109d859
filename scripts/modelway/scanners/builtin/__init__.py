"""The scanner that needs nothing: package inventory in pure Python, matched with a local OSV index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelway.core.findings import Package
from modelway.core.report import Database, ImageLayer, Read, Report, Unread
from modelway.scanners.means import Means

NAME = "builtin"
GENERATION = 3
"""Raised when the same image and advisories begin to give another report, so that no old one is reused."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """Implements ``ports.Scanner``."""

    database: Path

    def fingerprint(self) -> str:
        """The generation of the scanner and the digest of its advisories."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        with open_index(self.database) as index:
            return fingerprint(index.about)

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Take the inventory, then ask the index about every package."""
        from modelway.scanners.builtin.archive import read_archive  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)
        from modelway.scanners.builtin.inventory import take_inventory  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.match import match  # noqa: PLC0415  (at first use)

        with open_index(self.database) as index:
            image = read_archive(archive, platform=platform)
            inventory = take_inventory(image.layers)
            matched = match(inventory, index)
            unread = (*inventory.unread, *matched.unread)
            return Report(
                scanner=NAME,
                fingerprint=fingerprint(index.about),
                subject=image.config,
                platform=image.platform,
                distro=inventory.distro,
                packages=inventory.packages,
                findings=matched.findings,
                database=index.about,
                layers=tuple(ImageLayer(diff_id=diff_id) for diff_id, _ in image.layers),
                read=tuple(one for one in counted(inventory.packages) if one.area not in areas(unread)),
                unread=unread,
                notes=(*inventory.notes, *matched.notes),
            )


def counted(packages: Sequence[Package]) -> Iterator[Read]:
    """How many packages of each ecosystem were read."""
    counts = Counter(package.ecosystem for package in packages)
    for ecosystem in sorted(counts):
        yield Read(area=f"packages:{ecosystem}", count=counts[ecosystem])


def areas(unread: Sequence[Unread]) -> frozenset[str]:
    """What was not read whole: packages that nobody judged do not count as read."""
    return frozenset(one.area for one in unread)


def fingerprint(about: Database) -> str:
    """What a report depends on beside the image."""
    return f"{NAME}-{GENERATION} {about.digest}"


def open_scanner(means: Means) -> Builtin:
    """The scanner, with this machine's index."""
    return Builtin(means.database)
