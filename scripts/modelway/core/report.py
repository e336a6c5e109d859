"""The report of one scanner on one image: what it read, what it could not read, what it found.

``core.merge`` makes one list of several reports, ``core.policy`` judges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelway.core.findings import Finding, Origin, Package
from modelway.core.image import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The advisories a scan used."""

    sources: tuple[str, ...]
    """File names or addresses they came from; the name of a tool's own database."""
    built: datetime
    as_of: datetime | None
    """The day the records speak for: their age is counted from here. ``None`` when nothing says."""
    newest_modified: datetime | None = None
    """The newest change among the records."""
    digest: Digest | None = None
    """Of the records, whatever order they came in; ``None`` where the tool does not say."""
    records: int = 0
    ecosystems: tuple[tuple[str, int], ...] = ()
    """Affected packages for each ecosystem OSV names, as in ``("Debian:12", 812)``."""
    also: tuple[tuple[str, str], ...] = ()
    """What else it knows, and of which day (ISO 8601): ``("CISA KEV", "2026-11-20")``."""
    note: str = ""
    """What a reader of the report must know of these advisories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Something a scanner looked through."""

    area: str
    """``packages:deb`` (the ecosystem), ``secrets``, ``dockerfile``, ``image-config``, ``models``,
    ``licences``, ``distribution``."""
    count: int
    """Packages, files, rules: however many there were. 0 is an answer too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Something that should have been looked through and could not be: never a pass."""

    area: str
    """As in ``Read``. Another scanner that read the area makes up for it, unless a path is given."""
    what: str
    """What could not be read, and why, in one line."""
    cure: str = ""
    """What would read it: another scanner's name, another base image."""
    path: str = ""
    """The one file or layer it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageLayer:
    """One layer of the image, lowest first in a report."""

    diff_id: str
    created_by: str = ""
    """The instruction that made it, as the image's history has it."""
    origin: Origin = Origin.UNKNOWN
    """Whose it is; not the scanner's to say: ``core.origin`` fills it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All one scanner has to say of one image; the same inputs give the same report."""

    scanner: str
    """Its name in ``scan.scanners``."""
    tool: str = ""
    """The tool behind it, and its version, where it is not modelway itself."""
    fingerprint: str
    """The scanner's version and advisories: equal ones need no second scan."""
    subject: Digest
    """The image config's digest, recomputed from the archive."""
    platform: str
    distro: str = ""
    """As OSV names it: ``Debian:12``; empty where there is no distribution."""
    layers: tuple[ImageLayer, ...] = ()
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    database: Database | None = None
    """``None`` only where nothing was compared with advisories: a scanner of secrets has none."""
    read: tuple[Read, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be compared, each in one line; nothing that would change the verdict."""
