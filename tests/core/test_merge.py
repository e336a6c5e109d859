"""Several scanners' reports in one list: nothing twice, nothing lost, no two things made one."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import (
    Epss,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Location,
    Package,
    Place,
    Severity,
)
from modelway.core.image import Digest
from modelway.core.masked import evidence
from modelway.core.merge import joined, merge
from modelway.core.report import Read, Report, Unread
from tests.reports import finding, package, report


def by(scanner: str, *findings: Finding) -> Report:
    """A scanner's report."""
    return replace(report(*(replace(one, sources=()) for one in findings)), scanner=scanner)


def secret(text: str, *, file: str = "/app/.env", line: int = 3, layer: str = "", rule: str = "x") -> Finding:
    """A secret in a file."""
    where = Location(file=file, line=line, layer=layer)
    return Finding(kind=Kind.SECRET, id=rule, location=where, severity=Severity.HIGH, evidence=evidence(text))


def rule(id_: str, line: int, *, aliases: tuple[str, ...] = ()) -> Finding:
    """A rule of a Dockerfile that is broken."""
    where = Location(place=Place.REPOSITORY, file="Dockerfile", line=line)
    return Finding(kind=Kind.MISCONFIGURATION, id=id_, aliases=aliases, location=where, severity=Severity.LOW)


def test_the_same_finding_of_two_tools_is_one_with_two_sources() -> None:
    one = finding("CVE-1", aliases=("GHSA-a",), severity="medium", fixable="unknown")
    other = replace(
        finding("GHSA-a", severity="high"),
        exploited=Exploited(source="CISA KEV", due="2026-01-01"),
        epss=Epss(score=0.9),
        fixed_versions=("2.2.5",),
        fixed_in="2.2.5",
    )
    [found] = merge([by("builtin", one), by("trivy", other)]).findings
    assert found.sources == ("builtin", "trivy")
    assert (found.id, found.aliases) == ("CVE-1", ("GHSA-a",))
    assert (found.severity, found.severity_source) == (Severity.HIGH, "GHSA-x")
    assert (found.fixable, found.fixed_in) == (Fixable.YES, "2.2.5")
    assert found.exploited
    assert found.epss
    assert len(found.ratings) == 2


