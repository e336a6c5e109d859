"""One finding in words: every table, document and summary tells it by these, and by no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelway.core.findings import Finding, Fixable, Origin, Place
from modelway.core.json import JsonObject
from modelway.core.policy import Judged, Ruling, Verdict

COLUMNS = ("severity", "finding", "package or file", "installed", "fixed in", "brought by", "why")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding and what becomes of it."""

    ruling: Ruling
    severity: str
    """What the policy reckons with."""
    id: str
    thing: str
    """The package that has it, or the file."""
    installed: str
    fix: str
    """The version to install; ``no fix``, ``unknown``, or nothing where no version could mend it."""
    origin: str
    """Who brings it into the image: a line of the repository, the base image, the image's file."""
    why: str
    """Why the policy rules so; of a waived one, until when and for what reason."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Under ``COLUMNS``."""
        return self.severity, self.id, self.thing, self.installed, self.fix, self.origin, self.why

    @property
    def json(self) -> JsonObject:
        """For documents of others, which have no place for words of ours but a list of properties."""
        return {
            "ruling": str(self.ruling),
            "severity": self.severity,
            "id": self.id,
            "package": self.thing,
            "installed": self.installed,
            "fix": self.fix,
            "brought_by": self.origin,
            "why": self.why,
        }


def told(one: Judged) -> Told:
    """A judged finding in words."""
    finding = one.finding
    return Told(
        ruling=one.ruling,
        severity=str(one.severity),
        id=finding.id,
        thing=finding.thing,
        installed=finding.installed,
        fix=fix(finding),
        origin=origin(finding),
        why=why(one),
    )


def rows(judged: Iterable[Judged]) -> Iterator[tuple[str, ...]]:
    """Rows under ``COLUMNS``."""
    return (told(one).cells for one in judged)


def why(one: Judged) -> str:
    """Why it is ruled so."""
    waiver = one.waiver
    if waiver is None:
        return one.why
    by = f" ({waiver.owner})" if waiver.owner else ""
    return f"waived until {waiver.expires}{by}: {waiver.reason}"


def fix(finding: Finding) -> str:
    """The version to install, or that nobody knows one."""
    if finding.fixed_in or finding.package is None:
        return finding.fixed_in
    return {Fixable.NO: "no fix", Fixable.UNKNOWN: "unknown"}.get(finding.fixable, "")


def origin(finding: Finding) -> str:
    """Who brings it in: a line of the repository where that is known."""
    if finding.brought_by:
        return f"{finding.brought_by.file}:{finding.brought_by.line}"
    place = finding.location
    if place and place.place is not Place.IMAGE:
        return f"{place.file}:{place.line}" if place.line else place.file
    return "the base image" if finding.origin is Origin.BASE else finding.path


def what(finding: Finding) -> str:
    """A finding and its place: a package with its fix, or a file with what gave it away."""
    if finding.package or not finding.location:
        mended = f"fixed in {finding.fixed_in}" if finding.fixed_in else "no fixed version known"
        return f"{finding.id} in {finding.thing} {finding.installed} ({mended})"
    place = finding.location
    line = f":{place.line}" if place.line else ""
    deleted = ", which a later layer deletes or replaces and every pull still brings" if place.deleted else ""
    shown = f" ({finding.evidence.masked})" if finding.evidence else ""
    return f"{finding.title or finding.id} [{finding.id}] in {place.file}{line}{deleted}{shown}"


def sentence(one: Judged) -> str:
    """A judged finding in one line."""
    return f"{what(one.finding)}: {why(one)}"


def counts(verdict: Verdict) -> str:
    """How many stop, are waived and pass, in one line."""
    every = (
        (verdict.blocking, "stop it"),
        (verdict.waived, "waived"),
        (verdict.below, "below the policy"),
    )
    return ", ".join(f"{len(each)} {words}" for each, words in every if each) or "no findings"
