"""Take over an endpoint, service or function made by hand or by Terraform, without a change to it.

`adopt describe` reads it and writes the config that describes it as it is found. `adopt record` compares the
two again, shows what it would write, and with --yes writes it: a version beside what serves, and the note
that this is what serves; on Lambda the note alone, of the published version behind the alias live. What
serves is never written to. From then on `plan`, `drift` and `status` know it, and it is the first way back
after a release.
"""

from __future__ import annotations

import argparse

from modelway import adopting
from modelway.adopting import NAME, Adoption
from modelway.commands import options as shared
from modelway.core import adoption
from modelway.core.adoption import Found, Site
from modelway.core.naming import pointer_name
from modelway.delivery import Delivery
from modelway.errors import Malformed, Unavailable
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parts = parser.add_subparsers(dest="part", metavar="describe|record", required=True)
    describe = parts.add_parser("describe", help="read what serves and write the config that describes it")
    describe.add_argument(
        "name", metavar="NAME", help="the endpoint, service or function, called <model>-<environment>"
    )
    shared.environment(describe)
    describe.add_argument("--target", default="sagemaker", help="sagemaker, ecs or lambda (sagemaker)")
    describe.add_argument("--cluster", default="", metavar="NAME", help="the ECS cluster a service is in")
    describe.add_argument("--account", required=True, metavar="ID", help="its AWS account, 12 digits")
    describe.add_argument("--region", required=True, help="its AWS region")
    describe.add_argument("--owner", required=True, help="the team that answers for it")
    describe.add_argument(
        "--role", default="modelway-plan", metavar="NAME", help="to look with, from another account"
    )
    record = parts.add_parser("record", help="show what would be written so that modelway knows it")
    shared.config(record)
    shared.environment(record)
    record.add_argument(
        "--role", metavar="NAME", help="to look with; without it, the environment's deploy_role"
    )
    record.add_argument("--yes", action="store_true", help="write it")


def run(options: argparse.Namespace, world: World) -> None:
    """One of the two."""
    if options.part == "describe":
        _describe(options, world)
    else:
        _record(options, world)


def _describe(options: argparse.Namespace, world: World) -> None:
    """Write the config, unless there is one."""
    site = Site(
        target=options.target,
        account=options.account,
        region=options.region,
        name=options.name,
        role=options.role,
        cluster=options.cluster,
    )
    model = adoption.model_of(site, options.environment)
    path = world.run.root / "model-configs" / f"{model}.yaml"
    if path.exists():
        what = f"{path.relative_to(world.run.root)} is there already"
        raise Malformed(what, seen="Nothing was written.", cure="Move it away, or adopt by it: adopt record")
    with world.reporter.stage(f"read {options.name}"):
        found = world.found(site)
    path.parent.mkdir(exist_ok=True)
    path.write_text(adoption.config(site, options.environment, options.owner, found), encoding="utf-8")
    named = path.relative_to(world.run.root)
    world.reporter.data(f"wrote {named}")
    for note in found.notes:
        world.reporter.note(note)
    world.configs.load(path)
    world.reporter.note(
        f"Next: write contract tests into it, then: scripts/run adopt record {named} -e {options.environment}"
    )


def _found(options: argparse.Namespace, world: World, delivery: Delivery, name: str) -> Found:
    """What serves; what the deploy role may not look at, because it has an old name, another role may."""
    try:
        return world.found(adopting.site(delivery, name, options.role))
    except Unavailable as failure:
        if options.role:
            raise
        cure = (
            f"{failure.cure}\nOr look by a role that may see things under their old names: --role NAME. The"
            f" deploy role {delivery.environment.deploy_role} sees those modelway made; docs/how-to/adopt.md"
            " lists what looking needs."
        )
        raise Unavailable(failure.what, seen=failure.seen, cure=cure) from failure


def _record(options: argparse.Namespace, world: World) -> None:
    """Show what would be written, and write it where that was asked for."""
    config = shared.load(options, world)
    delivery = Delivery.open(world, config, options.environment)
    name = pointer_name(config, delivery.environment)
    with world.reporter.stage(f"compare {name} with its config"):
        each = Adoption(delivery=delivery, found=_found(options, world, delivery, name))
        steps = each.steps()
    version = each.version.id
    world.reporter.output("version", version)
    if not steps:
        world.reporter.note(f"{name} is known already: it serves version {version}")
        return
    lines = (f"  {number}. {step}" for number, step in enumerate(steps, 1))
    world.reporter.data("\n".join([f"{name}: version {version} of {each.found.image}", *lines]))
    world.reporter.data(f"{name} itself, and {each.found.name}, are not written to")
    if not options.yes:
        world.reporter.note("Nothing was written. To write it: --yes")
        return
    with world.reporter.stage(f"adopt {name}"):
        each.carry_out()
    world.reporter.note(
        f"{options.environment} serves version {version} ({NAME}). There is no way back before the first "
        "release of yours; after it, this is the way back."
    )
