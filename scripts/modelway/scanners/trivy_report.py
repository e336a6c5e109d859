"""Trivy's JSON report (schema 2; the list of results older releases wrote, too) as findings and packages.

Fields: aquasecurity/trivy, pkg/types/report.go and pkg/fanal/types.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelway.core.findings import (
    Evidence,
    Finding,
    Kind,
    Location,
    Package,
    Place,
    Rating,
    Severity,
)
from modelway.scanners.reading import (
    Node,
    document,
    ecosystem,
    first_line,
    fixable,
    listed,
    name_in,
    names,
    nearest,
    rating,
    said,
    severity,
)

_FIXED = {
    "fixed": True,
    "affected": False,
    "will_not_fix": False,
    "fix_deferred": False,
    "end_of_life": False,
}
"""What a Status says of a fix; ``unknown``, ``under_investigation`` and none at all say nothing."""
_VENDOR = (Severity.UNKNOWN, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
"""Trivy's numbers of severity (trivy-db, pkg/types/types.go)."""
_OS = frozenset({"deb", "apk", "rpm"})
_KEPT = {"PASS", "EXCEPTION"}
"""What Trivy says of checks that found nothing, or whose finding somebody accepted; all others count."""


@dataclass(slots=True, kw_only=True)
class Read:
    """What a report holds."""

    version: str = ""
    """Trivy's version, where the report says it."""
    artifact: str = ""
    """What was scanned, as Trivy calls it: results about the image's config have that name."""
    subject: str = ""
    """The image config's digest."""
    family: str = ""
    """The distribution, as in ``debian``."""
    release: str = ""
    packages: dict[tuple[str, str, str, str], Package] = field(default_factory=dict)
    """By ecosystem, name, version and path."""
    findings: list[Finding] = field(default_factory=list)
    checks: int = 0
    """Checks of misconfiguration that were made."""


def read(raw: bytes) -> Read:
    """Everything in a report; raises ``reading.Wrong``."""
    report = listed(raw) if raw.lstrip().startswith(b"[") else document(raw)
    metadata = report.inner("Metadata")
    found = Read(
        version=report.inner("Trivy").text("Version"),
        artifact=report.text("ArtifactName"),
        subject=metadata.text("ImageID"),
        family=metadata.inner("OS").text("Family"),
        release=metadata.inner("OS").text("Name"),
    )
    results = "report" if "report" in report.value else "Results"
    for result in report.each(results):
        _result(result, found)
    if not report.value.keys() & {"report", "Results", "SchemaVersion"}:
        list(report.each("Results", needed=True))  # neither schema: says what is missing
    return found


def _result(result: Node, found: Read) -> None:
    """One target: a distribution, a lock file, a Dockerfile, a file with secrets."""
    for one in result.each("Packages"):
        _remember(_package(one, result), found)
    for one in result.each("Vulnerabilities"):
        found.findings.append(_vulnerability(one, result, found))
    for one in result.each("Secrets"):
        found.findings.append(_secret(one, result, found))
    summary, checks = result.inner("MisconfSummary"), [*result.each("Misconfigurations")]
    # Checks that passed are counted since 0.51 and not listed.
    found.checks += max(summary.count("Successes") + summary.count("Failures"), len(checks))
    failed = [one for one in checks if one.text("Status") not in _KEPT]
    found.findings += [_misconfiguration(one, result, found) for one in failed]
    for one in result.each("Licenses"):
        found.findings.append(_licence(one, result, found))
    found.findings += _hidden(result, found)


def _hidden(result: Node, found: Read) -> Iterator[Finding]:
    """What Trivy's own rules hide (.trivyignore, VEX): our policy judges it all the same."""
    for one in result.each("ExperimentalModifiedFindings"):
        inner, why = one.inner("Finding"), f"hidden by Trivy: {one.text('Status')} {one.text('Statement')}"
        match one.text("Type"):
            case "vulnerability":
                yield _vulnerability(inner, result, found, remark=why.strip())
            case "secret":
                yield _secret(inner, result, found, remark=why.strip())
            case "misconfiguration":
                yield _misconfiguration(inner, result, found, remark=why.strip())
            case _:
                yield _licence(inner, result, found, remark=why.strip())


def _remember(package: Package, found: Read) -> Package:
    """The package as it is known already, or as it is now."""
    key = (package.ecosystem, package.name, package.version, package.path)
    return found.packages.setdefault(key, package)


def _version(one: Node, prefix: str = "") -> str:
    """``[epoch:]version[-release]``."""
    epoch = one.line(f"{prefix}Epoch")
    release = one.text(f"{prefix}Release")
    head = f"{epoch}:" if epoch else ""
    version = one.text(f"{prefix}Version")
    return f"{head}{version}{f'-{release}' if release else ''}" if version else ""


def _path(one: Node, key: str) -> str:
    """A file in the image, absolute."""
    path = one.text(key)
    return f"/{path.lstrip('/')}" if path else ""


def _package(one: Node, result: Node) -> Package:
    """One installed package, of ``--list-all-pkgs``."""
    purl = one.inner("Identifier").text("PURL")
    kind = ecosystem(result.text("Type"), purl)
    return Package(
        ecosystem=kind,
        name=name_in(kind, one.text("Name", needed=True)),
        version=_version(one),
        source_name=one.text("SrcName"),
        source_version=_version(one, "Src"),
        path=_path(one, "FilePath"),
        layer=one.inner("Layer").text("DiffID"),
        purl=purl,
        licences=one.texts("Licenses"),
    )


