"""What stops a release, as a file says it: a config, one of its environments, the organisation's policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Literal, TypeAlias

from modelway.core.ecr_scan import EcrScan
from modelway.core.findings import Kind, Severity

Threshold: TypeAlias = Literal["critical", "high", "medium", "low", "negligible", "off"]
"""Findings of this severity or above stop the release; ``off`` stops nothing."""
Doubt: TypeAlias = Literal["fail", "pass"]
"""What is done about something nobody knows."""

ANY = "any"
"""In ``severity_from``: whoever says the worst."""
VENDOR = "vendor"
"""In ``severity_from``: the distribution that made the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One finding accepted until a date, with a reason somebody reviewed."""

    id: str
    """Any of its names."""
    reason: str
    expires: date
    """The last day it counts, in UTC."""
    package: str | None = None
    """Only for this package, or what was built from this source package."""
    path: str | None = None
    """Only for files that match: ``*`` and ``?`` as in a shell."""
    fingerprint: str | None = None
    """Only for this secret."""
    environments: tuple[str, ...] = ()
    """Only on the way into these; into all, when none is named."""
    until_fixed: bool = False
    """Ends before its date as soon as a fixed version exists."""
    owner: str = ""
    approver: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licences:
    """Which licences packages of the application may have; those of the distribution are its own affair."""

    deny: tuple[str, ...] = ()
    """SPDX identifiers, or words as the metadata has them; ``*`` stands for anything."""
    allow: tuple[str, ...] = ()
    """When any is named, all others stop the release."""
    unknown: Doubt = "pass"
    """For packages that name none."""

    @property
    def asked(self) -> bool:
        """Whether anything could be stopped by them."""
        return bool(self.deny or self.allow or self.unknown == "fail")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSpec:
    """What stops a release."""

    scanners: tuple[str, ...] = ("builtin",)
    fail_on: Threshold = "high"
    """For vulnerabilities."""
    base_image: Threshold | None = None
    """For vulnerabilities the base image brings; ``None`` means ``fail_on``."""
    only_fixable: bool = False
    """Vulnerabilities without a fixed version pass."""
    unknown_fix: Doubt = "fail"
    """With ``only_fixable``: what is done where nobody knows whether there is a fix."""
    severity_from: tuple[str, ...] = ()
    """Whose rating counts, the first that has one; without names, the worst word of the tools."""
    floors: Mapping[Severity, float] = field(default_factory=dict)
    """A CVSS score of this or more, whoever gives it, counts as at least this severity."""
    unknown_severity: Severity = Severity.HIGH
    """What a severity nobody gave counts as; as one less while the advisory is young."""
    unknown_severity_after: timedelta = timedelta(days=7)
    """How long it is young."""
    grace: Mapping[Severity, timedelta] = field(default_factory=dict)
    """How long after publication a vulnerability of a severity does not stop yet."""
    known_exploited: bool = True
    """What attackers are known to use stops, whatever its severity, fix and age."""
    epss: float | None = None
    """So does what FIRST thinks at least this likely to be used within 30 days."""
    secrets: Threshold = "high"
    misconfigurations: Threshold = "high"
    unsafe_models: Threshold = "high"
    end_of_life: Threshold = "high"
    licences: Licences = Licences()
    min_packages: int = 1
    """Fewer packages than this are no scan: something was not seen."""
    max_database_age: timedelta = timedelta(days=7)
    warn_database_age: timedelta = timedelta(days=3)
    waivers: tuple[Waiver, ...] = ()
    ecr: EcrScan | None = None
    """What is wanted of ECR's own scan; ``None`` where it is not waited for."""
    said: frozenset[str] = frozenset()
    """The fields somebody wrote; the others are defaults, which bind nobody."""

    def threshold(self, kind: Kind) -> tuple[str, Threshold]:
        """The field that says what stops for a kind, and what it says."""
        match kind:
            case Kind.VULNERABILITY:
                return "fail_on", self.fail_on
            case Kind.SECRET:
                return "secrets", self.secrets
            case Kind.MISCONFIGURATION:
                return "misconfigurations", self.misconfigurations
            case Kind.UNSAFE_MODEL:
                return "unsafe_models", self.unsafe_models
            case Kind.END_OF_LIFE:
                return "end_of_life", self.end_of_life
            case Kind.LICENCE:
                return "licences", "off"  # by their names, not by a severity


RULES: tuple[str, ...] = tuple(
    one.name for one in fields(ScanSpec) if one.name not in {"waivers", "ecr", "said"}
)
"""The fields that can be tightened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRules:
    """What an organisation asks of waivers."""

    max_days: int = 365
    """How far ahead a waiver may end."""
    max_days_critical: int | None = None
    """The same for critical findings."""
    require: tuple[str, ...] = ()
    """Of ``owner``, ``approver``, ``ticket``: what each waiver must name."""
    never: tuple[str, ...] = ()
    """What cannot be waived: ids, kinds of findings, or ``known_exploited``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The organisation's policy: configs tighten it and cannot loosen it."""

    scan: ScanSpec = ScanSpec()
    environments: Mapping[str, ScanSpec] = field(default_factory=dict)
    waiver_rules: WaiverRules = WaiverRules()
    path: str = ""
    """Where it was read from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a report is judged by, everything put together."""

    spec: ScanSpec = ScanSpec()
    environment: str | None = None
    """The environment the image is to go to; ``None`` before it goes anywhere."""
    waiver_rules: WaiverRules = WaiverRules()
    source: str = ""
    """Where it was read from, for people."""
