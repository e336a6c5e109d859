"""Reports for tests that do not care how they came about."""

from __future__ import annotations

from datetime import UTC, datetime

from modelway.core.findings import Finding, Fixable, Package, Rating, Severity
from modelway.core.image import Digest
from modelway.core.report import Database, ImageLayer, Read, Report

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SUBJECT = Digest("sha256:" + "1" * 64)


def package(name: str = "flask", version: str = "2.0.0", *, source: str = "") -> Package:
    """An installed package."""
    return Package(
        ecosystem="deb" if source else "pypi",
        name=name,
        version=version,
        source_name=source,
        source_version=version if source else "",
        path=f"/site/{name}/METADATA",
        layer="sha256:" + "2" * 64,
    )


def finding(
    id_: str = "CVE-2023-30861",
    *,
    aliases: tuple[str, ...] = (),
    of: Package | None = None,
    severity: str = "high",
    fixable: str = "yes",
    published: str = "2023-05-01T00:00:00Z",
) -> Finding:
    """A vulnerability of a package."""
    return Finding(
        id=id_,
        aliases=aliases,
        package=of or package(),
        fixed_in="9.9" if fixable == "yes" else "",
        fixed_versions=("9.9",) if fixable == "yes" else (),
        fixable=Fixable(fixable),
        severity=Severity(severity),
        severity_source="GHSA-x",
        ratings=(Rating(source="GHSA-x", severity=Severity(severity), score=7.5, vector="CVSS:3.1/..."),),
        title="Something is wrong",
        urls=("https://example.com/x",),
        published=published,
        sources=("builtin",),
    )


def database(as_of: datetime | None = NOW) -> Database:
    """Advisories of that day."""
    return Database(
        sources=("PyPI/all.zip",),
        built=NOW,
        as_of=as_of,
        newest_modified=as_of,
        digest=Digest("sha256:" + "3" * 64),
        records=3,
        ecosystems=(("Debian:12", 1), ("PyPI", 2)),
        note="",
    )


def report(*findings: Finding, as_of: datetime | None = NOW) -> Report:
    """A report of these findings and their packages."""
    return Report(
        scanner="builtin",
        fingerprint="builtin-1 abc",
        subject=SUBJECT,
        platform="linux/amd64",
        distro="Debian:12",
        packages=tuple(dict.fromkeys(one.package for one in findings if one.package)),
        findings=findings,
        database=database(as_of),
        layers=(ImageLayer(diff_id="sha256:" + "2" * 64, created_by="COPY . /site"),),
        read=(Read(area="packages:deb", count=1), Read(area="packages:pypi", count=2)),
        notes=("PYSEC-1: x 1.fix could not be compared; counted as affected.",),
    )
