"""Complete reports of real scanners, counted here by other code than reads them: nothing may be lost.

The reports are third-party data beside the repository (``../shared/samples/scan``), and not part of it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelway.core.findings import Finding, Kind
from modelway.scanners import grype_report, inspector_report, trivy_report
from modelway.scanners.reading import document

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "scan"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real reports here: {SAMPLES} is missing")

Fact = tuple[str, str]


def load(path: Path) -> Any:  # noqa: ANN401 - somebody else's JSON
    return json.loads(path.read_text())


def texts(value: Any, *keys: str) -> Iterator[Any]:  # noqa: ANN401 - somebody else's JSON
    """Values of these keys, however deep: what jq's ``.. | .key?`` gives."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and not isinstance(inner, dict | list):
                yield inner
            yield from texts(inner, *keys)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, *keys)


def scores(value: Any, *keys: str) -> set[float]:  # noqa: ANN401 - somebody else's JSON
    return {float(one) for one in texts(value, *keys) if one is not None}


def rated(findings: list[Finding]) -> set[float]:
    return {r.score for one in findings for r in one.ratings if r.score is not None}


def vectors(findings: list[Finding]) -> set[str]:
    return {r.vector for one in findings for r in one.ratings if r.vector}


def called(findings: list[Finding]) -> set[str]:
    return {name for one in findings for name in one.names} | {
        word.strip(",;") for one in findings for word in one.remark.split()
    }


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def versions(findings: list[Finding]) -> Counter[Fact]:
    return Counter((plain(f.package.name), f.package.version) for f in findings if f.package)


@pytest.mark.parametrize("path", sorted((SAMPLES / "trivy").glob("*.json")), ids=lambda p: p.name)
def test_trivy(path: Path) -> None:
    given, found = load(path), trivy_report.read(path.read_bytes())
    parts = ("Vulnerabilities", "Secrets", "Misconfigurations", "Licenses")
    every = {part: [v for r in given["Results"] for v in r.get(part) or []] for part in parts}
    failed = [one for one in every["Misconfigurations"] if one["Status"] == "FAIL"]
    kinds = Counter(one.kind for one in found.findings)
    assert kinds[Kind.VULNERABILITY] == len(every["Vulnerabilities"])
    assert kinds[Kind.SECRET] == len(every["Secrets"])
    assert kinds[Kind.MISCONFIGURATION] == len(failed)
    assert kinds[Kind.LICENCE] == len(every["Licenses"])
    seen = [one for one in found.findings if one.kind is Kind.VULNERABILITY]
    assert versions(seen) == Counter(
        (plain(v["PkgName"]), v["InstalledVersion"]) for v in every["Vulnerabilities"]
    )
    assert rated(seen) == scores(every, "V2Score", "V3Score", "V40Score")
    assert vectors(seen) == set(texts(every, "V2Vector", "V3Vector", "V40Vector"))
    assert called(found.findings) >= {
        *texts(every["Vulnerabilities"], "VulnerabilityID"),
        *(one for v in every["Vulnerabilities"] for one in v.get("VendorIDs") or []),
        *texts(every["Secrets"], "RuleID"),
        *texts(failed, "ID"),
    }
    fixed = {
        part.strip() for text in texts(every, "FixedVersion") for part in text.split(",") if part.strip()
    }
    assert {one for f in seen for one in f.fixed_versions} == fixed
    links = {
        u for v in every["Vulnerabilities"] for u in [*(v.get("References") or []), v.get("PrimaryURL")] if u
    }
    assert {url for one in seen for url in one.urls} == links
    assert {one.published for one in seen} - {""} == set(texts(every["Vulnerabilities"], "PublishedDate"))
    assert Counter(str(one.severity) for one in found.findings) == Counter(
        one["Severity"].lower() for one in [*every["Vulnerabilities"], *every["Secrets"], *failed]
    )
    layers = set(texts([v.get("Layer") for v in every["Vulnerabilities"]], "DiffID"))
    assert {one.package.layer for one in seen if one.package} - {""} == layers
    listed = [p for r in given["Results"] for p in r.get("Packages") or []]
    assert {(plain(p["Name"]), p["Version"]) for p in listed} <= {
        (plain(p.name), p.version.split(":")[-1].split("-")[0] if p.ecosystem == "deb" else p.version)
        for p in found.packages.values()
    }