SAME: dict[str, tuple[Finding, Finding]] = {
    "whatever the case of an id": (finding("ghsa-AA"), finding("GHSA-aa")),
    "with an absolute path and a relative one": (
        finding(of=package()),
        finding(of=replace(package(), path="site/flask/METADATA")),
    ),
    "where one tool names no path": (finding(of=package()), finding(of=replace(package(), path=""))),
    "of a package of the system, whatever file shows it": (
        finding(of=package("libc6", source="glibc")),
        finding(of=replace(package("libc6", source="glibc"), path="/other", source_name="")),
    ),
    "where one tool names the source": (
        finding(of=package("libc6", source="glibc")),
        finding(of=Package(ecosystem="", name="glibc", version="2.0.0")),
    ),
    "a secret under two rules' names": (secret("s3cret", rule="a"), secret("s3cret", rule="b", line=9)),
    "a secret a tool masks": (
        secret("s3cret"),
        replace(secret("s3cret", rule="b"), evidence=None),
    ),
    "a rule by its alias": (rule("DL3002", 7, aliases=("DS002",)), rule("DS002", 0)),
}
APART: dict[str, tuple[Finding, Finding]] = {
    "two vulnerabilities": (finding("CVE-1"), finding("CVE-2")),
    "two packages": (finding(), finding(of=package("numpy"))),
    "two versions": (finding(), finding(of=package(version="2.0.1"))),
    "two copies": (finding(), finding(of=replace(package(), path="/elsewhere/METADATA"))),
    "the same name in two ecosystems": (finding(), finding(of=replace(package(), ecosystem="npm"))),
    "two binaries of one source": (
        finding(of=package("libc6", source="glibc")),
        finding(of=package("libc-bin", source="glibc")),
    ),
    "two CVEs of one bundle": (
        finding("CVE-1", aliases=("DSA-1-1",)),
        finding("CVE-2", aliases=("DSA-1-1",)),
    ),
    "two findings with the same bundle's name only": (
        finding("DEBIAN-1", aliases=("USN-1-1",)),
        finding("DEBIAN-2", aliases=("USN-1-1",)),
    ),
    "two CVEs under one advisory": (
        finding("CVE-1", aliases=("GHSA-a",)),
        finding("CVE-2", aliases=("GHSA-a",)),
    ),
    "two secrets in a file": (secret("s3cret"), secret("other", line=3)),
    "a secret in two layers": (secret("s3cret", layer="a"), secret("s3cret", layer="b")),
    "a rule on two lines": (rule("DL3002", 7), rule("DL3002", 9)),
    "kinds": (replace(finding(), kind=Kind.LICENCE), finding()),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_one(pair: tuple[Finding, Finding]) -> None:
    for one, other in permutations(pair):
        [found] = merge([by("a", one), by("b", other)]).findings
        assert sorted(found.sources) == ["a", "b"]
        assert found.names == one.names | other.names


@pytest.mark.parametrize("pair", APART.values(), ids=APART)
def test_two(pair: tuple[Finding, Finding]) -> None:
    for one, other in permutations(pair):
        assert len(merge([by("a", one), by("b", other)]).findings) == 2


def test_a_source_package_speaks_of_all_that_was_built_from_it() -> None:
    binaries = [finding(of=package(name, source="glibc")) for name in ("libc6", "libc-bin")]
    bare = finding(of=Package(ecosystem="", name="glibc", version="2.0.0"))
    merged = merge([by("ecr", bare), by("builtin", *binaries)])
    assert [one.thing for one in merged.findings] == ["libc-bin", "libc6"]
    assert all(sorted(one.sources) == ["builtin", "ecr"] for one in merged.findings)
    assert [one.name for one in merged.packages] == ["libc6", "libc-bin"]


def test_names_join_through_a_third() -> None:
    chain = [
        finding("CVE-1", aliases=("GHSA-a",)),
        finding("GHSA-b"),
        finding("GHSA-a", aliases=("GHSA-b",)),
    ]
    for order in permutations(chain):
        [found] = merge([by(str(i), one) for i, one in enumerate(order)]).findings
        assert found.names == {"CVE-1", "GHSA-a", "GHSA-b"}


def test_every_package_is_there_once_and_a_finding_has_one_of_them() -> None:
    mine, theirs = package(), replace(package(), purl="pkg:pypi/flask@2.0.0", path="")
    merged = merge([by("a", finding(of=mine)), by("b", finding("CVE-9", of=theirs))])
    assert merged.packages == (mine,)
    assert {one.package for one in merged.findings} == {mine}


def test_what_one_scanner_cannot_read_another_can() -> None:
    rpm = Unread(area="packages:rpm", what="no reader")
    blind = replace(report(), unread=(rpm,))
    assert merge([blind]).unread == (rpm,)
    seeing = replace(report(), scanner="trivy", read=(Read(area="packages:rpm", count=90),))
    assert merge([blind, seeing]).unread == ()
    assert Read(area="packages:rpm", count=90) in merge([blind, seeing]).read


def test_a_list_of_packages_without_advisories_makes_up_for_nothing() -> None:
    rpm = Unread(area="packages:rpm", what="no reader")
    read = (Read(area="packages:rpm", count=90),)
    listing = replace(report(), scanner="syft", database=None, read=read)
    assert merge([replace(report(), unread=(rpm,)), listing]).unread == (rpm,)


def test_a_damaged_file_stays_unread() -> None:
    torn = Unread(area="models", what="too large", path="/m.pkl")
    blind = replace(report(), unread=(torn,))
    seeing = replace(report(), scanner="other", read=(Read(area="models", count=1),))
    assert merge([blind, seeing]).unread == (torn,)


def test_reports_of_two_images_are_not_one() -> None:
    other = replace(report(), subject=Digest("sha256:" + "9" * 64))
    for reports in ([report(), other], []):
        with pytest.raises(ValueError, match="images"):
            merge(reports)


FINDINGS = st.builds(
    lambda id_, alias, name, severity, fixable: finding(
        id_, aliases=(alias,), of=package(name), severity=severity, fixable=fixable
    ),
    st.sampled_from(["CVE-1", "CVE-2", "GHSA-a", "GHSA-b", "PYSEC-1"]),
    st.sampled_from(["CVE-1", "GHSA-a", "GHSA-b", "DSA-1"]),
    st.sampled_from(["flask", "numpy"]),
    st.sampled_from([*Severity]),
    st.sampled_from([*Fixable]),
)


@given(st.lists(FINDINGS, max_size=7).flatmap(lambda them: st.tuples(st.just(them), st.permutations(them))))
def test_nothing_is_lost_and_the_order_does_not_matter(both: tuple[list[Finding], list[Finding]]) -> None:
    findings, shuffled = both
    found = joined(findings)
    for one in findings:
        home = [group for group in found if one.names <= group.names and one.thing == group.thing]
        assert home
        assert any(group.severity.rank >= one.severity.rank for group in home)
        assert any(group.fixable is Fixable.YES for group in home) or one.fixable is not Fixable.YES
    assert [(one.names, one.thing, one.severity) for one in joined(shuffled)] == [
        (one.names, one.thing, one.severity) for one in found
    ]
