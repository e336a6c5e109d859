"""Which waiver accepts which finding, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase

from modelway.core.findings import Finding, Fixable, Kind, Severity
from modelway.core.scan_spec import Policy, Waiver, WaiverRules

SUGGESTED = timedelta(days=30)
"""How long a suggested waiver lasts."""
KNOWN_EXPLOITED = "known_exploited"


def matches(waiver: Waiver, finding: Finding) -> bool:
    """By any name of the finding; package, path and fingerprint narrow it."""
    if waiver.id.casefold() not in {name.casefold() for name in finding.names}:
        return False
    return _of_package(waiver, finding) and _at_path(waiver, finding) and _of_secret(waiver, finding)


def here(waiver: Waiver, environment: str | None) -> bool:
    """Whether it counts on the way into an environment; before that, every waiver does."""
    return environment is None or not waiver.environments or environment in waiver.environments


def refusal(waiver: Waiver, finding: Finding, severity: Severity, policy: Policy, today: date) -> str:
    """Why a waiver that matches does not accept the finding all the same; empty when it does."""
    rules = policy.waiver_rules
    if forbidden := _forbidden(finding, rules):
        return f"the organisation's policy forbids waivers of {forbidden}"
    if waiver.until_fixed and finding.fixable is Fixable.YES:
        fixed = f"{finding.fixed_in} fixes it" if finding.fixed_in else "there is a fixed version"
        return f"its waiver ended: {fixed}"
    capped = rules.max_days_critical if severity is Severity.CRITICAL else None
    if capped is not None and waiver.expires > today + timedelta(days=capped):
        return f"a critical finding may be waived for {capped} days, and its waiver lasts to {waiver.expires}"
    return ""


def suggestion(finding: Finding, today: date, rules: WaiverRules) -> str:
    """A waiver to paste under ``scan.waivers``; its reason is too short on purpose.

    Empty where the policy would not take one.
    """
    if finding.malicious or _forbidden(finding, rules):
        return ""
    longest = rules.max_days_critical if finding.severity is Severity.CRITICAL else None
    days = min(SUGGESTED, timedelta(days=rules.max_days if longest is None else longest))
    package, secret = finding.package, finding.kind is Kind.SECRET and finding.evidence
    lines = (
        f"- id: {finding.id}",
        f"  package: {package.source_name or package.name}" if package else "",
        f"  path: {finding.location.file}" if finding.location and not package else "",
        f"  fingerprint: {secret.fingerprint}" if secret and secret.fingerprint else "",
        "  reason: TODO",
        f"  expires: {today + days}",
        *(f"  {name}: TODO" for name in rules.require),
    )
    return "\n".join(line for line in lines if line)


def usable(waivers: Sequence[Waiver], environment: str | None, today: date) -> tuple[Waiver, ...]:
    """Those that count here and have not ended."""
    return tuple(one for one in waivers if one.expires >= today and here(one, environment))


def _forbidden(finding: Finding, rules: WaiverRules) -> str:
    """What of a finding may not be waived; empty when nothing speaks against it."""
    never = {one.casefold() for one in rules.never}
    if finding.exploited and KNOWN_EXPLOITED in never:
        return "what attackers are known to use"
    if str(finding.kind) in never:
        return f"findings of the kind {finding.kind}"
    return next((name for name in sorted(finding.names) if name.casefold() in never), "")


def _of_package(waiver: Waiver, finding: Finding) -> bool:
    package = finding.package
    if waiver.package is None or package is None:
        return waiver.package is None
    return _plain(waiver.package) in {_plain(package.name), _plain(package.source_name)}


def _at_path(waiver: Waiver, finding: Finding) -> bool:
    return waiver.path is None or fnmatchcase(finding.path.lstrip("/"), waiver.path.lstrip("/"))


def _of_secret(waiver: Waiver, finding: Finding) -> bool:
    if waiver.fingerprint is None:
        return True
    return finding.evidence is not None and finding.evidence.fingerprint == waiver.fingerprint


def _plain(name: str) -> str:
    """A package's name as people may spell it."""
    return name.casefold().replace("_", "-")
