"""What AWS's scanners answer: ECR basic, ECR enhanced and Inspector's own findings, and ScanSbom's CycloneDX.

Shapes: botocore's models of ecr (DescribeImageScanFindings) and inspector2 (ListFindings); for ScanSbom
docs.aws.amazon.com/inspector/latest/user/sbom-generator.html, "Amazon Inspector SBOM scan".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from modelway.core.findings import (
    Epss,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Location,
    Package,
    Place,
    Rating,
)
from modelway.scanners.reading import (
    Node,
    Wrong,
    ecosystem,
    first_line,
    fixable,
    name_in,
    names,
    rating,
    said,
    severity,
)

_NO_FIX = frozenset({"", "NotAvailable", "N/A", "null", "None"})
_FIX = {"YES": Fixable.YES, "PARTIAL": Fixable.YES, "NO": Fixable.NO}
_MANAGERS = {
    "OS": "",
    "PIP": "pypi",
    "PYTHON": "pypi",
    "PYTHONPKG": "pypi",
    "PIPENV": "pypi",
    "POETRY": "pypi",
    "NPM": "npm",
    "NODEPKG": "npm",
    "YARN": "npm",
    "PNPM": "npm",
    "GOMOD": "golang",
    "GOBINARY": "golang",
    "GO": "golang",
    "JAR": "maven",
    "POM": "maven",
    "BUNDLER": "gem",
    "GEMSPEC": "gem",
    "CARGO": "cargo",
    "COMPOSER": "composer",
    "NUGET": "nuget",
    "DOTNET": "nuget",
}
"""Inspector's package managers; ``OS`` means the distribution's, which the platform names."""
_FAMILIES = {
    **dict.fromkeys(("DEBIAN", "UBUNTU", "DISTROLESS"), "deb"),
    **dict.fromkeys(("ALPINE", "WOLFI", "CHAINGUARD"), "apk"),
    **dict.fromkeys(
        ("AMAZON", "AL", "REDHAT", "RHEL", "CENTOS", "ORACLE", "FEDORA", "ROCKY", "ALMA", "SUSE"), "rpm"
    ),
}
_SBOM = "amazon:inspector:sbom_scanner:"


@dataclass(slots=True, kw_only=True)
class Read:
    """What an answer holds."""

    packages: dict[tuple[str, str, str, str], Package] = field(default_factory=dict)
    """Those with findings: AWS lists no others."""
    findings: list[Finding] = field(default_factory=list)
    closed: int = 0
    """Findings Inspector says are over."""
    notes: list[str] = field(default_factory=list)


def read_ecr(answer: Node, into: Read) -> int:
    """Findings of one page of DescribeImageScanFindings, and how many it has; raises ``reading.Wrong``."""
    inner = answer.inner("imageScanFindings")
    enhanced, basic = [*inner.each("enhancedFindings")], [*inner.each("findings")]
    for one in enhanced:
        read_inspector(one, into)
    into.findings += [_basic(one, into) for one in basic]
    return len(enhanced) + len(basic)


def read_inspector(one: Node, into: Read) -> None:
    """One finding of Inspector: as many of ours as it names packages; what it names decides, not its type."""
    about_package = one.value.get("packageVulnerabilityDetails")
    if not about_package and one.text("type") not in {"", "PACKAGE_VULNERABILITY"}:
        into.notes.append(
            f"{one.text('title') or one.text('type')}: not about a package, so left to Inspector"
        )
        return
    details = one.inner("packageVulnerabilityDetails")
    if one.text("status") == "CLOSED":
        into.closed += 1
        into.notes.append(f"{details.text('vulnerabilityId')}: Inspector has closed it")
        return
    listed = [*details.each("vulnerablePackages")]
    if not listed:
        raise Wrong(f"{details.where}.vulnerablePackages: expected a package, got none")
    into.findings += [_enhanced(one, details, each, into) for each in listed]


def _remember(package: Package, into: Read) -> Package:
    key = (package.ecosystem, package.name, package.version, package.path)
    return into.packages.setdefault(key, package)


def _basic(one: Node, into: Read) -> Finding:
    """A finding of ECR's own scanner, which knows no fixed versions: whether there is one is unknown."""
    told = {each.text("key"): each.text("value") for each in one.each("attributes")}
    version, name = told.get("package_version", ""), told.get("package_name", "")
    package = _remember(Package(ecosystem="", name=name, version=version), into) if name else None
    url, source = one.text("uri"), "ecr basic"
    ratings = [Rating(source=source, severity=severity(one.text("severity")))]
    for generation in ("CVSS4", "CVSS3", "CVSS2"):
        score, vector = told.get(f"{generation}_SCORE", ""), told.get(f"{generation}_VECTOR", "")
        if score or vector:
            ratings.append(rating(generation, Node({"score": score}).number("score"), vector))
    return Finding(
        id=one.text("name", needed=True),
        package=package,
        fixable=Fixable.UNKNOWN,
        severity=severity(one.text("severity")),
        severity_source=source,
        ratings=tuple(ratings),
        title=first_line(one.text("description")),
        urls=(url,) if url else (),
    )


