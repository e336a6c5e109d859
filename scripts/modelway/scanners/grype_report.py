"""Grype's JSON report as findings: from 0.7, whose fixes and matches look otherwise, to today's.

Fields: anchore/grype, grype/presenter/models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelway.core.findings import Epss, Exploited, Finding, Package, Rating
from modelway.scanners.reading import (
    Node,
    document,
    ecosystem,
    first_line,
    fixable,
    name_in,
    names,
    nearest,
    rating,
    said,
    severity,
)

_BUILT_IN = "exact-indirect-match"
"""The match type of the rule by which Grype itself leaves out kernel headers (grype, cmd/grype/cli)."""
_UNFIXED = frozenset({"not-fixed", "wont-fix"})
_OS = frozenset({"deb", "apk", "rpm"})


@dataclass(slots=True, kw_only=True)
class Read:
    """What a report holds."""

    version: str = ""
    subject: str = ""
    """The image config's digest."""
    family: str = ""
    release: str = ""
    built: datetime | None = None
    """When its database was built, where it says so."""
    packages: dict[tuple[str, str, str, str], Package] = field(default_factory=dict)
    """Those with findings: Grype lists no others."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(raw: bytes) -> Read:
    """Everything in a report; raises ``reading.Wrong``."""
    report = document(raw)
    distro, descriptor = report.inner("distro"), report.inner("descriptor")
    source = report.inner("source")
    target = source.inner("target") if isinstance(source.value.get("target"), Mapping) else Node({})
    found = Read(
        version=descriptor.text("version"),
        subject=target.text("imageID"),
        family=distro.text("name"),
        release=distro.text("version"),
        built=built(descriptor.inner("db")),
    )
    for match in report.each("matches", needed=True):
        found.findings.append(_finding(match, found))
    for match in report.each("ignoredMatches"):
        _ignored(match, found)
    return found


def built(about: Node) -> datetime | None:
    """When a database was built: under ``status`` since Grype 0.88, before that at the top."""
    for place in (about.inner("status"), about):
        try:
            return datetime.fromisoformat(place.text("built"))
        except ValueError:
            continue
    return None


def _ignored(match: Node, found: Read) -> None:
    """What a rule hides: one of Grype's own knowledge is a note, somebody's is judged all the same."""
    rules = [*match.each("appliedIgnoreRules")]
    vulnerability, artifact = match.inner("vulnerability"), match.inner("artifact")
    if rules and all(rule.text("match-type") == _BUILT_IN for rule in rules):
        name = f"{artifact.text('name')} {artifact.text('version')}"
        found.notes.append(f"{vulnerability.text('id')} in {name}: left out by Grype's own rule")
        return
    reasons = "; ".join(filter(None, (rule.text("reason") for rule in rules)))
    found.findings.append(_finding(match, found, remark=f"hidden by Grype: {reasons or 'an ignore rule'}"))


def _finding(match: Node, found: Read, remark: str = "") -> Finding:
    """One match: a vulnerability in a package."""
    one = match.inner("vulnerability")
    package = _package(match.inner("artifact"), found)
    fixed, state = _fix(one)
    versions = fixed if package.ecosystem in _OS else nearest(package.version, fixed)
    others = [*match.each("relatedVulnerabilities")]
    called = names(one.text("id", needed=True), (other.text("id") for other in others))
    urls = [link for each in (one, *others) for link in _links(each)]
    return Finding(
        id=called.id,
        aliases=called.aliases,
        package=package,
        fixed_in=versions[0] if versions else "",
        fixed_versions=versions,
        fixable=fixable(versions, False if state in _UNFIXED else None),
        severity=severity(one.text("severity")),
        severity_source=one.text("namespace"),
        ratings=tuple(_ratings(one)) + tuple(r for other in others for r in _ratings(other)),
        title=first_line(one.text("description") or next((o.text("description") for o in others), "")),
        urls=tuple(dict.fromkeys(filter(None, urls))),
        exploited=_exploited(one, others),
        epss=_epss(one) or next(filter(None, map(_epss, others)), None),
        remark=said(
            remark, "the vendor will not fix it" if state == "wont-fix" else "", _match(match), called.bundle
        ),
    )


def _fix(one: Node) -> tuple[tuple[str, ...], str]:
    """Fixed versions and the state; 0.7 had one text, and "None" in it."""
    if "fix" in one.value:
        return one.inner("fix").texts("versions"), one.inner("fix").text("state")
    old = one.text("fixedInVersion")
    return ((old,) if old not in {"", "None"} else ()), ""


def _package(artifact: Node, found: Read) -> Package:
    """The package matched."""
    purl = artifact.text("purl")
    kind = ecosystem(artifact.text("type"), purl)
    path, layer = _place(artifact)
    upstream = next(artifact.each("upstreams"), Node({}))
    version = artifact.text("version")
    package = Package(
        ecosystem=kind,
        name=name_in(kind, artifact.text("name", needed=True)),
        version=version,
        source_name=upstream.text("name"),
        source_version=upstream.text("version") or (version if upstream.text("name") else ""),
        path=path,
        layer=layer,
        purl=purl,
        licences=artifact.texts("licenses"),
    )
    return found.packages.setdefault((kind, package.name, version, path), package)


def _place(artifact: Node) -> tuple[str, str]:
    """Where the package lies; 0.7 had paths alone."""
    listed = artifact.value.get("locations")
    first = listed[0] if isinstance(listed, list) and listed else {}
    if isinstance(first, str):
        return first, ""
    place = Node(first if isinstance(first, Mapping) else {})
    return place.text("path"), place.text("layerID")


def _links(one: Node) -> tuple[str, ...]:
    """Addresses; 0.7 called them links."""
    return (*one.texts("dataSource"), *one.texts("urls"), *one.texts("links"))


def _ratings(one: Node) -> Iterator[Rating]:
    """The vendor's or NVD's word, and every CVSS score."""
    source = one.text("namespace") or one.text("dataSource")
    if word := one.text("severity"):
        yield Rating(source=source, severity=severity(word))
    scores = one.value.get("cvss")
    for each in one.each("cvss") if isinstance(scores, list) else ():
        yield rating(
            each.text("source") or source, each.inner("metrics").number("baseScore"), each.text("vector")
        )


def _exploited(one: Node, others: list[Node]) -> Exploited | None:
    """The first catalogue of known exploited vulnerabilities that has it."""
    for node in (one, *others):
        for listed in node.each("knownExploited"):
            return Exploited(
                source=listed.text("catalog") or "CISA KEV",
                added=listed.text("dateAdded"),
                due=listed.text("dueDate"),
            )
    return None


def _epss(one: Node) -> Epss | None:
    """The highest of the estimates."""
    listed = one.value.get("epss")
    found = one.each("epss") if isinstance(listed, list) else ()
    scored = [(each.number("epss") or 0.0, each) for each in found]
    if not scored:
        return None
    score, best = max(scored, key=lambda pair: pair[0])
    return Epss(score=score, percentile=best.number("percentile"), day=best.text("date"))


def _match(match: Node) -> str:
    """How sure the match is: one by CPE often is none."""
    details = match.value.get("matchDetails")
    kinds = [one.text("type") for one in match.each("matchDetails")] if isinstance(details, list) else []
    return "matched by CPE only: often a false alarm" if kinds and set(kinds) == {"cpe-match"} else ""
