"""What scanners find in an image: packages, and findings about them or about files.

Every scanner fills the same values, whatever it looks for, and hands them back in a ``core.report.Report``.
What a scanner does not know stays empty: it never guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of thing was found."""

    VULNERABILITY = "vulnerability"
    SECRET = "secret"  # noqa: S105  (a word, no secret)
    MISCONFIGURATION = "misconfiguration"
    """Of a Dockerfile or of the image's config."""
    UNSAFE_MODEL = "unsafe_model"
    """A model file that runs code when it is loaded."""
    LICENCE = "licence"
    END_OF_LIFE = "end_of_life"
    """A distribution nobody mends any more."""


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
    """Nobody says: the advisory names the last bad version only, or the tool knows no fixes."""


class Origin(StrEnum):
    """Who brought it into the image."""

    BASE = "base"
    OWN = "own"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """What a location's file is a path in."""

    IMAGE = "image"
    CONFIG = "config"
    """The image's config: the file is the part of it, as in ``config.Env.API_TOKEN``."""
    REPOSITORY = "repository"
    """A file of the repository, relative to its root."""
    ARTIFACT = "artifact"
    """A member of the model artifact's archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One installed package."""

    ecosystem: str
    """The type of its package URL: ``deb``, ``apk``, ``rpm``, ``pypi``, ``conda``, ``npm``; empty where a
    tool only says that the operating system brought it."""
    name: str
    """As its ecosystem compares names: PEP 503 for ``pypi``."""
    version: str
    """As its ecosystem writes it, an epoch other than 0 included."""
    source_name: str = ""
    """The source package it was built from, which a distribution's advisories name."""
    source_version: str = ""
    path: str = ""
    """The file in the image that says so, absolute."""
    layer: str = ""
    """The diff id of the layer that file came with."""
    owner: str = ""
    """The package that installed this one; its distribution's advisories speak for both."""
    purl: str = ""
    """Its package URL as the tool wrote it; empty where it follows from the rest."""
    licences: tuple[str, ...] = ()
    """SPDX expressions where its metadata has them, its own words otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where something lies."""

    place: Place = Place.IMAGE
    file: str
    """Absolute in an image; see ``Place`` for the others."""
    line: int = 0
    """From 1; 0 where there is none, or nobody said."""
    layer: str = ""
    """The diff id of the layer it came with."""
    deleted: bool = False
    """A later layer deletes or replaces it; whoever has the image still has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What one source says of the severity."""

    source: str
    """The record's id, as in ``GHSA-m2qf-hxjv-5gpq``, or who rates: ``nvd``, ``debian``, ``redhat``."""
    severity: Severity
    score: float | None = None
    """CVSS base score."""
    vector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploited:
    """Somebody says that it is used by attackers."""

    source: str
    """Who: ``CISA KEV``, ``inspector``."""
    added: str = ""
    """The day it was listed, ISO 8601."""
    due: str = ""
    """The day by which the list wants it mended, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epss:
    """FIRST's estimate that it is used by attackers within 30 days."""

    score: float
    """0 to 1."""
    percentile: float | None = None
    """0 to 1: the share of all vulnerabilities that are less likely."""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What gave it away, harmless to show (``core.masked`` makes it)."""

    masked: str
    """The text with the secret part masked; of a model file, the opcode and what it names."""
    fingerprint: str = ""
    """Equal for equal secrets, says nothing of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtBy:
    """The line of the repository that brings it into the image."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a scanner found: in a package, or at a location."""

    kind: Kind = Kind.VULNERABILITY
    id: str
    """The CVE's id where there is one; otherwise the rule's, as in ``DL3002`` or ``aws-access-key``."""
    aliases: tuple[str, ...] = ()
    """Its other names, sorted: names of the same thing, never of a bundle it is one part of."""
    package: Package | None = None
    """The package that has it; one of the report's."""
    location: Location | None = None
    """Where it lies, where that is not the package's own file."""
    fixed_in: str = ""
    """The nearest version above the installed one that every advisory calls fixed."""
    fixed_versions: tuple[str, ...] = ()
    """Every fixed version anybody names."""
    fixable: Fixable = Fixable.UNKNOWN
    severity: Severity
    severity_source: str = ""
    """Whose rating that is."""
    ratings: tuple[Rating, ...] = ()
    """Every rating there is."""
    title: str = ""
    urls: tuple[str, ...] = ()
    published: str = ""
    """RFC 3339; empty when unknown."""
    modified: str = ""
    exploited: Exploited | None = None
    epss: Epss | None = None
    malware: bool = False
    """The tool says that the package itself is malicious; see ``malicious``."""
    inexact: bool = False
    """A version could not be compared, so the package was counted as affected."""
    evidence: Evidence | None = None
    remark: str = ""
    """What else the tool says: that the vendor will not mend it, that the tool's own rules hide it."""
    sources: tuple[str, ...] = ()
    """The tools that found it, as ``scan.scanners`` calls them."""
    origin: Origin = Origin.UNKNOWN
    """Not the scanner's to say: ``core.origin`` fills it, ``brought_by`` too."""
    brought_by: BroughtBy | None = None

    @property
    def names(self) -> frozenset[str]:
        """All names it has."""
        return frozenset((self.id, *self.aliases))

    @property
    def malicious(self) -> bool:
        """Whether the package itself is malware (OpenSSF malicious-packages ids, or the tool's word)."""
        return self.malware or any(name.startswith("MAL-") for name in self.names)

    @property
    def thing(self) -> str:
        """What has it, in a word: the package, or the file."""
        if self.package:
            return self.package.name
        return self.location.file if self.location else ""

    @property
    def installed(self) -> str:
        """The installed version; empty where no package has it."""
        return self.package.version if self.package else ""

    @property
    def path(self) -> str:
        """The file that shows it: the location's, otherwise the package's."""
        if self.location:
            return self.location.file
        return self.package.path if self.package else ""