def _enhanced(one: Node, details: Node, each: Node, into: Read) -> Finding:
    """A finding of Inspector in one of its packages."""
    package = _remember(_package(one, each), into)
    raw = each.text("fixedInVersion")
    fixed = () if raw in _NO_FIX else (raw.removeprefix("0:"),)
    called = names(details.text("vulnerabilityId", needed=True), details.texts("relatedVulnerabilities"))
    vendor = details.text("vendorSeverity")
    ratings = [Rating(source="inspector", severity=severity(one.text("severity")), score=_score(one))]
    ratings += [
        rating(cvss.text("source"), cvss.number("baseScore"), cvss.text("scoringVector"))
        for cvss in details.each("cvss")
    ]
    if vendor:
        ratings.append(Rating(source=details.text("source"), severity=severity(vendor)))
    return Finding(
        id=called.id,
        aliases=called.aliases,
        package=package,
        fixed_in=fixed[0] if fixed else "",
        fixed_versions=fixed,
        fixable=Fixable.YES if fixed else _FIX.get(one.text("fixAvailable"), Fixable.UNKNOWN),
        severity=severity(one.text("severity")),
        severity_source="inspector",
        ratings=tuple(ratings),
        title=first_line(one.text("title") or one.text("description")),
        urls=tuple(dict.fromkeys(filter(None, [details.text("sourceUrl"), *details.texts("referenceUrls")]))),
        published=details.text("vendorCreatedAt"),
        modified=details.text("vendorUpdatedAt"),
        epss=_epss(one.inner("epss").number("score")),
        remark=said(
            "suppressed in Inspector" if one.text("status") == "SUPPRESSED" else "",
            "an exploit is public" if one.text("exploitAvailable") == "YES" else "",
            f"vendor: {vendor}" if vendor else "",
            called.bundle,
        ),
    )


def _score(one: Node) -> float | None:
    """Inspector's own score; 0 is how it writes that it has none."""
    return one.number("score") or one.number("inspectorScore") or None


def _epss(score: float | None) -> Epss | None:
    return None if score is None else Epss(score=score)


def _package(one: Node, each: Node) -> Package:
    """The package: ``[epoch:]version[-release]``. The layer Inspector names is of the compressed layer."""
    manager = each.text("packageManager")
    kind = _MANAGERS.get(manager, ecosystem(manager)) or _of_platform(one)
    epoch, release = each.line("epoch"), each.text("release")
    return Package(
        ecosystem=kind,
        name=name_in(kind, each.text("name", needed=True)),
        version=f"{f'{epoch}:' if epoch else ''}{each.text('version')}{f'-{release}' if release else ''}",
        path=f"/{each.text('filePath').lstrip('/')}" if each.text("filePath") else "",
    )


def _of_platform(one: Node) -> str:
    """The kind of the distribution's packages: ``DEBIAN_12`` has deb."""
    for resource in one.each("resources"):
        platform = resource.inner("details").inner("awsEcrContainerImage").text("platform")
        if platform:
            return _FAMILIES.get(platform.split("_")[0].upper(), "")
    return ""


