"""What the schema cannot say about scan policies: days, names, and who tries to loosen what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TypeAlias

from modelway.core.json import Json
from modelway.core.problem import Flaw, Level
from modelway.core.scan_spec import Organisation, ScanSpec, WaiverRules
from modelway.core.tighten import binding, demanded, loosenings, strictest

_PLACEHOLDER = "todo"
"""What the suggested waiver leaves to be written."""
Keys: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What waivers have to keep to."""

    today: date
    environments: Collection[str]
    rules: WaiverRules = field(default_factory=WaiverRules)
    by: str = ""
    """The file of the organisation's policy; empty where there is none."""


def waivers(written: Json, keys: Keys, demands: Demands) -> Iterator[Flaw]:
    """Every waiver of a list; whether it has ended is not asked."""
    for index, waiver in enumerate(written if isinstance(written, list) else ()):
        if isinstance(waiver, Mapping):
            yield from _day(waiver, (*keys, index, "expires"), demands)
            yield from _places(waiver, (*keys, index, "environments"), demands)
            yield from _duties(waiver, (*keys, index), demands)


def _day(waiver: Mapping[str, Json], path: Keys, demands: Demands) -> Iterator[Flaw]:
    """It ends on a day of the calendar that is not far away."""
    text = waiver.get("expires")
    if not isinstance(text, str):
        return
    try:
        expires = date.fromisoformat(text)
    except ValueError:
        yield Flaw(path=path, message=f"{text} is not a day of the calendar", cure="Write YYYY-MM-DD.")
        return
    most = demands.rules.max_days
    if expires - demands.today > timedelta(days=most):
        latest = demands.today + timedelta(days=most)
        by = f" by {demands.by}" if demands.by else ""
        message = f"the waiver lasts until {expires}; at most {most} days are allowed{by}"
        cure = f"Write {latest} or an earlier day, and review it then."
        yield Flaw(path=path, message=message, cure=cure)


def _places(waiver: Mapping[str, Json], path: Keys, demands: Demands) -> Iterator[Flaw]:
    """It names environments that there are."""
    named = waiver.get("environments")
    for index, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and demands.environments and name not in demands.environments:
            near = get_close_matches(name, list(demands.environments), 1)
            cure = f"Did you mean {near[0]}?" if near else f"Name one of {', '.join(demands.environments)}."
            yield Flaw(path=(*path, index), message=f"there is no environment {name!r}", cure=cure)


def _duties(waiver: Mapping[str, Json], path: Keys, demands: Demands) -> Iterator[Flaw]:
    """It says what the organisation wants to know, and is about something that may be waived."""
    for name in demands.rules.require:
        told = str(waiver.get(name) or "").strip()
        if not told or told.casefold() == _PLACEHOLDER:
            message = f"the waiver names no {name}, which {demands.by} asks of every waiver"
            yield Flaw(path=path, message=message, cure=f"Add {name}.")
    id_ = waiver.get("id")
    forbidden = {name.casefold() for name in demands.rules.never}
    if isinstance(id_, str) and id_.casefold() in forbidden:
        message = f"{demands.by} forbids waivers of {id_}"
        yield Flaw(path=(*path, "id"), message=message, cure="Remove the finding; it cannot be accepted.")


def loosened(
    scan: ScanSpec | None, environments: Mapping[str, ScanSpec], organisation: Organisation | None
) -> Iterator[Flaw]:
    """Every field that asks for less than what stands above it."""
    above = organisation or Organisation()
    own = scan or ScanSpec()
    whole = demanded(above.scan)
    yield from _loosened(whole, own, ("scan",), f"{above.path} demands")
    general = binding(strictest(whole, own))
    for name, inner in environments.items():
        there = above.environments.get(name)
        outer = strictest(general, there) if there else general
        by = f"scan{f', or {above.path},' if above.path else ''} demands"
        yield from _loosened(outer, inner, ("environments", name, "scan"), by)


def of_organisation(organisation: Organisation) -> Iterator[Flaw]:
    """The organisation's own environments tighten what it asks of all."""
    for name, inner in organisation.environments.items():
        yield from _loosened(organisation.scan, inner, ("environments", name), "scan demands")


def _loosened(outer: ScanSpec, inner: ScanSpec, keys: Keys, who: str) -> Iterator[Flaw]:
    for one in loosenings(outer, inner):
        yield Flaw(
            path=(*keys, one.field),
            message=f"{one.field} {one.asked} is looser than the {one.demanded} {who}",
            cure=f"Write {one.demanded} or something stricter, or remove {one.field}.",
        )


def idle(scan: ScanSpec, keys: Keys) -> Iterator[Flaw]:
    """Fields that do nothing beside the others."""
    if "unknown_fix" in scan.said and not scan.only_fixable:
        yield Flaw(
            path=(*keys, "unknown_fix"),
            message="unknown_fix without only_fixable decides nothing",
            cure="Add only_fixable: true, or remove unknown_fix.",
            level=Level.WARNING,
        )
    if scan.warn_database_age > scan.max_database_age:
        yield Flaw(
            path=(*keys, "warn_database_age"),
            message="warn_database_age is longer than max_database_age: there would be no warning",
            cure="Write a shorter time.",
        )
