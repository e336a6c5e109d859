"""The scanner that needs nothing: package inventory in pure Python, matched with a local OSV index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from modelway.core.findings import Package
from modelway.core.report import Database, Read, Report, Unread
from modelway.scanners.means import Means

if TYPE_CHECKING:
    from modelway.core.config import ModelConfig
    from modelway.scanners.builtin.configuration.dockerfile import Source

NAME = "builtin"
GENERATION = 4
"""Raised when the same image and advisories begin to give another report, so that no old one is reused."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """Implements ``ports.Scanner``."""

    database: Path
    config: ModelConfig | None = None
    """What the image is for; without it, packages are all that is looked at."""
    root: Path = Path()
    """The repository the config's paths are relative to."""

    def fingerprint(self) -> str:
        """The generation of the scanner, its advisories, and the Dockerfile it looks at."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        with open_index(self.database) as index:
            return fingerprint(index.about, beside(self.config, self._source()))

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Read the image once, take the inventory, then ask the index about every package."""
        from modelway.scanners.builtin.archive import read_archive  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.content import Looker  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.findings import Seen, image_layers, look  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)
        from modelway.scanners.builtin.inventory import take_inventory  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.lifetime import ended, ending  # noqa: PLC0415  (at first use)
        from modelway.scanners.builtin.match import match  # noqa: PLC0415  (at first use)

        with open_index(self.database) as index:
            image = read_archive(archive, platform=platform, watching=Looker if self.config else None)
            inventory = take_inventory(image.layers)
            matched = match(inventory, index)
            source = self._source()
            seen = look(image.layers, image.document, self.config, source) if self.config else Seen()
            unread = (*inventory.unread, *matched.unread, *seen.unread)
            today = index.about.as_of or index.about.built  # no clock: the same inputs give the same report
            return Report(
                scanner=NAME,
                fingerprint=fingerprint(index.about, beside(self.config, source)),
                subject=image.config,
                platform=image.platform,
                distro=inventory.distro,
                packages=inventory.packages,
                findings=(*matched.findings, *ended(inventory.distro, today), *seen.findings),
                database=index.about,
                layers=image_layers(image.layers, image.document),
                read=(*_whole(counted(inventory.packages), unread), *seen.read),
                unread=unread,
                notes=(*inventory.notes, *matched.notes, *ending(inventory.distro, today), *seen.notes),
            )

    def _source(self) -> Source | None:
        """The Dockerfile the image is built from, where it is built here."""
        from modelway.scanners.builtin.configuration.source import source_of  # noqa: PLC0415  (at first use)

        return source_of(self.config, self.root) if self.config else None


def counted(packages: Sequence[Package]) -> Iterator[Read]:
    """How many packages of each ecosystem were read."""
    counts = Counter(package.ecosystem for package in packages)
    for ecosystem in sorted(counts):
        yield Read(area=f"packages:{ecosystem}", count=counts[ecosystem])


def areas(unread: Sequence[Unread]) -> frozenset[str]:
    """What was not read whole: packages that nobody judged do not count as read."""
    return frozenset(one.area for one in unread)


def _whole(counts: Iterator[Read], unread: Sequence[Unread]) -> Iterator[Read]:
    """What was read to its end."""
    return (one for one in counts if one.area not in areas(unread))


def fingerprint(about: Database, beside: str) -> str:
    """What a report depends on beside the image."""
    return f"{NAME}-{GENERATION} {about.digest} {beside}"


def beside(config: ModelConfig | None, source: Source | None) -> str:
    """The Dockerfile, and where requests will come, as a short hash."""
    places = config.environments.values() if config else ()
    asked = sorted(
        (one.target, str(one.settings.get("port")), "health_check" in one.settings) for one in places
    )
    told = repr((source, config and config.path, asked)).encode("utf-8", "backslashreplace")
    return sha256(told).hexdigest()[:16]


def open_scanner(means: Means) -> Builtin:
    """The scanner, with this machine's index."""
    return Builtin(means.database, means.config, means.root)
