"""How bad a finding is to a policy: whose rating counts, and what a missing one counts as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from modelway.core.findings import Finding, Kind, Rating, Severity
from modelway.core.scan_spec import ANY, VENDOR, ScanSpec

_RATERS = {
    "GHSA-": "ghsa",
    "PYSEC-": "pypa",
    "DEBIAN-": "debian",
    "DSA-": "debian",
    "DLA-": "debian",
    "UBUNTU-": "ubuntu",
    "USN-": "ubuntu",
    "ALPINE-": "alpine",
    "ALAS": "amazon",
    "RHSA-": "redhat",
    "CVE-": "nvd",
    "NVD": "nvd",
}
_VENDORS = ("debian", "ubuntu", "alpine", "amazon", "redhat", "rocky", "alma", "oracle", "suse", "wolfi")
_WORDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
"""CVSS 3.1 specification, section 5: qualitative severity rating scale."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A severity, and how it came about in a few words; empty where there is nothing to say."""

    severity: Severity
    why: str


def reckoned(finding: Finding, spec: ScanSpec, now: datetime) -> Reckoned:
    """What the policy reckons with."""
    chosen = _chosen(finding, spec.severity_from)
    floor = _floor(finding, spec)
    if floor and floor.severity.rank > chosen.severity.rank:
        return floor
    if chosen.severity is Severity.UNKNOWN:
        return _unknown(finding, spec, now)
    return chosen


def rater(source: str) -> str:
    """Who stands behind a rating's source: ``ghsa``, ``nvd``, ``debian`` or its first word."""
    known = next((name for prefix, name in _RATERS.items() if source.upper().startswith(prefix)), "")
    return known or source.casefold().replace(":", " ").split(" ")[0]


def _chosen(finding: Finding, order: tuple[str, ...]) -> Reckoned:
    """The rating of the first source that has one; the tools' word where none is named or none has."""
    known = [one for one in finding.ratings if _word(one) is not Severity.UNKNOWN]
    for wanted in order:
        said = [one for one in known if _is_by(one, wanted)]
        if said:
            worst = max(said, key=lambda one: _word(one).rank)
            if wanted == ANY and finding.severity.rank > _word(worst).rank:
                break  # the tool's own word is one, too, and no rating tells it
            return Reckoned(_word(worst), worst.source)
    return Reckoned(finding.severity, finding.severity_source)


def _is_by(rating: Rating, wanted: str) -> bool:
    who = rater(rating.source)
    return wanted in {ANY, who} or (wanted == VENDOR and who.startswith(_VENDORS))


def _word(rating: Rating) -> Severity:
    """A rating's word; its score's where there is only that."""
    if rating.severity is not Severity.UNKNOWN or rating.score is None:
        return rating.severity
    return next((word for least, word in _WORDS if rating.score >= least), Severity.NEGLIGIBLE)


def _floor(finding: Finding, spec: ScanSpec) -> Reckoned | None:
    """The worst severity that a score demands, whoever gave it."""
    scored = [(one.score, one.source) for one in finding.ratings if one.score is not None]
    demanded = [
        Reckoned(severity, f"CVSS {score:g} by {source}, and floors.{severity} is {least:g}")
        for severity, least in spec.floors.items()
        for score, source in scored
        if score >= least
    ]
    return max(demanded, key=lambda one: one.severity.rank, default=None)


def _unknown(finding: Finding, spec: ScanSpec, now: datetime) -> Reckoned:
    """What counts where nobody gave a severity; one less while a vulnerability is young."""
    counted = spec.unknown_severity
    age = published(finding)
    young = age is not None and now - age < spec.unknown_severity_after
    if finding.kind is Kind.VULNERABILITY and young and counted is not Severity.NEGLIGIBLE:
        counted = _less(counted)
    return Reckoned(counted, f"severity unknown, counted as {counted}")


def _less(severity: Severity) -> Severity:
    order = list(Severity)
    return order[order.index(severity) + 1]


def published(finding: Finding) -> datetime | None:
    """When a finding became known; ``None`` where nobody says."""
    try:
        at = datetime.fromisoformat(finding.published)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
