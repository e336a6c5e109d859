"""One list out of several scanners' reports: what two tools found is one finding with two sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from modelway.core.findings import (
    Epss,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Origin,
    Package,
)
from modelway.core.image import Digest
from modelway.core.origin import by_layer
from modelway.core.report import Database, ImageLayer, Read, Report, Unread

_SYSTEM = {"", "deb", "apk", "rpm"}
"""Ecosystems whose packages belong to the operating system; their files do not tell copies apart."""
_BUNDLE = re.compile(
    r"(?:DSA|DLA|DTSA|USN|LSN|ALAS[0-9A-Z_.]*|ELSA|ELBA|RHSA|RHBA|RLSA|ALSA|SUSE-SU|openSUSE-SU)-"
)
"""Names of advisories about several vulnerabilities: two findings that share one are not the same."""
_PREFERRED = ("MAL-", "CVE-", "GHSA-", "PYSEC-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What all scanners say together of one image."""

    reports: tuple[Report, ...]
    subject: Digest
    platform: str
    distro: str
    layers: tuple[ImageLayer, ...]
    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    """Worst first."""
    read: tuple[Read, ...]
    """The most that any scanner read of each area."""
    unread: tuple[Unread, ...]
    """What no scanner could read."""
    notes: tuple[str, ...]

    @property
    def scanners(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(report.scanner for report in self.reports)

    @property
    def databases(self) -> tuple[tuple[str, Database], ...]:
        """The advisories each scanner used, of those that used any."""
        return tuple((one.scanner, one.database) for one in self.reports if one.database)


def merge(reports: Sequence[Report]) -> Merged:
    """Put reports about the same image together; raises ``ValueError`` for none, or for several images."""
    subjects = {report.subject for report in reports}
    if len(subjects) != 1:
        msg = f"{len(reports)} reports are about {len(subjects)} images"
        raise ValueError(msg)
    packages, stands_for = _packages(reports)
    layers = max((report.layers for report in reports), key=len)
    found = tuple(by_layer(joined(_credited(reports)), layers))
    return Merged(
        reports=tuple(reports),
        subject=reports[0].subject,
        platform=reports[0].platform,
        distro=next((report.distro for report in reports if report.distro), ""),
        layers=layers,
        packages=packages,
        findings=tuple(
            replace(one, package=stands_for[one.package]) if one.package else one for one in found
        ),
        read=tuple(_read(reports)),
        unread=_unread(reports),
        notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
    )


def joined(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same thing under any of its names, once; worst first, in the same order whatever came first.

    A tool that names a source package speaks of every package built from it.
    """
    groups: dict[int, Finding] = {}
    by_key: dict[tuple[Kind, str], list[int]] = {}
    for number, finding in enumerate(_in_order(findings)):
        near = dict.fromkeys(at for key in _keys(finding) for at in by_key.get((finding.kind, key), ()))
        mine = [at for at in near if at in groups and same(groups[at], finding)] or [number]
        for at in mine:
            groups[at] = _both(groups[at], finding) if at in groups else finding
        _fold(groups, mine)
        for at in mine:
            for key in _keys(groups[at]) if at in groups else ():
                by_key.setdefault((finding.kind, key), []).append(at)
    return tuple(sorted(groups.values(), key=_worst_first))


def _fold(groups: dict[int, Finding], numbers: Sequence[int]) -> None:
    """Groups that a finding joined with each other become the first of them."""
    for place, at in enumerate(numbers):
        for other in numbers[place + 1 :]:
            if at in groups and other in groups and same(groups[at], groups[other]):
                groups[at] = _both(groups[at], groups.pop(other))


def same(one: Finding, other: Finding) -> bool:
    """Whether two findings are about the same thing in the same place."""
    if one.kind is not other.kind or not _same_place(one, other):
        return False
    if one.kind is Kind.SECRET:
        return _same_secret(one, other)
    mine, others = _cves(one), _cves(other)
    if mine and others and not mine & others:  # an advisory that names both does not make them one
        return False
    return _lines_agree(one, other) and bool(_joining(one) & _joining(other))


def _same_secret(one: Finding, other: Finding) -> bool:
    """By fingerprint; by line where a tool masked the secret itself."""
    prints = [found.evidence.fingerprint if found.evidence else "" for found in (one, other)]
    if all(prints):
        return prints[0] == prints[1]
    return _line(one) == _line(other) > 0


def same_package(one: Package, other: Package) -> bool:
    """Whether two tools mean the same installed package; some name the source it was built from."""
    if one.ecosystem != other.ecosystem and not {one.ecosystem, other.ecosystem} <= _SYSTEM:
        return False
    if one.ecosystem not in _SYSTEM:
        apart = one.path and other.path and _file(one.path) != _file(other.path)
        return (one.name, one.version) == (other.name, other.version) and not apart
    if one.ecosystem != other.ecosystem and "" not in {one.ecosystem, other.ecosystem}:
        return False
    if (one.name, one.version) == (other.name, other.version):
        return True
    return any(
        _is_bare(bare) and (bare.name, bare.version) == (full.source_name, full.source_version)
        for bare, full in ((one, other), (other, one))
    )


def _same_place(one: Finding, other: Finding) -> bool:
    if one.package and other.package:
        return same_package(one.package, other.package)
    if one.location and other.location:
        here, there = one.location, other.location
        layers = {here.layer, there.layer} - {""}
        return (
            (here.place, _file(here.file)) == (there.place, _file(there.file)) and len(layers) < 2  # noqa: PLR2004  (one layer, or nobody said)
        )
    return one.thing == other.thing and not (one.package or other.package)


def _lines_agree(one: Finding, other: Finding) -> bool:
    """Whether both name the same line; a tool that names none agrees with any."""
    return _line(one) == _line(other) or 0 in {_line(one), _line(other)}


def _line(finding: Finding) -> int:
    return finding.location.line if finding.location else 0


def _both(one: Finding, other: Finding) -> Finding:
    """Everything two findings of the same thing say; where they differ, the worse counts."""
    names = sorted(one.names | other.names, key=preference)
    worse = max(one, other, key=lambda finding: finding.severity.rank)
    fixes = tuple(dict.fromkeys((*one.fixed_versions, *other.fixed_versions)))
    return replace(
        one,
        id=names[0],
        aliases=tuple(sorted(names[1:])),
        package=one.package or other.package,
        location=one.location or other.location,
        fixed_in=one.fixed_in or other.fixed_in,
        fixed_versions=fixes,
        fixable=_fixable(one.fixable, other.fixable),
        severity=worse.severity,
        severity_source=worse.severity_source,
        ratings=tuple(dict.fromkeys((*one.ratings, *other.ratings))),
        title=one.title or other.title,
        urls=tuple(dict.fromkeys((*one.urls, *other.urls))),
        published=min(filter(None, (one.published, other.published)), default=""),
        modified=max(one.modified, other.modified),
        exploited=_exploited(one.exploited, other.exploited),
        epss=_epss(one.epss, other.epss),
        malware=one.malware or other.malware,
        inexact=one.inexact and other.inexact,
        evidence=one.evidence or other.evidence,
        remark="; ".join(dict.fromkeys(filter(None, (one.remark, other.remark)))),
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
        origin=one.origin if one.origin is not Origin.UNKNOWN else other.origin,
        brought_by=one.brought_by or other.brought_by,
    )


def _fixable(one: Fixable, other: Fixable) -> Fixable:
    """A fix that anybody knows is one; a no counts only where nobody doubts it."""
    for answer in (Fixable.YES, Fixable.UNKNOWN):
        if answer in {one, other}:
            return answer
    return Fixable.NO


def _exploited(one: Exploited | None, other: Exploited | None) -> Exploited | None:
    """The one with the earlier day to mend it by."""
    return min(filter(None, (one, other)), key=lambda said: said.due or "9", default=None)


def _epss(one: Epss | None, other: Epss | None) -> Epss | None:
    return max(filter(None, (one, other)), key=lambda said: said.score, default=None)


def preference(name: str) -> tuple[int, list[str | int]]:
    """Sorts names: CVE ids before others, and ids by their numbers."""
    first = next((i for i, prefix in enumerate(_PREFERRED) if name.startswith(prefix)), len(_PREFERRED))
    parts = re.split(r"([0-9]+)", name)
    return first, [int(part) if i % 2 and part.isascii() else part for i, part in enumerate(parts)]


def _credited(reports: Sequence[Report]) -> Iterator[Finding]:
    """Every finding, with the scanner that found it."""
    for report in reports:
        for finding in report.findings:
            yield finding if finding.sources else replace(finding, sources=(report.scanner,))


def _packages(reports: Sequence[Report]) -> tuple[tuple[Package, ...], Mapping[Package, Package]]:
    """Each installed package once, and which of them stands for each that a scanner named."""
    named = dict.fromkeys(
        package
        for report in reports
        for package in (*report.packages, *(one.package for one in report.findings if one.package))
    )
    stands_for: dict[Package, Package] = {}
    by_name: dict[tuple[str, str], list[Package]] = {}
    for package in sorted(named, key=_is_bare):  # a stable sort
        keys = ((package.name, package.version), (package.source_name, package.source_version))
        near = [one for key in keys for one in by_name.get(key, ())]
        known = next((one for one in near if same_package(one, package)), None)
        stands_for[package] = known or package
        for key in keys if known is None else ():
            by_name.setdefault(key, []).append(package)
    return tuple(dict.fromkeys(stands_for.values())), stands_for


def _read(reports: Sequence[Report]) -> Iterator[Read]:
    areas = sorted({one.area for report in reports for one in report.read})
    for area in areas:
        yield Read(area=area, count=max(o.count for r in reports for o in r.read if o.area == area))


def _unread(reports: Sequence[Report]) -> tuple[Unread, ...]:
    """What nobody read: another scanner makes up for a whole area, not for one damaged file.

    A scanner without advisories lists packages and judges none: it makes up for no packages.
    """
    areas = {one.area for report in reports for one in report.read if report.database}
    areas |= {one.area for r in reports for one in r.read if not one.area.startswith("packages")}
    said = dict.fromkeys(one for report in reports for one in report.unread)
    return tuple(one for one in said if one.path or one.area not in areas)


def _keys(finding: Finding) -> Iterator[str]:
    """What the same finding of another tool shares at least one of."""
    if finding.kind is Kind.SECRET:
        yield _file(finding.path)
    else:
        yield from _joining(finding)


def _joining(finding: Finding) -> frozenset[str]:
    """The names that make two findings one, whatever their case."""
    names = [finding.id, *(name for name in finding.aliases if not _BUNDLE.match(name))]
    return frozenset(name.casefold() for name in names)


def _cves(finding: Finding) -> frozenset[str]:
    return frozenset(name for name in finding.names if name.startswith("CVE-"))


def _is_bare(package: Package) -> bool:
    """Whether the tool did not say which source it was built from; it may be the source itself."""
    return package.ecosystem in _SYSTEM and not package.source_name


def _file(path: str) -> str:
    return path.lstrip("/").removeprefix("./")


def _in_order(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The same order whatever came first. All a finding says is written out for equals only: that is slow."""
    placed = sorted(((_order(one), one) for one in findings), key=itemgetter(0))
    for _, equals in groupby(placed, key=itemgetter(0)):
        yield from sorted((one for _, one in equals), key=repr)


def _order(finding: Finding) -> tuple[object, ...]:
    """Those that say more first, which the others then join."""
    return (
        bool(finding.package and _is_bare(finding.package)),
        -len(finding.names),
        preference(finding.id),
        finding.thing,
        finding.installed,
        finding.path,
        finding.sources,
    )


def _worst_first(finding: Finding) -> tuple[object, ...]:
    return (-finding.severity.rank, finding.thing, finding.id, finding.path, finding.installed)
