"""Reports of other tools, parsed: the small ones here show each rule, the real ones that nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modelway.core.findings import Finding, Fixable, Kind, Place, Severity
from modelway.core.image import Digest
from modelway.core.report import ImageLayer
from modelway.errors import NotEvaluated
from modelway.scanners import (
    gitleaks,
    grype_report,
    hadolint,
    inspector_report,
    kingfisher,
    syft_report,
    trivy_report,
)
from modelway.scanners.archive_file import ImageFile
from modelway.scanners.reading import Node, Wrong, document, names, nearest

REPORTS = Path(__file__).parent / "reports"
IMAGE = ImageFile(
    path=Path("/tmp/x/image.tar"),  # noqa: S108 - a name only
    config=Digest("sha256:" + "1" * 64),
    platform="linux/amd64",
    layers=(),
    members={
        "one/layer.tar": ImageLayer(diff_id="sha256:one"),
        "two/layer.tar": ImageLayer(diff_id="sha256:two"),
    },
)
IN_CLEAR = "in-clear-by-mistake"


def raw(name: str) -> bytes:
    return (REPORTS / name).read_bytes()


def by_id(findings: list[Finding]) -> Mapping[str, Finding]:
    return {one.id: one for one in findings}


def ecr(name: str) -> inspector_report.Read:
    found = inspector_report.Read()
    inspector_report.read_ecr(document(raw(name)), found)
    return found


# --- Trivy ---


def test_trivy_names_the_distribution_the_image_and_every_package() -> None:
    found = trivy_report.read(raw("trivy.json"))
    assert (found.version, found.family, found.release) == ("0.70.0", "debian", "12.5")
    assert found.subject == str(IMAGE.config)
    package = next(one for one in found.packages.values() if one.source_name)
    assert (package.version, package.source_name, package.source_version) == ("1:2.0-3", "widget", "1:2.0-3")
    assert package.licences == ("MIT",)


def test_trivy_keeps_every_rating_and_says_why_there_is_no_fix() -> None:
    finding = by_id(trivy_report.read(raw("trivy.json")).findings)["CVE-1999-90001"]
    assert {(r.source, r.severity, r.score) for r in finding.ratings} == {
        ("nvd", Severity.CRITICAL, 9.8),
        ("nvd", Severity.HIGH, 7.5),
        ("debian", Severity.LOW, None),
    }
    assert (finding.severity, finding.severity_source) == (Severity.LOW, "debian")
    assert finding.fixable is Fixable.NO
    assert finding.remark == "the vendor will not fix it; see DLA-9001-1"
    assert finding.aliases == ()


def test_trivys_nearest_fix_is_above_what_is_installed() -> None:
    finding = by_id(trivy_report.read(raw("trivy.json")).findings)["CVE-1999-90002"]
    assert finding.fixed_versions == ("1.10", "2.10.1", "1.8.3")
    assert finding.aliases == ("GHSA-aaaa-bbbb-cccc",)
    assert finding.package
    assert (finding.package.ecosystem, finding.package.name) == ("pypi", "wid-get")
    assert finding.path == "/srv/lib/widget-1.9.dist-info/METADATA"


def test_what_trivys_own_rules_hide_is_found_all_the_same() -> None:
    finding = by_id(trivy_report.read(raw("trivy.json")).findings)["CVE-1999-90003"]
    assert finding.severity is Severity.HIGH
    assert finding.remark == "hidden by Trivy: ignored we looked at it"


def test_trivys_other_kinds() -> None:
    found = trivy_report.read(raw("trivy.json"))
    kinds = {one.id: one.kind for one in found.findings}
    assert kinds["DS002"] is Kind.MISCONFIGURATION
    assert kinds["github-pat"] is Kind.SECRET
    assert kinds["GPL-3.0-only"] is Kind.LICENCE
    assert "DS026" not in kinds  # it passed
    assert found.checks == 2 + 27
    licence = by_id(found.findings)["GPL-3.0-only"]
    assert licence.package
    assert licence.package.version == "1:2.0-3"  # the package itself, not one of that name


def test_trivy_tells_the_images_config_from_its_files_and_from_a_dockerfile() -> None:
    found = by_id(trivy_report.read(raw("trivy.json")).findings)
    places = {name: found[name].location for name in ("DS001", "DS002", "aws-key", "github-pat")}
    assert {name: at and (at.place, at.file, at.line) for name, at in places.items()} == {
        "DS001": (Place.CONFIG, "history", 0),
        "DS002": (Place.REPOSITORY, "Dockerfile", 4),
        "aws-key": (Place.CONFIG, "config", 1),
        "github-pat": (Place.IMAGE, "/app/token.txt", 3),
    }


def test_a_list_of_results_as_old_releases_wrote_it() -> None:
    old = json.dumps(
        [
            {
                "Target": "x",
                "Type": "debian",
                "Vulnerabilities": [
                    {
                        "VulnerabilityID": "CVE-1999-90001",
                        "PkgName": "widget",
                        "InstalledVersion": "1",
                        "Severity": "HIGH",
                    }
                ],
            }
        ]
    )
    (finding,) = trivy_report.read(old.encode()).findings
    assert finding.fixable is Fixable.UNKNOWN


# --- Grype ---


def test_grype_keeps_what_others_say_of_it() -> None:
    found = grype_report.read(raw("grype.json"))
    finding = by_id(found.findings)["CVE-1999-90001"]
    assert (finding.severity, finding.fixable) == (Severity.NEGLIGIBLE, Fixable.NO)
    assert {r.severity for r in finding.ratings} == {Severity.NEGLIGIBLE, Severity.CRITICAL}
    assert finding.epss
    assert (finding.epss.score, finding.epss.percentile) == (0.4, 0.9)
    assert finding.exploited
    assert finding.exploited.added == "2026-01-02"
    assert finding.package
    assert (finding.package.source_name, finding.package.source_version) == ("widget", "1:2.0-3")
    assert found.built
    assert found.built.isoformat() == "2026-01-03T04:05:06+00:00"


def test_grypes_names_of_one_thing_and_of_several() -> None:
    found = by_id(grype_report.read(raw("grype.json")).findings)
    assert found["CVE-1999-90002"].aliases == ("GHSA-aaaa-bbbb-cccc",)
    assert found["CVE-1999-90002"].remark == "matched by CPE only: often a false alarm"
    bundle = found["ELSA-1999-1"]
    assert (bundle.aliases, bundle.remark) == ((), "see CVE-1999-90004, CVE-1999-90005")


def test_what_somebody_told_grype_to_ignore_is_found_and_what_it_knows_itself_is_a_note() -> None:
    found = grype_report.read(raw("grype.json"))
    assert by_id(found.findings)["CVE-1999-90007"].remark == "hidden by Grype: we looked at it"
    assert "CVE-1999-90006" not in by_id(found.findings)
    assert found.notes == ["CVE-1999-90006 in linux-headers 6: left out by Grype's own rule"]


def test_grype_of_2021() -> None:
    fixed, other = grype_report.read(raw("grype-0.7.json")).findings
    assert (fixed.fixed_in, fixed.path, fixed.urls) == (
        "2.1",
        "/var/lib/dpkg/status",
        ("https://example.com/1",),
    )
    assert (other.fixed_in, other.fixable, other.severity) == ("", Fixable.UNKNOWN, Severity.UNKNOWN)


# --- AWS ---


def test_ecrs_basic_scanner_knows_no_fixes() -> None:
    high, other = ecr("ecr-basic.json").findings
    assert {one.fixable for one in (high, other)} == {Fixable.UNKNOWN}
    assert high.package
    assert (high.package.name, high.package.version) == ("widget", "1:2.0-3")
    assert [(r.source, r.severity, r.score) for r in high.ratings] == [
        ("ecr basic", Severity.HIGH, None),
        ("CVSS3", Severity.CRITICAL, 9.8),
    ]
    assert other.severity is Severity.UNKNOWN


def test_inspector_has_one_finding_for_each_package() -> None:
    found = ecr("ecr-enhanced.json")
    first, second, third = found.findings
    assert [one.package and (one.package.ecosystem, one.package.version) for one in (first, second)] == [
        ("deb", "1:2.0-3"),
        ("deb", "2.0-3"),
    ]
    assert (first.fixed_in, first.fixable, second.fixable) == ("1:2.0-4", Fixable.YES, Fixable.YES)
    assert first.remark == "an exploit is public; vendor: low"
    assert (third.id, third.aliases, third.severity) == (
        "CVE-1999-90002",
        ("GHSA-aaaa-bbbb-cccc",),
        Severity.UNKNOWN,
    )
    assert third.remark == "suppressed in Inspector"  # our policy judges it, and a waiver may accept it
    assert found.closed == 1
    assert any("Port 22" in note for note in found.notes)


def test_a_basic_finding_and_an_enhanced_one_without_packages() -> None:
    with pytest.raises(Wrong, match=r"vulnerablePackages: expected a package"):
        inspector_report.read_inspector(Node({"packageVulnerabilityDetails": {}}), inspector_report.Read())


def test_scansbom_tells_each_components_fix() -> None:
    found = inspector_report.read_sbom(document(raw("inspector-sbom.json")))
    first, second, docker = found.findings
    assert first.package
    assert (first.package.name, first.fixed_in, first.severity) == ("wid-get", "1.10", Severity.HIGH)
    assert (second.fixed_in, second.fixable) == ("", Fixable.NO)
    assert first.epss
    assert first.epss.score == 0.02
    assert first.exploited
    assert first.exploited.source == "CISA KEV"
    assert first.aliases == ("GHSA-aaaa-bbbb-cccc",)
    assert docker.kind is Kind.MISCONFIGURATION


# --- inventories, Dockerfiles, secrets ---


def test_syft_names_sources_and_licences_in_each_of_its_shapes() -> None:
    found = syft_report.read(raw("syft.json"))
    deb, python, apk = found.packages
    assert (deb.source_name, deb.source_version, deb.licences) == (
        "widget",
        "1:2.0-2",
        ("MIT", "custom words"),
    )
    assert (python.name, python.licences, python.source_name) == ("wid-get", ("BSD",), "")
    assert (apk.source_name, apk.source_version) == ("busybox-src", "1.36-r1")
    assert found.subject == str(IMAGE.config)


def test_hadolints_levels_and_lines() -> None:
    found = list(hadolint.read(raw("hadolint.json"), "examples/x/Dockerfile"))
    assert [(one.id, one.severity) for one in found] == [
        ("DL3002", Severity.MEDIUM),
        ("SC2086", Severity.NEGLIGIBLE),
        ("DL3004", Severity.HIGH),
    ]
    place = found[0].location
    assert place
    assert (place.place, place.file, place.line) == (Place.REPOSITORY, "examples/x/Dockerfile", 9)


def test_gitleaks_says_in_which_layer_a_secret_lies() -> None:
    one, other, config = gitleaks.read(raw("gitleaks.json"), IMAGE)
    assert one.location
    assert (one.location.file, one.location.line, one.location.layer) == ("/app/token.txt", 3, "sha256:one")
    assert other.path == "/wheel.whl!key.pem"
    assert config.location
    assert config.location.place is Place.CONFIG
    assert one.evidence
    assert one.evidence.masked == "TOKEN=REDACTED"


def test_kingfishers_findings() -> None:
    found = kingfisher.read(raw("kingfisher.json"))
    assert [(one.id, one.path) for one in found.findings] == [
        ("betterleaks.github-pat", "/app/token.txt"),
        ("betterleaks.odd", "/app/odd.txt"),
    ]
    assert found.looked == 9


def test_a_scan_kingfisher_did_not_finish_is_no_pass() -> None:
    broken = raw("kingfisher.json").replace(b'"scan_partial":0', b'"scan_partial":1')
    with pytest.raises(NotEvaluated, match="did not look through the whole image"):
        kingfisher.read(broken)


@pytest.mark.parametrize("odd", ['"inf"', '"1"', "true", "-1", "1e999", "[]"])
def test_what_kingfisher_left_undone_is_not_read_as_nothing(odd: str) -> None:
    """Where a count of what failed is damaged, nobody knows that all was looked through."""
    broken = raw("kingfisher.json").replace(b'"scan_failed":0', f'"scan_failed":{odd}'.encode())
    with pytest.raises(Wrong, match="expected a count"):
        kingfisher.read(broken)


@pytest.mark.parametrize(
    "findings",
    [
        trivy_report.read(raw("trivy.json")).findings,
        [*gitleaks.read(raw("gitleaks.json"), IMAGE)],
        kingfisher.read(raw("kingfisher.json")).findings,
    ],
)
def test_a_secret_a_tool_did_not_mask_is_not_shown(findings: list[Finding]) -> None:
    assert any(one.id.endswith("odd") for one in findings)
    assert IN_CLEAR not in repr(findings)


# --- what is wrong ---

READERS: Mapping[str, Callable[[bytes], object]] = {
    "trivy": trivy_report.read,
    "grype": grype_report.read,
    "syft": syft_report.read,
    "hadolint": lambda given: list(hadolint.read(given, "Dockerfile")),
    "gitleaks": lambda given: list(gitleaks.read(given, IMAGE)),
    "kingfisher": kingfisher.read,
    "scansbom": lambda given: inspector_report.read_sbom(document(given)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("given", [b"", b"no json", b"7", b'{"x": 1}', b"[7]", b'{"Results": 7}'])
def test_what_is_no_report_is_refused(name: str, given: bytes) -> None:
    if name in {"hadolint", "gitleaks"}:
        given = given or b"{}"  # nothing at all is looked at before: the tool left no report
    with pytest.raises(Wrong, match="expected"):
        READERS[name](given)


@pytest.mark.parametrize("odd", ["1e999", "-1e999", "9" * 400])
def test_a_line_that_nobody_counts_to_is_refused(odd: str) -> None:
    """JSON writes it, and Python made an overflow of it: a crash where the report is wrong."""
    with pytest.raises(Wrong, match="expected a number"):
        Node(json.loads(f'{{"line": {odd}}}'), "x").line("line")
    assert Node({"line": "inf"}, "x").line("line") == 0


def test_a_wrong_report_says_where() -> None:
    broken = json.loads(raw("trivy.json"))
    broken["Results"][1]["Vulnerabilities"][0]["PkgName"] = ["a", "list"]
    with pytest.raises(Wrong, match=r"Results\[1\]\.Vulnerabilities\[0\]\.PkgName: expected text, got list"):
        trivy_report.read(json.dumps(broken).encode())


def test_names_of_one_thing() -> None:
    assert names("GHSA-a", ["CVE-1"]).id == "CVE-1"
    assert names("CVE-1", ["RHSA-1", "GHSA-a"]) == names("CVE-1", ["GHSA-a", "RHSA-1", "", "CVE-1"])
    assert names("CVE-1", ["RHSA-1"]).bundle == "see RHSA-1"
    assert names("GHSA-a", ["CVE-1", "CVE-2"]).id == "GHSA-a"


def test_versions_that_do_not_compare_stay_in_their_order() -> None:
    assert nearest("what", ["2", "1"]) == ("2", "1")
    assert nearest("1.5", ["not one", "2"]) == ("not one", "2")
