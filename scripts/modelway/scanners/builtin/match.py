"""Inventory and advisories put together: one finding for each vulnerability of each package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from modelway.core.findings import Finding, Fixable, Package, Rating, Severity
from modelway.core.plain import shown
from modelway.core.report import Unread
from modelway.scanners.builtin import versions
from modelway.scanners.builtin.distro import FAMILIES, ecosystems
from modelway.scanners.builtin.index import CURE, Advisory, Index
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.osv import WORDS, Affected, moment
from modelway.scanners.builtin.versions import Compare, Outcome

PYPI = "PyPI"
_MODULE = ".module"
_CURES = {
    "conda": "install them with pip or from the distribution; or list grype under scan.scanners",
    "Amazon Linux": "import Amazon's updateinfo.xml.gz with `scripts/run scan-db import`; or list ecr, trivy"
    " or grype under scan.scanners",
}
"""Where OSV has nothing."""
_PREFERRED = ("MAL-", "CVE-", "GHSA-", "PYSEC-")
_URLS = 5


@dataclass(frozen=True, slots=True)
class _Hit:
    """An advisory that is about an installed version."""

    advisory: Advisory
    affected: Affected
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Question:
    """What the index is asked about a package."""

    ecosystems: tuple[str, ...]
    names: tuple[str, ...]
    version: str
    compare: Compare


@dataclass(slots=True)
class _Group:
    """Advisories about the same vulnerability of one package."""

    names: set[str]
    hits: list[_Hit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Matched:
    """What the advisories say of an inventory."""

    findings: tuple[Finding, ...]
    """Worst first."""
    unread: tuple[Unread, ...]
    """Packages nobody whose advisories are here speaks of."""
    notes: tuple[str, ...]
    """What could not be compared."""


def match(inventory: Inventory, index: Index) -> Matched:
    """Ask the index about every package."""
    findings: list[Finding] = []
    notes: set[str] = set()
    unasked: dict[str, list[Package]] = {}
    passed_over = {one.area for one in inventory.unread}
    for package in inventory.packages:
        if package.owner or f"packages:{package.ecosystem}" in passed_over:
            continue
        question = _question(package, inventory.distro, index)
        if not question.ecosystems:
            unasked.setdefault(package.ecosystem, []).append(package)
            continue
        hits = list(_hits(package, question, index, notes))
        findings += [_finding(package, group, index, question.compare) for group in _groups(hits)]
    findings.sort(key=lambda f: (-f.severity.rank, f.thing, f.id, f.path, f.installed))
    unread = tuple(_unjudged(which, some, inventory.distro, index) for which, some in unasked.items())
    return Matched(tuple(findings), unread, tuple(sorted(notes)))


def _unjudged(ecosystem: str, packages: Sequence[Package], distro: str, index: Index) -> Unread:
    """Packages there are no advisories for: that nothing was found says nothing."""
    first = f"{packages[0].name} {packages[0].version}"
    some = first if len(packages) == 1 else f"{first} and {len(packages) - 1} more"
    about = {"pypi": PYPI, "conda": "conda"}.get(ecosystem, distro)
    known = ", ".join(name for name, _ in index.about.ecosystems) or "nothing"
    return Unread(
        area=f"packages:{ecosystem}",
        what=f"{some}: the advisories say nothing of {about}; they know {shown(known)}",
        cure=_CURES.get(about.partition(":")[0], CURE),
    )


def _question(package: Package, distro: str, index: Index) -> _Question:
    """What to ask about a package; of no ecosystem where nobody could answer.

    A Python package that its distribution brought gets the distribution's patches: PyPI's advisories
    would call it vulnerable for ever.
    """
    if package.ecosystem in FAMILIES:
        about, compare = ecosystems(distro, index.known), FAMILIES[package.ecosystem].compare
        return _Question(about, _called(package), package.source_version, compare)
    about = tuple(name for name in (PYPI,) if package.ecosystem == "pypi" and name in index.known)
    return _Question(about, (package.name,), package.version, versions.pypi)


def _called(package: Package) -> tuple[str, ...]:
    """The names a distribution's advisories may have for a package.

    Debian's, Ubuntu's and Alpine's name what it was built from. Those for RPMs name what is installed,
    Rocky's sometimes what that was built from.
    """
    if package.ecosystem == "rpm":
        return tuple(dict.fromkeys((package.name, package.source_name)))
    return (package.source_name,)


def _hits(package: Package, question: _Question, index: Index, notes: set[str]) -> Iterator[_Hit]:
    """Every advisory about the installed version, once; what could not be compared is noted."""
    for ecosystem in question.ecosystems:
        told: set[str] = set()
        for name in question.names:
            answers = [one for one in index.affecting(ecosystem, name) if one[0].id not in told]
            told |= {advisory.id for advisory, _ in answers}
            for advisory, affected in answers:
                if package.ecosystem == "rpm" and not _same_stream(question.version, affected):
                    continue
                ranges, listed = affected.ranges, affected.versions
                outcome = versions.evaluate(question.version, ranges, listed, question.compare)
                if outcome.affected:
                    yield _Hit(advisory, affected, outcome)
                if outcome.inexact:
                    doing = "counted as affected" if outcome.affected else "compared as text only"
                    installed = f"{package.name} {question.version}"
                    notes.add(f"{advisory.id}: {installed} could not be compared; {doing}.")


def _same_stream(version: str, affected: Affected) -> bool:
    """Whether a fix is for this build: those of modules (``.module_el9``) are for modules only."""
    fixes = [text for events in affected.ranges for name, text in events if name == "fixed"]
    modular = _MODULE in version
    return not fixes or any((_MODULE in fix) == modular for fix in fixes)


def _groups(hits: Sequence[_Hit]) -> Iterator[_Group]:
    """Hits that share a name are one vulnerability; what covers several stands for itself.

    A DSA lists many CVEs. Joined with them it would join them with each other, and a waiver of one
    would waive all; so it is a finding of its own, unless each of its CVEs is one already.
    """
    groups = _joined(hit for hit in hits if not hit.advisory.covers)
    bundles = _joined(hit for hit in hits if hit.advisory.covers)
    known = {name for group in groups for name in group.names}
    yield from groups
    yield from (b for b in bundles if not all({*hit.advisory.covers} <= known for hit in b.hits))


def _joined(hits: Iterable[_Hit]) -> list[_Group]:
    """Hits that share a name, directly or through others, in one group."""
    by_name: dict[str, _Group] = {}
    for hit in hits:
        names = {hit.advisory.id, *hit.advisory.same}
        joined = _Group(names, [hit])
        for group in {id(found): found for name in names if (found := by_name.get(name))}.values():
            joined.names = joined.names | group.names
            joined.hits = [*group.hits, *joined.hits]
        by_name |= dict.fromkeys(joined.names, joined)
    return [*{id(group): group for group in by_name.values()}.values()]


def _finding(package: Package, group: _Group, index: Index, compare: Compare) -> Finding:
    """What all advisories about one vulnerability say together."""
    ratings = tuple(_ratings(group, index))
    worst = _severity(group, ratings)
    id_, *aliases = sorted(group.names, key=_preference)
    fixable, fixed_in = _fix([hit.outcome for hit in group.hits], compare)
    return Finding(
        id=id_,
        aliases=tuple(sorted(aliases)),
        package=package,
        fixed_in=fixed_in,
        fixed_versions=_fixes(group, compare),
        fixable=fixable,
        severity=worst.severity,
        severity_source=worst.source,
        ratings=ratings,
        title=_title(group),
        urls=tuple(dict.fromkeys(url for hit in group.hits for url in hit.advisory.urls))[:_URLS],
        published=min((p for hit in group.hits if moment(p := hit.advisory.published)), default=""),
        exploited=index.exploited(frozenset(group.names)),
        epss=index.epss(frozenset(group.names)),
        inexact=any(hit.outcome.inexact for hit in group.hits),
    )


def _ratings(group: _Group, index: Index) -> Iterator[Rating]:
    """Every source's opinion, of advisories that name other packages or versions too."""
    advisories = {hit.advisory.id: hit.advisory for hit in group.hits}
    for name in sorted(group.names - advisories.keys()):
        if (other := index.advisory(name)) and not other.covers:
            advisories[name] = other
    seen: set[Rating] = set()
    said = [Rating(source=hit.advisory.id, severity=WORDS[word]) for hit, word in _urgencies(group)]
    for rating in (*(r for one in advisories.values() for r in one.ratings), *said):
        if rating not in seen:
            seen.add(rating)
            yield rating


