"""What a scanner found in an image: packages, findings, and the report that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelway.core.image import Digest


class Severity(StrEnum):
    """How bad it is, worst first. ``unknown`` is no verdict; the policy says what it counts as."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Greater is worse; ``unknown`` is below all others."""
        return len(_ORDER) - _ORDER.index(self)


_ORDER = tuple(Severity)


class Fixable(StrEnum):
    """Whether a version without the vulnerability exists."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The advisory names the last bad version and no good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One installed package."""

    ecosystem: str
    """The type of its package URL: ``deb``, ``pypi``."""
    name: str
    """As its ecosystem compares names: PEP 503 for ``pypi``."""
    version: str
    source_name: str = ""
    """The source package it was built from, which Debian's advisories name."""
    source_version: str = ""
    path: str = ""
    """The file in the image that says so."""
    layer: str = ""
    """The diff id of the layer that file came with."""
    owner: str = ""
    """The package that installed this one; its distribution's advisories speak for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one source says of the severity."""

    source: str
    """The record's id, as in ``GHSA-m2qf-hxjv-5gpq``."""
    severity: Severity
    score: float | None = None
    """CVSS base score."""
    vector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One vulnerability of one installed package."""

    id: str
    """The CVE's id where there is one."""
    aliases: tuple[str, ...] = ()
    """Its other names, sorted."""
    package: Package
    fixed_in: str = ""
    """The nearest version above the installed one that every advisory calls fixed."""
    fixable: Fixable
    severity: Severity
    severity_source: str = ""
    """Whose rating that is."""
    ratings: tuple[Rating, ...] = ()
    """Every rating there is."""
    title: str = ""
    urls: tuple[str, ...] = ()
    published: str = ""
    """RFC 3339; empty when unknown."""
    inexact: bool = False
    """A version could not be compared, so the package was counted as affected."""

    @property
    def names(self) -> frozenset[str]:
        """All names of the vulnerability."""
        return frozenset((self.id, *self.aliases))

    @property
    def malicious(self) -> bool:
        """Whether the package itself is malware (OpenSSF malicious-packages ids)."""
        return any(name.startswith("MAL-") for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The advisories a scan used."""

    sources: tuple[str, ...]
    """File names or addresses they came from."""
    built: datetime
    as_of: datetime | None
    """The day the records speak for: their age is counted from here. ``None`` when nothing says."""
    newest_modified: datetime | None
    """The newest change among the records."""
    digest: Digest
    """Of the records, whatever order they came in."""
    records: int
    ecosystems: tuple[tuple[str, int], ...]
    """Affected packages for each ecosystem OSV names, as in ``("Debian:12", 812)``."""
    note: str = ""
    """What a reader of the report must know of these advisories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All a scanner has to say of one image; the same inputs give the same report."""

    scanner: str
    fingerprint: str
    """The scanner's version and advisories: equal ones need no second scan."""
    subject: Digest
    """The image config's digest, recomputed from the archive."""
    platform: str
    distro: str = ""
    """As OSV names it: ``Debian:12``; empty where there is no distribution."""
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    database: Database
    notes: tuple[str, ...] = ()
    """What could not be compared or read, each in one line."""