# --- ScanSbom ---


def read_sbom(answer: Node) -> Read:
    """ScanSbom's answer: a CycloneDX document with ``vulnerabilities``; raises ``reading.Wrong``."""
    into = Read()
    document = answer.inner("sbom") if "sbom" in answer.value else answer
    if document.text("bomFormat") != "CycloneDX":
        raise Wrong(f"bomFormat: expected CycloneDX, got {document.text('bomFormat') or 'nothing'}")
    components = {one.text("bom-ref"): one for one in document.each("components")}
    for one in document.each("vulnerabilities"):
        for affected in one.each("affects"):
            reference = affected.text("ref", needed=True)
            component = components.get(reference)
            if component is None:
                raise Wrong(f"{affected.where}.ref: expected the bom-ref of a component, got {reference!r}")
            into.findings.append(_of_sbom(one, component, reference, into))
    return into


def _properties(one: Node) -> dict[str, str]:
    """Inspector's properties by their short names."""
    return {each.text("name").removeprefix(_SBOM): each.text("value") for each in one.each("properties")}


def _of_sbom(one: Node, component: Node, reference: str, into: Read) -> Finding:
    """One vulnerability of one component."""
    told, name = _properties(one), one.text("id", needed=True)
    raw = told.get(f"fixed_version:{reference}", "")
    fixed = () if raw in _NO_FIX else (raw.removeprefix("0:"),)
    called = names(name, (each.text("id") for each in one.each("references")))
    ratings = tuple(_sbom_ratings(one))
    worst = max(ratings, key=lambda r: r.severity.rank, default=None)
    docker = name.startswith("IN-DOCKER")
    return Finding(
        kind=Kind.MISCONFIGURATION if docker else Kind.VULNERABILITY,
        id=called.id,
        aliases=called.aliases,
        package=None if docker else _remember(_component(component), into),
        location=Location(place=Place.CONFIG, file=component.text("name")) if docker else None,
        fixed_in=fixed[0] if fixed else "",
        fixed_versions=fixed,
        fixable=fixable(fixed, False),  # noqa: FBT003 - ScanSbom names every fix it knows
        severity=worst.severity if worst else severity(""),
        severity_source=worst.source if worst else "",
        ratings=ratings,
        title=first_line(one.text("description")),
        urls=tuple(_advisories(one)),
        published=one.text("created"),
        modified=one.text("updated"),
        exploited=_known_exploited(told),
        epss=next(_sbom_epss(one), None),
        remark=said(
            one.inner("analysis").text("state").replace("_", " "),
            "an exploit is public" if told.get("exploit_available", "").lower() == "true" else "",
            called.bundle,
        ),
    )


def _advisories(one: Node) -> Iterator[str]:
    if url := one.inner("source").text("url"):
        yield url
    yield from (url for each in one.each("advisories") if (url := each.text("url")))


def _known_exploited(told: dict[str, str]) -> Exploited | None:
    """CISA's catalogue by its dates."""
    if added := told.get("cisa_kev_date_added", ""):
        return Exploited(source="CISA KEV", added=added, due=told.get("cisa_kev_date_due", ""))
    return None


def _sbom_ratings(one: Node) -> Iterator[Rating]:
    for each in one.each("ratings"):
        source = each.inner("source").text("name")
        if source != "EPSS":
            worth = severity(each.text("severity"))
            yield Rating(
                source=source, severity=worth, score=each.number("score"), vector=each.text("vector")
            )


def _sbom_epss(one: Node) -> Iterator[Epss]:
    for each in one.each("ratings"):
        score = each.number("score")
        if each.inner("source").text("name") == "EPSS" and score is not None:
            yield Epss(score=score)


def _component(component: Node) -> Package:
    purl = component.text("purl")
    kind = ecosystem("", purl)
    path = _properties(component).get("path", "")
    return Package(
        ecosystem=kind,
        name=name_in(kind, component.text("name", needed=True)),
        version=component.text("version"),
        path=path,
        purl=purl,
    )