def _urgencies(group: _Group) -> Iterator[tuple[_Hit, str]]:
    """Where the distribution's security team gave its own word."""
    for hit in group.hits:
        word = hit.affected.urgency.lower().rstrip("*")
        if word in WORDS:
            yield hit, word


def _severity(group: _Group, ratings: Iterable[Rating]) -> Rating:
    """The worst known rating, but the distribution's word where it says that nothing is at stake."""
    mal = next((name for name in sorted(group.names) if name.startswith("MAL-")), "")
    if mal:
        return Rating(source=mal, severity=Severity.CRITICAL)
    urgencies = [word for _, word in _urgencies(group)]
    if len(urgencies) == len(group.hits) and {*urgencies} == {"unimportant"}:
        return Rating(source=f"{group.hits[0].advisory.id} (unimportant)", severity=Severity.NEGLIGIBLE)
    known = [rating for rating in ratings if rating.severity is not Severity.UNKNOWN]
    return max(known, key=lambda r: r.severity.rank, default=Rating(source="", severity=Severity.UNKNOWN))


def _fix(outcomes: Sequence[Outcome], compare: Compare) -> tuple[Fixable, str]:
    """The version that is good for every advisory that names one."""
    fixes = [(point, one.fixed_in) for one in outcomes if (point := compare(one.fixed_in))]
    if fixes:
        return Fixable.YES, max(fixes, key=lambda fix: fix[0])[1]
    return (Fixable.UNKNOWN if any(one.ended for one in outcomes) else Fixable.NO), ""


def _fixes(group: _Group, compare: Compare) -> tuple[str, ...]:
    """Every fixed version an advisory names, the lowest first."""
    found = {hit.outcome.fixed_in: point for hit in group.hits if (point := compare(hit.outcome.fixed_in))}
    return tuple(sorted(found, key=lambda version: found[version]))


def _title(group: _Group) -> str:
    """The first title there is; of a bundle, with what it covers."""
    title = next((hit.advisory.title for hit in group.hits if hit.advisory.title), "")
    covers = sorted({name for hit in group.hits for name in hit.advisory.covers})
    return f"{title} ({', '.join(covers[:10])}{', ...' if len(covers) > 10 else ''})" if covers else title  # noqa: PLR2004


def _preference(name: str) -> tuple[int, list[str | int]]:
    """CVE ids before others, and ids by their numbers."""
    first = next((i for i, prefix in enumerate(_PREFERRED) if name.startswith(prefix)), len(_PREFERRED))
    return first, [
        int(p) if p.isdecimal() and i % 2 else p for i, p in enumerate(re.split(r"([0-9]+)", name))
    ]
