"""The scan policy: which findings stop a release, which are accepted, and until when.

Scanners find, this judges. Whatever it is not sure of counts against the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from modelway.core.config import ScanSpec, Waiver
from modelway.core.findings import Finding, Fixable, Severity
from modelway.core.json import Json, JsonObject
from modelway.core.report import Report, Unread
from modelway.core.report_json import unread_json

UNKNOWN_GRACE = timedelta(days=7)
"""A severity nobody gave counts as medium while an advisory is this young, as high afterwards."""
SUGGESTED = timedelta(days=30)
"""How long a suggested waiver lasts."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """A finding that stops the release, and why."""

    finding: Finding
    why: str


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that would stop the release, and the waiver that accepts it."""

    finding: Finding
    waiver: Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy says of a report."""

    blocking: tuple[Blocking, ...] = ()
    waived: tuple[Waived, ...] = ()
    below: tuple[Finding, ...] = ()
    """Findings the policy lets pass."""
    expired: tuple[Waiver, ...] = ()
    """Each of these stops the release, whatever was found."""
    unused: tuple[Waiver, ...] = ()
    """Valid waivers that match nothing: the finding is gone, or the id is wrong."""
    stale: str = ""
    """Why the advisories are too old to be relied on; empty when they are not."""
    unread: tuple[Unread, ...] = ()
    """What no scanner could read."""

    @property
    def ok(self) -> bool:
        """Whether the release may go on."""
        return not (self.blocking or self.expired or self.stale or self.unread)


def judge(report: Report, spec: ScanSpec, now: datetime) -> Verdict:
    """Apply a policy to a report at a moment; waivers last to the end of their day, in UTC."""
    today = now.astimezone(UTC).date()
    valid = tuple(waiver for waiver in spec.waivers if waiver.expires >= today)
    blocking: list[Blocking] = []
    waived: list[Waived] = []
    below: list[Finding] = []
    for finding in report.findings:
        why = _why(finding, spec, now)
        waiver = None if finding.malicious else _waiver(finding, valid)
        if not why:
            below.append(finding)
        elif waiver:
            waived.append(Waived(finding, waiver))
        else:
            blocking.append(Blocking(finding, why))
    return Verdict(
        blocking=tuple(blocking),
        waived=tuple(waived),
        below=tuple(below),
        expired=tuple(waiver for waiver in spec.waivers if waiver.expires < today),
        unused=tuple(w for w in valid if not any(_matches(w, finding) for finding in report.findings)),
        stale=stale(report, spec, now),
        unread=report.unread,
    )


def stale(report: Report, spec: ScanSpec, now: datetime) -> str:
    """Why the advisories are too old; empty when they are not."""
    if report.database is None:
        return ""
    as_of = report.database.as_of
    if as_of is None:
        return "The advisories do not say of which day they are."
    age = now - as_of
    if age <= spec.max_database_age:
        return ""
    allowed = _days(spec.max_database_age)
    return (
        f"The advisories are of {as_of:%Y-%m-%d}, {_days(age)} ago; scan.max_database_age allows {allowed}."
    )


def suggestion(finding: Finding, today: date) -> str:
    """A waiver to paste under ``scan.waivers``; its reason is too short on purpose."""
    package = finding.package
    lines = (
        f"- id: {finding.id}",
        f"  package: {package.source_name or package.name}" if package else "",
        "  reason: TODO",
        f"  expires: {today + SUGGESTED}",
    )
    return "\n".join(line for line in lines if line)


def effective(finding: Finding, now: datetime) -> Severity:
    """The severity the policy reckons with."""
    if finding.severity is not Severity.UNKNOWN:
        return finding.severity
    try:
        published = datetime.fromisoformat(finding.published)
    except ValueError:
        return Severity.HIGH
    if published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Severity.MEDIUM if now - published < UNKNOWN_GRACE else Severity.HIGH


def _why(finding: Finding, spec: ScanSpec, now: datetime) -> str:
    """Why a finding stops the release, waivers aside; empty when it does not."""
    if finding.malicious:
        return "the package is malicious; this cannot be waived"
    severity = effective(finding, now)
    if spec.fail_on == "off" or severity.rank < Severity(spec.fail_on).rank:
        return ""
    if spec.only_fixable and finding.fixable is Fixable.NO:
        return ""
    said = f"{severity}" if finding.severity is severity else f"severity unknown, counted as {severity}"
    return f"{said}; fail_on is {spec.fail_on}"


def _waiver(finding: Finding, waivers: tuple[Waiver, ...]) -> Waiver | None:
    """The first waiver that accepts a finding."""
    return next((waiver for waiver in waivers if _matches(waiver, finding)), None)


def _matches(waiver: Waiver, finding: Finding) -> bool:
    """By any name of the vulnerability; a package narrows it to that package or its source."""
    if waiver.id.casefold() not in {name.casefold() for name in finding.names}:
        return False
    package = finding.package
    if waiver.package is None or package is None:
        return waiver.package is None
    return _plain(waiver.package) in {_plain(package.name), package.source_name}


def _plain(name: str) -> str:
    """A package's name as people may spell it."""
    return name.casefold().replace("_", "-")


def _days(span: timedelta) -> str:
    """A time span in words."""
    if span < timedelta(days=1):
        return f"{span.total_seconds() / 3600:.0f} hours"
    return f"{span.days} day{'s' if span.days != 1 else ''}"


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several scanners' verdicts: whatever stops one stops the release."""
    first, *others = verdicts
    unused = tuple(w for w in first.unused if all(w in other.unused for other in others))
    return Verdict(
        blocking=tuple(one for verdict in verdicts for one in verdict.blocking),
        waived=tuple(one for verdict in verdicts for one in verdict.waived),
        below=tuple(one for verdict in verdicts for one in verdict.below),
        expired=first.expired,
        unused=unused,
        stale=next((verdict.stale for verdict in verdicts if verdict.stale), ""),
        unread=tuple(one for verdict in verdicts for one in verdict.unread),
    )


def verdict_json(verdict: Verdict) -> JsonObject:
    """A verdict as JSON; findings by id and package, as the report has them whole."""
    return {
        "ok": verdict.ok,
        "stale": verdict.stale,
        "unread": [unread_json(one) for one in verdict.unread],
        "blocking": [{**_named(one.finding), "why": one.why} for one in verdict.blocking],
        "waived": [{**_named(one.finding), **_waiver_json(one.waiver)} for one in verdict.waived],
        "below": [_named(one) for one in verdict.below],
        "expired": [{"id": one.id, **_waiver_json(one)} for one in verdict.expired],
        "unused": [{"id": one.id, **_waiver_json(one)} for one in verdict.unused],
    }


def _named(finding: Finding) -> dict[str, Json]:
    return {
        "id": finding.id,
        "package": finding.thing,
        "installed": finding.installed,
        "fixed_in": finding.fixed_in,
        "severity": str(finding.severity),
        "path": finding.path,
    }


def _waiver_json(waiver: Waiver) -> dict[str, Json]:
    return {"reason": waiver.reason, "expires": str(waiver.expires)}
