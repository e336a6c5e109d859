"""Show what runs where: the version that serves in each environment, and those one can go back to."""

from __future__ import annotations

import argparse
import json

from modelway.commands import options as shared
from modelway.core.access import reading
from modelway.core.json import JsonObject
from modelway.core.plan import Standing, State, fallbacks, standing
from modelway.core.record import Record
from modelway.core.version import VersionId
from modelway.core.words import stands
from modelway.delivery import Delivery
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("-e", "--environment", metavar="NAME", help="only this environment; without it, all")
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Look at every environment."""
    config = reading(shared.load(options, world))
    names = [options.environment] if options.environment else [*config.environments]
    states = {name: Delivery.open(world, config, name).target.observe(None) for name in names}
    if options.environment:
        _outputs(world, states[options.environment])
    for name, state in states.items():
        _warn(world, name, state)
    if options.format == "json":
        world.reporter.data(json.dumps({name: _json(state) for name, state in states.items()}))
        return
    for name, state in states.items():
        for line in _lines(name, state):
            world.reporter.data(line)


def _outputs(world: World, state: State) -> None:
    """What later steps ask of one environment."""
    serving = state.records.get(state.serving) if state.serving else None
    open_ = (record for record in state.records.values() if standing(record.id, state) is Standing.OPEN)
    pending = next(open_, None)
    told = {
        "serving": state.serving or "",
        "digest": serving.digest if serving else "",
        "release": serving.release if serving else "",
        "foreign": state.foreign or "",
        "settled": "true" if state.settled else "false",
        "passed": "true" if serving and serving.passed and not serving.withdrawn else "false",
        "pending": pending.digest if pending else "",
        "pending_release": pending.release if pending else "",
        "break_glass": serving.glass.reason if serving and serving.glass else "",
    }
    for name, value in told.items():
        world.reporter.output(name, value)


def _warn(world: World, name: str, state: State) -> None:
    """An annotation as long as what serves came in past the gate."""
    serving = state.records.get(state.serving) if state.serving else None
    if serving and serving.glass:
        world.reporter.warn(f"{name}: version {serving.id} serves. {serving.glass.words}")


def _lines(name: str, state: State) -> list[str]:
    """One environment, its versions from the one that serves down."""
    change = "" if state.settled else " (a change is under way)"
    if state.foreign:
        return [f"{name}: {state.foreign} serves, which modelway did not make{change}"]
    head = (
        f"{name}: version {state.serving} serves{change}"
        if state.serving
        else f"{name}: nothing serves{change}"
    )
    loud = [f"  {record.id}  {record.glass.words}" for record in _ordered(state) if record.glass]
    return [head, *(f"  {_line(record, state)}" for record in _ordered(state)), *loud]


def _ordered(state: State) -> list[Record]:
    """The one that serves, then those to go back to, then the rest by id."""
    order = [r.id for r in fallbacks(state, state.serving or VersionId(""))]
    place = {id_: n for n, id_ in enumerate(order, 1)} | ({state.serving: 0} if state.serving else {})
    return sorted(state.records.values(), key=lambda r: (place.get(r.id, len(place) + 1), r.id))


def _line(record: Record, state: State) -> str:
    """A version on a line."""
    passed = f"passed {record.passed.at[:19]}Z" if record.passed else "never passed"
    release = f" of {record.release[:12]}" if record.release else ""
    return f"{record.id}  {stands(record, state):<10} {passed}{release}  {record.digest}"


def _json(state: State) -> JsonObject:
    """One environment, for programs."""
    return {
        "serving": state.serving,
        "settled": state.settled,
        "foreign": state.foreign,
        "instances": state.capacity.instances if state.capacity else None,
        "versions": [
            {
                "id": record.id,
                "digest": record.digest,
                "artifact": record.artifact,
                "release": record.release,
                "standing": stands(record, state),
                "passed": record.passed.at if record.passed else None,
                "attempts": record.attempt.number if record.attempt else 0,
                "failed": record.failed.reason if record.failed else None,
                "withdrawn": record.withdrawn.reason if record.withdrawn else None,
                "break_glass": record.glass.reason if record.glass else None,
            }
            for record in _ordered(state)
        ],
    }
