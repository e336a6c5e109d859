"""Compare configs and world, and name each field that differs, both values, and who changed it. Reads only.

What serves is compared with a release of the same image by the config as it is now: a change of the sources
that waits for its release is no drift. Exit 5 where something differs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from modelway.commands import options as shared
from modelway.core import drift
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.core.drift import Change, Difference
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject
from modelway.delivery import Delivery
from modelway.errors import Differs, Failure, Malformed, Unavailable, Unfinished
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("configs", metavar="CONFIG", nargs="+", help="model configs, or folders of them")
    parser.add_argument("-e", "--environment", metavar="NAME", help="only this environment; without it, all")
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Compare every environment of every config; a place that cannot be read hides no other."""
    found: list[JsonObject] = []
    failures: list[Failure] = []
    configs = [reading(world.configs.load(Path(path))) for path in world.configs.find(options.configs)]
    for config, name in _places(configs, options.environment):
        try:
            found += _compare(options, world, config, name)
        except Failure as failure:
            failures.append(failure)
            world.reporter.error(f"{config.name} in {name} was not compared: {failure.what}")
    if options.format == "json":
        world.reporter.data(json.dumps(found))
    world.reporter.output("drifted", "true" if found else "false")
    if found:
        what = f"{len(found)} fields differ between configs and world"
        raise Differs(what, cure="Each is told with two ways out: release, or change the config.")
    if failures:
        raise failures[0]


def _places(configs: list[ModelConfig], only: str | None) -> Iterator[tuple[ModelConfig, str]]:
    """Configs with their environments; raises ``Malformed`` for a name none of them has."""
    places = [(config, name) for config in configs for name in config.environments if only in {None, name}]
    if not places:
        what = f"none of the configs has the environment {only!r}" if only else "there are no configs there"
        raise Malformed(what, cure="Name a config, and one of its environments or none.")
    yield from places


def _compare(
    options: argparse.Namespace, world: World, config: ModelConfig, name: str
) -> Iterator[JsonObject]:
    """Tell one environment's differences."""
    delivery = Delivery.open(world, config, name)
    differences = _differences(world, delivery)
    asked: dict[drift.About, tuple[Change, ...] | None] = {}
    for each in differences:
        if each.about not in asked:
            asked[each.about] = _changes(world, delivery, each)
        if options.format == "text":
            world.reporter.data(drift.words(f"{config.name} in {name}", each, asked[each.about]))
        yield drift.json(config.name, name, each, asked[each.about])


def _differences(world: World, delivery: Delivery) -> tuple[Difference, ...]:
    """What differs in an environment; raises ``Unfinished`` while a change is under way."""
    name, state = delivery.environment.name, delivery.target.observe(None)
    if not state.settled:
        what = f"a change is under way in {name}: nothing was compared"
        raise Unfinished(what, cure="Run this again when it is over.")
    other = drift.unlike(state) or drift.vanished(state)
    if other:
        return (other,)
    record = state.records.get(state.serving) if state.serving else None
    if record is None:
        world.reporter.note(f"{delivery.config.name} in {name}: nothing serves")
        return ()
    repository = world.registry(delivery.config.registry).repository
    version = delivery.version(Image(repository, Digest.parse(record.digest)))
    found = drift.differences(version, delivery.goal(version.id), delivery.target.observe(version))
    if not found:
        world.reporter.note(f"{delivery.config.name} in {name}: as the config says")
    return found


def _changes(world: World, delivery: Delivery, difference: Difference) -> tuple[Change, ...] | None:
    """Who CloudTrail says it was; ``None``, with a warning, where it cannot be asked."""
    try:
        return world.changes(delivery.config, delivery.environment, difference.about)
    except Unavailable as failure:
        world.reporter.warn(f"CloudTrail could not be asked who changed it: {failure}")
        return None
