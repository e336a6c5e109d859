"""An image with a finding of every kind there is to tell, judged: for what writes findings down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from modelway.core.findings import BroughtBy, Evidence, Finding, Kind, Location, Origin, Place, Severity
from modelway.core.merge import Merged, merge
from modelway.core.policy import Verdict, judge
from modelway.core.report import Report, Unread
from modelway.core.scan_spec import Policy, ScanSpec, Waiver
from tests.reports import NOW, finding, package, report

REASON = "only reached with a key we never set"
ZLIB = package("zlib1g", "1:1.2.13.dfsg-1", source="zlib")
FINDINGS = (
    replace(
        finding(aliases=("GHSA-m2qf-hxjv-5gpq",), severity="critical"),
        brought_by=BroughtBy(file="examples/a b/requirements.txt", line=3, text="flask==2.0.0"),
        origin=Origin.OWN,
    ),
    finding("CVE-2023-45853", of=ZLIB, severity="high", fixable="no"),
    replace(finding("CVE-2023-2", of=ZLIB, severity="low", fixable="unknown"), origin=Origin.BASE),
    Finding(
        kind=Kind.SECRET,
        id="aws-access-key",
        severity=Severity.CRITICAL,
        title="AWS access key",
        location=Location(file="/app/.env", line=2, deleted=True),
        evidence=Evidence("AKIA****", "f1"),
        sources=("builtin",),
    ),
    Finding(
        kind=Kind.MISCONFIGURATION,
        id="image-root-user",
        severity=Severity.MEDIUM,
        title="It runs as root",
        location=Location(place=Place.CONFIG, file="config.User"),
        remark="Set USER.",
        sources=("builtin",),
    ),
    Finding(
        kind=Kind.MISCONFIGURATION,
        id="DL3002",
        severity=Severity.LOW,
        title="The last USER is root | really",
        location=Location(place=Place.REPOSITORY, file="examples/iris/Dockerfile", line=7),
        sources=("hadolint",),
    ),
)
WAIVER = Waiver(
    id="CVE-2023-45853", reason=REASON, expires=date(2026, 7, 1), owner="ml-platform", ticket="SEC-1"
)
SPEC = ScanSpec(waivers=(WAIVER,), only_fixable=False)


def scanned(*findings: Finding, spec: ScanSpec = SPEC) -> tuple[Merged, Verdict]:
    """These findings, or one of every kind, by one scanner; judged."""
    return judged(report(*(findings or FINDINGS)), spec=spec)


def judged(*reports: Report, spec: ScanSpec = SPEC) -> tuple[Merged, Verdict]:
    """Reports in one list, and what the policy says."""
    merged = merge(reports)
    return merged, judge(merged, Policy(spec=spec), NOW)


UNREAD = Unread(area="packages:rpm", what="the database cannot be read", cure="list trivy")
