"""What protects in a config's text, scan policies and keys, whatever else stands in it and is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from modelway.adapters import yaml_positions
from modelway.adapters.schema import Schema, Steps
from modelway.adapters.yaml_problems import located, misread
from modelway.core import checks_scan, parse, parse_scan
from modelway.core.checks_scan import Demands, Keys
from modelway.core.config import Signing
from modelway.core.json import Json, JsonObject
from modelway.core.naming import BUILD
from modelway.core.problem import Flaw, Level, Problem
from modelway.core.scan_spec import ScanSpec

_DEMANDED = {"schema_version", "name", "image", "environments"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a config says of scanning and of evidence."""

    path: str
    model: str
    """Empty where that cannot be told."""
    whole: bool = False
    """Whether it has all that a config must have: other files have a name, too."""
    scan: ScanSpec = field(default_factory=ScanSpec)
    environments: Mapping[str, ScanSpec] = field(default_factory=dict)
    signing: Mapping[str, Signing] = field(default_factory=dict)
    """The keys of the build and of the environments that have some."""
    before: Mapping[str, str | None] = field(default_factory=dict)
    """Of each environment, the one it is promoted from."""
    glass: Mapping[str, str] = field(default_factory=dict)
    """Of environments whose glass may be broken, the role it is done by."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the policies; with errors among them, they are empty."""


def read(path: str, text: str, today: date) -> Written:
    """The policies of a text of another commit; raises nothing."""
    node, mistakes = yaml_positions.read(text)
    problems = tuple(misread(path, mistake) for mistake in mistakes)
    top = node.value if node else None
    if node is None or not isinstance(top, Mapping):
        wrong = Problem(file=path, line=1, column=1, message="this is no config")
        return Written(path=path, model="", problems=problems or (wrong,))
    model = top.get("name")
    name = model if isinstance(model, str) else ""
    whole = top.keys() >= _DEMANDED
    written = dict(_policies(top))
    flaws = [flaw for flaw in Schema().flaws(top) if _about(flaw.path)]
    flaws += [] if flaws else _days(written, today)
    problems += tuple(located(path, node, flaw) for flaw in flaws)
    if any(one.level is Level.ERROR for one in problems):
        return Written(path=path, model=name, whole=whole, problems=problems)
    parsed = {keys: parse_scan.scan(one) for keys, one in written.items()}
    return Written(
        path=path,
        model=name,
        whole=whole,
        scan=parsed.pop(("scan",), ScanSpec()),
        environments={str(keys[1]): one for keys, one in parsed.items()},
        signing={author: parse.signing(one) for author, one in _signing(top)},
        before=_before(top),
        glass=_glass(top),
        problems=problems,
    )


def _places(top: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    places = top.get("environments")
    for name, place in places.items() if isinstance(places, Mapping) else ():
        if isinstance(place, Mapping):
            yield name, place


def _signing(top: JsonObject) -> Iterator[tuple[str, Json]]:
    """Each author of evidence and its keys."""
    for author, one in ((BUILD, top), *_places(top)):
        if "evidence" in one:
            yield author, one["evidence"]


def _before(top: JsonObject) -> dict[str, str | None]:
    """Where each environment is promoted from."""
    found = {name: place.get("promote_from") for name, place in _places(top)}
    return {name: one if isinstance(one, str) else None for name, one in found.items()}


def _glass(top: JsonObject) -> dict[str, str]:
    """The role of each environment's emergencies."""
    found = {name: place.get("break_glass_role") for name, place in _places(top)}
    return {name: one for name, one in found.items() if isinstance(one, str)}


def _policies(top: JsonObject) -> Iterator[tuple[Keys, Json]]:
    """Each policy and where it stands."""
    if "scan" in top:
        yield ("scan",), top["scan"]
    for name, place in _places(top):
        if "scan" in place:
            yield ("environments", name, "scan"), place["scan"]


def _about(path: Steps) -> bool:
    """Whether a flaw is one of a policy, or of whose word counts."""
    steps = tuple(path)
    inner = steps[2:3] if steps[:1] == ("environments",) else steps[:1]
    return inner in {("scan",), ("evidence",), ("promote_from",)}


def _days(written: Mapping[Keys, Json], today: date) -> list[Flaw]:
    """Days that no calendar has; how long a waiver may last was asked when it was merged."""
    demands = Demands(today=today, environments=())
    return [
        flaw
        for keys, one in written.items()
        if isinstance(one, Mapping)
        for flaw in checks_scan.waivers(one.get("waivers"), (*keys, "waivers"), demands)
    ]
