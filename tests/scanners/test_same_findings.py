"""What several tools find in one image is one list: each thing once, with everybody who saw it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelway.core.findings import Finding, Fixable, Package, Severity
from modelway.core.merge import merge
from modelway.core.report import Report
from modelway.scanners import grype_report, inspector_report, trivy_report
from modelway.scanners.reading import document
from tests.reports import SUBJECT, database

REPORTS = Path(__file__).parent / "reports"


def report(
    scanner: str, packages: Mapping[tuple[str, str, str, str], Package], findings: list[Finding]
) -> Report:
    return Report(
        scanner=scanner,
        fingerprint=scanner,
        subject=SUBJECT,
        platform="linux/amd64",
        packages=tuple(packages.values()),
        findings=tuple(findings),
        database=database(),
    )


def trivy() -> Report:
    found = trivy_report.read((REPORTS / "trivy.json").read_bytes())
    return report("trivy", found.packages, found.findings)


def grype() -> Report:
    found = grype_report.read((REPORTS / "grype.json").read_bytes())
    return report("grype", found.packages, found.findings)


def ecr(kind: str) -> Report:
    found = inspector_report.Read()
    inspector_report.read_ecr(document((REPORTS / f"ecr-{kind}.json").read_bytes()), found)
    return report("ecr", found.packages, found.findings)


def inspector() -> Report:
    found = inspector_report.read_sbom(document((REPORTS / "inspector-sbom.json").read_bytes()))
    return report("inspector", found.packages, found.findings)


def named(reports: list[Report], name: str) -> list[Finding]:
    return [one for one in merge(reports).findings if name in one.names]


def test_trivy_grype_and_both_of_ecrs_scanners_see_one_vulnerability() -> None:
    """ECR basic names the source package, the others the one built from it; enhanced names one more."""
    found = named([trivy(), grype(), ecr("basic"), ecr("enhanced")], "CVE-1999-90001")
    once = next(one for one in found if one.thing == "libwidget1")
    assert {one.thing for one in found} == {"libwidget1", "libwidget-bin"}
    assert set(once.sources) == {"trivy", "grype", "ecr"}
    assert once.severity is Severity.HIGH  # Debian's low, Grype's negligible, Inspector's high
    assert (once.fixable, once.fixed_in) == (Fixable.YES, "1:2.0-4")
    assert once.exploited
    assert once.epss
    assert {r.source for r in once.ratings} >= {"nvd", "debian", "ecr basic", "inspector"}


def test_python_packages_are_one_however_they_are_spelt_and_named() -> None:
    found = named([trivy(), grype(), ecr("enhanced"), inspector()], "CVE-1999-90002")
    (once,) = [one for one in found if one.thing == "wid-get"]
    assert set(once.sources) == {"trivy", "grype", "ecr", "inspector"}
    assert (once.id, once.aliases, once.thing) == ("CVE-1999-90002", ("GHSA-aaaa-bbbb-cccc",), "wid-get")
    assert once.fixed_in == "1.10"


def test_the_order_of_the_tools_changes_nothing() -> None:
    reports = [trivy(), grype(), ecr("basic"), ecr("enhanced"), inspector()]
    there, back = merge(reports).findings, merge(reports[::-1]).findings
    assert [(one.id, one.thing, set(one.sources)) for one in there] == [
        (one.id, one.thing, set(one.sources)) for one in back
    ]


def test_nothing_is_lost_in_the_list() -> None:
    reports = [trivy(), grype(), ecr("basic"), ecr("enhanced"), inspector()]
    names = {name for one in merge(reports).findings for name in one.names}
    assert names == {name for one in reports for finding in one.findings for name in finding.names}