def _of(one: Node, result: Node, found: Read) -> Package:
    """The package a vulnerability is in."""
    purl = one.inner("PkgIdentifier").text("PURL")
    kind = ecosystem(result.text("Type"), purl)
    package = Package(
        ecosystem=kind,
        name=name_in(kind, one.text("PkgName", needed=True)),
        version=one.text("InstalledVersion"),
        path=_path(one, "PkgPath"),
        layer=one.inner("Layer").text("DiffID"),
        purl=purl,
    )
    return _remember(package, found)


def _vulnerability(one: Node, result: Node, found: Read, remark: str = "") -> Finding:
    """One vulnerability of one package."""
    package = _of(one, result, found)
    fixed = tuple(part.strip() for part in one.text("FixedVersion").split(",") if part.strip())
    versions = fixed if package.ecosystem in _OS else nearest(package.version, fixed)
    status = one.text("Status")
    called = names(one.text("VulnerabilityID", needed=True), one.texts("VendorIDs"))
    unfixed = {"will_not_fix": "the vendor will not fix it"}.get(status, status.replace("_", " "))
    url = one.text("PrimaryURL")
    return Finding(
        id=called.id,
        aliases=called.aliases,
        package=package,
        fixed_in=versions[0] if versions else "",
        fixed_versions=versions,
        fixable=fixable(versions, _FIXED.get(status)),
        severity=severity(one.text("Severity")),
        severity_source=one.text("SeveritySource"),
        ratings=tuple(_ratings(one)),
        title=first_line(one.text("Title") or one.text("Description")),
        urls=tuple(dict.fromkeys(([url] if url else []) + [*one.texts("References")])),
        published=one.text("PublishedDate"),
        modified=one.text("LastModifiedDate"),
        remark=said(remark, "" if versions else unfixed, called.bundle),
    )


def _ratings(one: Node) -> Iterator[Rating]:
    """Every CVSS score, and every vendor's word that has none."""
    scored = set()
    for source, cvss in one.items("CVSS"):
        for generation in ("V40", "V3", "V2"):
            score, vector = cvss.number(f"{generation}Score"), cvss.text(f"{generation}Vector")
            if score is not None or vector:
                scored.add(source)
                yield rating(source, score, vector)
    for source, number in one.inner("VendorSeverity").value.items():
        known = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(_VENDOR)
        if source not in scored and known:
            yield Rating(source=source, severity=_VENDOR[int(str(number))])


def _secret(one: Node, result: Node, found: Read, remark: str = "") -> Finding:
    """A secret; Trivy masks it itself."""
    return Finding(
        kind=Kind.SECRET,
        id=one.text("RuleID", needed=True),
        location=Location(
            place=Place.CONFIG if _of_config(result, found) else Place.IMAGE,
            file="config" if _of_config(result, found) else _path(result, "Target"),
            line=one.line("StartLine"),
            layer=one.inner("Layer").text("DiffID"),
            deleted=one.value.get("Deleted") is True,
        ),
        severity=severity(one.text("Severity")),
        severity_source="trivy",
        title=one.text("Title"),
        evidence=Evidence(first_line(one.text("Match"))) if _masked(one.text("Match")) else None,
        remark=remark,
    )


def _of_config(result: Node, found: Read) -> bool:
    """Whether a result is about the image's config and history, which Trivy calls by the image's own name."""
    return bool(found.artifact) and result.text("Target") == found.artifact


def _masked(match: str) -> bool:
    """Whether Trivy has put stars in the secret's place; otherwise the line is not shown."""
    return "****" in match


def _misconfiguration(one: Node, result: Node, found: Read, remark: str = "") -> Finding:
    """A failed check of a Dockerfile, or of the image's config."""
    line = one.inner("CauseMetadata").line("StartLine")
    here = Location(place=Place.REPOSITORY, file=result.text("Target"), line=line)
    if _of_config(result, found):
        here = Location(place=Place.CONFIG, file="history")
    urls = dict.fromkeys([one.text("PrimaryURL"), *one.texts("References")])
    return Finding(
        kind=Kind.MISCONFIGURATION,
        id=one.text("ID") or one.text("AVDID", needed=True),
        aliases=tuple({one.text("AVDID")} - {"", one.text("ID")}),
        location=here,
        severity=severity(one.text("Severity")),
        severity_source="trivy",
        title=first_line(one.text("Message") or one.text("Title")),
        urls=tuple(url for url in urls if url),
        remark=remark or first_line(one.text("Resolution")),
    )


def _licence(one: Node, result: Node, found: Read, remark: str = "") -> Finding:
    """A licence of a package, or of a file."""
    kind, name = ecosystem(result.text("Type")), one.text("PkgName")
    known = [p for p in found.packages.values() if name and p.name == name_in(p.ecosystem, name)]
    package = Package(ecosystem=kind, name=name_in(kind, name), version="") if name else None
    file = _path(one, "FilePath")
    return Finding(
        kind=Kind.LICENCE,
        id=one.text("Name", needed=True),
        package=known[0] if known else package and _remember(package, found),
        location=Location(file=file) if file else None,
        severity=severity(one.text("Severity")),
        severity_source="trivy",
        title=f"licence of category {one.text('Category')}".strip(),
        urls=tuple(url for url in (one.text("Link"),) if url),
        remark=remark,
    )