@pytest.mark.parametrize("path", sorted((SAMPLES / "grype").glob("*.json")), ids=lambda p: p.name)
def test_grype(path: Path) -> None:
    given, found = load(path), grype_report.read(path.read_bytes())
    matches = given["matches"]
    assert len(found.findings) == len(matches)
    assert versions(found.findings) == Counter(
        (plain(m["artifact"]["name"]), m["artifact"]["version"]) for m in matches
    )
    both = [[m["vulnerability"], *m["relatedVulnerabilities"]] for m in matches]
    assert called(found.findings) >= {one["id"] for group in both for one in group}
    assert rated(found.findings) == scores(both, "baseScore")
    assert vectors(found.findings) == set(texts(both, "vector"))
    assert {one for f in found.findings for one in f.fixed_versions} == {
        v for m in matches for v in m["vulnerability"]["fix"]["versions"]
    }
    links = {
        u for group in both for one in group for u in [*(one.get("urls") or []), one.get("dataSource")] if u
    }
    assert {url for one in found.findings for url in one.urls} == links
    estimates = [m for m in matches if any(one.get("epss") for one in [m["vulnerability"]])]
    assert sum(one.epss is not None for one in found.findings) == len(estimates)
    assert {one.epss.score for one in found.findings if one.epss} == scores(
        [m["vulnerability"]["epss"] for m in estimates], "epss"
    )
    assert Counter(str(one.severity) for one in found.findings) == Counter(
        m["vulnerability"]["severity"].lower() for m in matches
    )
    assert found.subject == given["source"]["target"]["imageID"]
    upstreams = {u["name"] for m in matches for u in m["artifact"].get("upstreams") or []}
    assert {one.package.source_name for one in found.findings if one.package} - {""} == upstreams


def inspected(findings: list[dict[str, Any]], found: inspector_report.Read) -> None:
    """What Inspector's findings say is what ours say."""
    open_ = [one for one in findings if one["status"] != "CLOSED"]
    details = [one["packageVulnerabilityDetails"] for one in open_]
    pairs = [(d, p) for d in details for p in d["vulnerablePackages"]]
    assert len(found.findings) == len(pairs)
    assert found.closed == len(findings) - len(open_)
    written = Counter(
        (
            plain(p["name"]),
            (f"{p['epoch']}:" if p.get("epoch") else "")
            + p["version"]
            + (f"-{p['release']}" if p.get("release") else ""),
        )
        for _, p in pairs
    )
    assert versions(found.findings) == written
    assert called(found.findings) >= {d["vulnerabilityId"] for d in details} | {
        one for d in details for one in d.get("relatedVulnerabilities") or []
    }
    own = scores(open_, "score", "inspectorScore") if "score" in open_[0] else scores(open_, "inspectorScore")
    assert rated(found.findings) >= scores(details, "baseScore")
    assert rated(found.findings) - scores(details, "baseScore") <= own
    assert vectors(found.findings) == set(texts(details, "scoringVector"))
    fixed = {p.get("fixedInVersion") for _, p in pairs} - {None, "NotAvailable"}
    assert {one.fixed_in for one in found.findings} - {""} == {one.removeprefix("0:") for one in fixed}
    links = {u for d in details for u in [d.get("sourceUrl"), *d.get("referenceUrls", [])] if u}
    assert {url for one in found.findings for url in one.urls} == links
    assert {one.epss.score for one in found.findings if one.epss} == scores(
        [o.get("epss") for o in open_], "score"
    )
    for one in found.findings:
        wanted = {
            d["vendorSeverity"]
            for d in details
            if d["vulnerabilityId"] in one.names and "vendorSeverity" in d
        }
        assert not wanted or any(f"vendor: {word}" in one.remark for word in wanted)


@pytest.mark.parametrize("path", sorted((SAMPLES / "ecr").glob("enhanced-*.json")), ids=lambda p: p.name)
def test_ecr_enhanced(path: Path) -> None:
    given, found = load(path), inspector_report.Read()
    inspector_report.read_ecr(document(path.read_bytes()), found)
    inspected(given["imageScanFindings"]["enhancedFindings"], found)
    counts = given["imageScanFindings"]["findingSeverityCounts"]
    assert sum(counts.values()) == len(found.findings)
    assert Counter(str(one.severity) for one in found.findings) == Counter(
        {{"UNTRIAGED": "unknown"}.get(word, word.lower()): number for word, number in counts.items()}
    )


@pytest.mark.parametrize("path", sorted((SAMPLES / "inspector").glob("*.json")), ids=lambda p: p.name)
def test_inspector(path: Path) -> None:
    given, found = load(path), inspector_report.Read()
    for one in document(path.read_bytes()).each("findings"):
        inspector_report.read_inspector(one, found)
    inspected(given["findings"], found)


@pytest.mark.parametrize("path", sorted((SAMPLES / "ecr").glob("basic-*.json")), ids=lambda p: p.name)
def test_ecr_basic(path: Path) -> None:
    given, found = load(path), inspector_report.Read()
    inspector_report.read_ecr(document(path.read_bytes()), found)
    listed = given["imageScanFindings"]["findings"]
    told = [{a["key"]: a["value"] for a in one["attributes"]} for one in listed]
    assert len(found.findings) == len(listed)
    assert versions(found.findings) == Counter((t["package_name"], t["package_version"]) for t in told)
    assert rated(found.findings) == {float(t["CVSS2_SCORE"]) for t in told}
    assert vectors(found.findings) == {t["CVSS2_VECTOR"] for t in told}
    assert [one.id for one in found.findings] == [one["name"] for one in listed]
    assert [one.urls for one in found.findings] == [(one["uri"],) for one in listed]
    assert sum(given["imageScanFindings"]["findingSeverityCounts"].values()) == len(found.findings)
