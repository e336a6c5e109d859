"""What changed between two images goes by what a finding is, not by its name or where it moved."""

from __future__ import annotations

from dataclasses import replace

from modelway.core.findings import Evidence, Finding, Kind, Location, Severity
from modelway.core.since import Since, since
from tests.reports import finding, package
from tests.scanned import scanned

OTHER_PATH = replace(package(version="2.0.1"), path="/opt/venv/flask/METADATA")


def told(now: tuple[Finding, ...], then: tuple[Finding, ...]) -> Since:
    clean = (finding("CVE-1999-1", of=package("clean"), severity="negligible"),)
    return since(
        "production", "abc", now=scanned(*now, *clean)[1], then=scanned(*then, *clean)[1], basis="today"
    )


def ids(change: Since) -> tuple[list[str], list[str], list[str]]:
    """New, fixed, still there but for the one that always is."""
    groups = (change.new, change.fixed, change.still)
    new, fixed, still = ([one.finding.id for one in each] for each in groups)
    return new, fixed, [one for one in still if one != "CVE-1999-1"]


def secret(fingerprint: str) -> Finding:
    return Finding(
        kind=Kind.SECRET,
        id="aws-access-key",
        severity=Severity.HIGH,
        location=Location(file="/app/.env"),
        evidence=Evidence("***", fingerprint),
    )


def test_new_fixed_and_still_there() -> None:
    change = told((finding("CVE-1"), finding("CVE-2")), (finding("CVE-2"), finding("CVE-3")))
    assert ids(change) == (["CVE-1"], ["CVE-3"], ["CVE-2"])
    assert change.words == (
        "Since version abc in production: 1 new (1 would stop it), 1 fixed (1 would stop it),"
        " 2 still there (1 would stop it)"
    )


def test_another_version_another_path_and_another_name_are_no_change() -> None:
    now = finding("CVE-2023-30861", aliases=("GHSA-m2qf",), of=OTHER_PATH)
    then = finding("GHSA-m2qf", of=package())
    assert ids(told((now,), (then,))) == ([], [], ["CVE-2023-30861"])


def test_one_of_two_copies_that_is_gone_is_fixed() -> None:
    """And it is the copy that went: the one that stayed is met by its path."""
    change = told((finding(),), (finding(of=OTHER_PATH), finding()))
    assert [one.finding.path for one in change.fixed] == ["/opt/venv/flask/METADATA"]


def test_another_secret_in_the_same_file_is_new() -> None:
    assert ids(told((secret("f2"),), (secret("f1"),))) == (["aws-access-key"], ["aws-access-key"], [])


def test_what_passes_is_counted_and_not_listed() -> None:
    change = told((finding("CVE-1", severity="low"), finding("CVE-2")), ())
    assert [row[:3] for row in change.rows(10)] == [("new", "high", "CVE-2")]
    assert len(list(change.rows(0))) == 0
