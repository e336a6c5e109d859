"""Whether an installed version is in an advisory's ranges (OSV schema, "Evaluation")."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import TypeAlias

from packaging.version import InvalidVersion, Version

from modelway.scanners.builtin import apk, dpkg, rpm
from modelway.scanners.builtin.osv import Range

_LEADING = re.compile(r"v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,9}")
_MOST = 256
_EVENT_ORDER = {"limit": 0, "fixed": 0, "introduced": 1, "last_affected": 2}


@total_ordering
@dataclass(frozen=True, slots=True)
class Point:
    """A place in an ecosystem's order of versions."""

    key: dpkg.Key | apk.Key | rpm.Key | Version
    exact: bool = True
    """Whether the version is one its ecosystem knows to compare; else its leading numbers stand for it."""

    def __lt__(self, other: Point) -> bool:
        return bool(self.key < other.key)  # type: ignore[operator]  # both of one ecosystem

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


Compare: TypeAlias = Callable[[str], "Point | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an advisory means for an installed version."""

    affected: bool
    fixed_in: str = ""
    ended: bool = False
    """Only the last bad version is known: a good one may exist."""
    inexact: bool = False
    """Something could not be compared and was read to the advisory's favour."""


@lru_cache(maxsize=8192)
def pypi(version: str) -> Point | None:
    """PEP 440's order; ``None`` for a version without a number."""
    if len(version) > _MOST:
        return None
    try:
        return Point(Version(version))
    except InvalidVersion:
        leading = _LEADING.match(version)
        return Point(Version(leading[0]), exact=False) if leading else None


@lru_cache(maxsize=8192)
def debian(version: str) -> Point | None:
    """Debian's order; ``None`` for what dpkg would not accept."""
    try:
        return Point(dpkg.key(version))
    except dpkg.Unreadable:
        return None


@lru_cache(maxsize=8192)
def alpine(version: str) -> Point | None:
    """Alpine's order; ``None`` for what apk would not accept."""
    try:
        return Point(apk.key(version))
    except apk.Unreadable:
        return None


@lru_cache(maxsize=8192)
def redhat(version: str) -> Point | None:
    """Rpm's order; ``None`` for what is no version."""
    try:
        return Point(rpm.key(version))
    except rpm.Unreadable:
        return None


def evaluate(version: str, ranges: Sequence[Range], versions: Collection[str], compare: Compare) -> Outcome:
    """Listed by name, or within a range; what cannot be compared counts as affected."""
    here = compare(version)
    if here is None:
        hit = version in versions or bool(ranges)
        return Outcome(affected=hit, inexact=version not in versions, ended=True)
    outcomes = [one for one in (_within(here, events, compare) for events in ranges) if one.affected]
    spelled = version in versions or (not ranges and _spelled_otherwise(here, versions, compare))
    if not outcomes and not spelled:
        return Outcome(affected=False)
    fixes = [(point, one.fixed_in) for one in outcomes if (point := compare(one.fixed_in))]
    return Outcome(
        affected=True,
        fixed_in=max(fixes, key=lambda fix: fix[0])[1] if fixes else "",
        ended=not outcomes or any(one.ended for one in outcomes),
        inexact=not here.exact or any(one.inexact for one in outcomes),
    )


def _spelled_otherwise(here: Point, versions: Iterable[str], compare: Compare) -> bool:
    """Whether the list has this version as another text: ``1.0`` for ``1.0.0``."""
    return any(point == here and point.exact and here.exact for point in map(compare, versions) if point)


def _within(here: Point, events: Range, compare: Compare) -> Outcome:
    """Walk the events in version order; the last one at or below the version decides."""
    bad, inexact = False, False
    walk: list[tuple[Point, str, str]] = []
    for name, text in events:
        point = None if (name, text) == ("introduced", "0") else compare(text)
        if point is None:
            bad |= name == "introduced"
            inexact |= text != "0"
        elif name != "limit":
            walk.append((point, name, text))
    walk.sort(key=lambda step: (step[0], _EVENT_ORDER[step[1]]))
    for point, name, _ in walk:
        match name:
            case "introduced" if here >= point:
                bad = True
            case "fixed" if here > point or (here >= point and point.exact and here.exact):
                bad = False
            case "last_affected" if here > point:
                bad = False
            case _:
                pass
    fixes = [text for point, name, text in walk if name == "fixed" and point > here]
    return Outcome(
        affected=bad,
        fixed_in=fixes[0] if fixes else "",
        ended=not fixes and any(name == "last_affected" for _, name, _ in walk),
        inexact=inexact or not all(point.exact for point, _, _ in walk),
    )
