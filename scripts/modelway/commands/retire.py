"""Remove a model with everything modelway made for it, and nothing else.

Without --delete it only looks, and lists each thing that would be deleted. With --delete MODEL, the model's
name written out, it deletes them by each environment's retire_role: what serves first, then alarms, versions,
and what is remembered of them. A run that died is finished by running it again.

It stops, and deletes nothing anywhere, where something else serves than what modelway made (exit 5), where a
release is under way (11), or where requests arrived in the last 15 minutes or nobody counts them (4), unless
--although-used.

Images, evidence and weights stay: `registry prune` removes those, but for the newest registry.keep_releases
releases and the weights the config names, which are yours to delete. Load balancers, clusters, roles, secrets
and the logs the platform writes by itself stay, too: modelway made none of them.
"""

from __future__ import annotations

import argparse
import json

from modelway import retiring
from modelway.commands import options as shared
from modelway.core import estate
from modelway.core.config import ModelConfig
from modelway.errors import Malformed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("-e", "--environment", metavar="NAME", help="only this environment; without it, all")
    parser.add_argument(
        "--delete", metavar="MODEL", help="delete what the plan lists; the model's name, written out"
    )
    parser.add_argument(
        "--yes-production",
        action="store_true",
        help="also in environments that are promoted to (a workflow's approval is its environment's "
        "reviewers)",
    )
    parser.add_argument(
        "--although-used", action="store_true", help="delete it although requests still arrive, or may"
    )
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Look everywhere, show the plan, and carry it out where that was asked for."""
    config = shared.load(options, world)
    names = _names(options, config)
    if options.delete:
        _refuse_unconfirmed(options, world, config, names)
    with world.reporter.stage(f"look at what modelway made for {config.name}"):
        planned = retiring.look(world, config, names)
    _show(options, world, config, [one.removal for one in planned])
    count = sum(len(one.removal.things) for one in planned)
    world.reporter.output("things", str(count))
    if not options.delete:
        if count:
            world.reporter.note(f"Nothing was deleted. To delete it: --delete {config.name}")
        return
    if not options.although_used:
        retiring.refuse_used(config, planned)
    with world.reporter.stage(f"delete {config.name}"):
        for told in retiring.carry_out(world, planned):
            world.reporter.note(told)
    weights = " and the weights the config names" if config.artifact else ""
    world.reporter.note(
        f"{config.name} is gone from {', '.join(names)}. Its images, evidence and weights stay; scripts/run "
        f"registry prune {options.config} removes them, but for the newest {config.registry.keep_releases} "
        f"releases{weights}: delete those yourself"
    )


def _names(options: argparse.Namespace, config: ModelConfig) -> tuple[str, ...]:
    """The environments to look at; raises ``Malformed`` for one the config does not have."""
    if options.environment is None:
        return tuple(config.environments)
    if options.environment not in config.environments:
        known = ", ".join(config.environments)
        what = f"{config.name} has no environment {options.environment!r}"
        raise Malformed(what, seen=f"It has: {known}.", cure=f"Use --environment with one of: {known}")
    return (options.environment,)


def _refuse_unconfirmed(
    options: argparse.Namespace, world: World, config: ModelConfig, names: tuple[str, ...]
) -> None:
    """Deleting is asked for by name, and where people depend on it, twice."""
    if options.delete != config.name:
        what = f"--delete {options.delete}: the config is {config.name}'s"
        raise Malformed(what, cure=f"Write the name of the model that is to go: --delete {config.name}")
    later = [name for name in names if config.environments[name].promote_from]
    if later and not (world.run.ci or options.yes_production):
        what = f"deleting {config.name} from {', '.join(later)} needs a second word outside a workflow"
        raise Malformed(what, cure="Add --yes-production, or --environment with another one.")


def _show(
    options: argparse.Namespace, world: World, config: ModelConfig, removals: list[estate.Removal]
) -> None:
    """The plan, as it was asked for."""
    if options.format == "json":
        world.reporter.data(json.dumps([estate.json(config.name, one) for one in removals]))
        return
    for one in removals:
        world.reporter.data(estate.words(config.name, one))
        if one.use:
            world.reporter.warn(f"requests in the last {retiring.QUIET / 60:g} minutes: {one.use}")
