"""The scan policy: which findings stop a release, which are accepted, and until when.

Scanners find, this judges. Whatever it is not sure of counts against the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from modelway.core import licences
from modelway.core.duration import words
from modelway.core.findings import Finding, Fixable, Kind, Origin, Severity
from modelway.core.merge import Merged, joined
from modelway.core.report import Database, Unread
from modelway.core.scan_spec import Policy, ScanSpec, Threshold, Waiver
from modelway.core.severity import Reckoned, published, reckoned
from modelway.core.waivers import here, matches, refusal, usable


class Ruling(StrEnum):
    """What becomes of a finding."""

    STOPS = "stops"
    WAIVED = "waived"
    PASSES = "passes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding, what becomes of it, and why."""

    finding: Finding
    ruling: Ruling
    why: str
    severity: Severity
    """What the policy reckons with."""
    waiver: Waiver | None = None
    """What accepts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy says of an image."""

    judged: tuple[Judged, ...] = ()
    """Every finding, worst first."""
    expired: tuple[Waiver, ...] = ()
    """Each of these stops the release, whatever was found."""
    unused: tuple[Waiver, ...] = ()
    """Valid waivers that match nothing: the finding is gone, or the id is wrong."""
    stale: str = ""
    """Why the advisories are too old to be relied on; empty when they are not."""
    ageing: str = ""
    """Why they soon will be."""
    unread: tuple[Unread, ...] = ()
    """What no scanner could read."""

    @property
    def blocking(self) -> tuple[Judged, ...]:
        """What stops the release."""
        return tuple(one for one in self.judged if one.ruling is Ruling.STOPS)

    @property
    def waived(self) -> tuple[Judged, ...]:
        """What would stop it, and was accepted."""
        return tuple(one for one in self.judged if one.ruling is Ruling.WAIVED)

    @property
    def below(self) -> tuple[Judged, ...]:
        """What the policy lets pass."""
        return tuple(one for one in self.judged if one.ruling is Ruling.PASSES)

    @property
    def ok(self) -> bool:
        """Whether the release may go on."""
        return not (self.blocking or self.expired or self.stale or self.unread)


def judge(merged: Merged, policy: Policy, now: datetime) -> Verdict:
    """Apply a policy to what was found, at a moment; waivers last to the end of their day, in UTC."""
    today = now.astimezone(UTC).date()
    spec = policy.spec
    valid = usable(spec.waivers, policy.environment, today)
    refused = tuple(licences.findings(merged.packages, spec.licences))
    found = joined((*merged.findings, *refused)) if refused else merged.findings
    judged = tuple(_judged(one, policy, valid, now, today) for one in found)
    ages = [(scanner, database) for scanner, database in merged.databases]
    return Verdict(
        judged=tuple(sorted(judged, key=lambda one: -one.severity.rank)),
        expired=tuple(w for w in spec.waivers if w.expires < today and here(w, policy.environment)),
        unused=tuple(w for w in valid if not any(matches(w, finding) for finding in found)),
        stale=next((why for scanner, one in ages if (why := stale(scanner, one, spec, now))), ""),
        ageing=next((why for scanner, one in ages if (why := _ageing(scanner, one, spec, now))), ""),
        unread=(*merged.unread, *_too_few(merged, spec)),
    )


def stale(scanner: str, about: Database, spec: ScanSpec, now: datetime) -> str:
    """Why advisories are too old; empty when they are not."""
    if about.as_of is None:
        return f"The advisories of {scanner} do not say of which day they are."
    if now - about.as_of <= spec.max_database_age:
        return ""
    return f"{_of(scanner, about.as_of, now)}; scan.max_database_age allows {_days(spec.max_database_age)}."


def _ageing(scanner: str, about: Database, spec: ScanSpec, now: datetime) -> str:
    if about.as_of is None or not spec.warn_database_age < now - about.as_of <= spec.max_database_age:
        return ""
    left = spec.max_database_age - (now - about.as_of)
    return f"{_of(scanner, about.as_of, now)}; they count for {_days(left)} more."


def _of(scanner: str, as_of: datetime, now: datetime) -> str:
    return f"The advisories of {scanner} are of {as_of:%Y-%m-%d}, {_days(now - as_of)} ago"


def _too_few(merged: Merged, spec: ScanSpec) -> tuple[Unread, ...]:
    """An image in which hardly anything was seen was not looked at, whatever the tools say."""
    if not merged.databases:
        cure = "list builtin, or another scanner that knows vulnerabilities, under scan.scanners."
        return (Unread(area="packages", what="no scanner compared packages with advisories", cure=cure),)
    if len(merged.packages) >= spec.min_packages:
        return ()
    what = f"{len(merged.packages)} package(s) were seen; scan.min_packages is {spec.min_packages}"
    cure = "use a base image that keeps its package database, or list a scanner that reads this one."
    return (Unread(area="packages", what=what, cure=cure),)


def _judged(
    finding: Finding, policy: Policy, valid: tuple[Waiver, ...], now: datetime, today: date
) -> Judged:
    """What becomes of one finding."""
    level = reckoned(finding, policy.spec, now)
    stops, why = _rule(finding, level, policy.spec, now)
    ruling = Ruling.STOPS if stops else Ruling.PASSES
    judged = Judged(finding=finding, ruling=ruling, why=why, severity=level.severity)
    if not stops or finding.malicious:
        return judged
    refusals = []
    for waiver in (one for one in valid if matches(one, finding)):
        refused = refusal(waiver, finding, level.severity, policy, today)
        if not refused:
            return Judged(
                finding=finding, ruling=Ruling.WAIVED, why=why, severity=level.severity, waiver=waiver
            )
        refusals.append(refused)
    if refusals:
        why = f"{why}; {refusals[0]}"
    return Judged(finding=finding, ruling=ruling, why=why, severity=level.severity)


def _rule(finding: Finding, level: Reckoned, spec: ScanSpec, now: datetime) -> tuple[bool, str]:
    """Whether a finding stops the release, waivers aside, and why or why not."""
    if finding.malicious:
        return True, "the package is malicious; this cannot be waived"
    if always := _always(finding, spec):
        return True, always
    if finding.kind is Kind.LICENCE:
        return _licence(finding, spec)
    name, threshold = _threshold(finding, spec)
    said = f"{level.severity} ({level.why})" if level.why else str(level.severity)
    if "counted as" in level.why:
        said = level.why
    limit = f"{name} is {threshold}"
    if threshold == "off" or level.severity.rank < Severity(threshold).rank:
        return False, f"{said}; {limit}"
    if finding.kind is Kind.VULNERABILITY and (excuse := _excuse(finding, level.severity, spec, now)):
        return False, f"{said}; {excuse}"
    return True, f"{said}; {limit}"


def _always(finding: Finding, spec: ScanSpec) -> str:
    """What stops whatever the severity is; empty when nothing does."""
    used = finding.exploited
    if spec.known_exploited and used:
        due = f", to be mended by {used.due}" if used.due else ""
        return f"attackers are known to use it ({used.source}{due})"
    if spec.epss is not None and finding.epss and finding.epss.score >= spec.epss:
        return f"EPSS {finding.epss.score:g}: likely to be used by attackers; scan.epss is {spec.epss:g}"
    return ""


def _licence(finding: Finding, spec: ScanSpec) -> tuple[bool, str]:
    """Licences go by their names; a tool's own opinion of them is shown and does not count."""
    if finding.severity_source == "policy" or not licences.passes(finding.id, spec.licences):
        return True, "scan.licences does not let it pass"
    return False, "scan.licences lets it pass"


def _threshold(finding: Finding, spec: ScanSpec) -> tuple[str, Threshold]:
    """The limit that counts for a finding, and its name."""
    of_base = finding.kind is Kind.VULNERABILITY and finding.origin is Origin.BASE
    if of_base and spec.base_image is not None:
        return "the base image brings it, and base_image", spec.base_image
    return spec.threshold(finding.kind)


def _excuse(finding: Finding, severity: Severity, spec: ScanSpec, now: datetime) -> str:
    """Why a vulnerability that is bad enough passes all the same."""
    if spec.only_fixable and finding.fixable is Fixable.NO:
        return "no fixed version exists, and only_fixable is true"
    if spec.only_fixable and finding.fixable is Fixable.UNKNOWN and spec.unknown_fix == "pass":
        return "nobody knows of a fixed version, and unknown_fix is pass"
    allowed, since = spec.grace.get(severity), published(finding)
    if allowed and since and since <= now < since + allowed:
        return f"grace.{severity} of {words(allowed)} ends on {since + allowed:%Y-%m-%d}"
    return ""


def _days(span: timedelta) -> str:
    """A time span in words."""
    if span < timedelta(days=1):
        return f"{span.total_seconds() / 3600:.0f} hours"
    return f"{span.days} day{'s' if span.days != 1 else ''}"
