"""Allow a withdrawn or failed version again, with a reason. Nothing is deployed by this."""

from __future__ import annotations

import argparse

from modelway.commands import options as shared
from modelway.core.record import Reinstated
from modelway.errors import Malformed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("version", metavar="ID", help="the version, as `status` shows it")
    shared.environment(parser)
    parser.add_argument("--reason", required=True, help="why it may serve again; kept with the version")


def run(options: argparse.Namespace, world: World) -> None:
    """Take back the withdrawal."""
    delivery = shared.delivery(options, world)
    version = shared.version_id(options.version, "ID")
    record = delivery.target.observe(None).records.get(version)
    if record is None:
        what = f"there is no version {version} in {delivery.environment.name}"
        raise Malformed(what, cure=f"`scripts/run status {options.config}` shows those there are.")
    if not (record.withdrawn or record.failed):
        world.reporter.note(f"Version {version} is neither withdrawn nor failed; nothing to do.")
        return
    delivery.target.record(version, Reinstated(reason=options.reason))
    world.reporter.note(f"Version {version} may serve in {delivery.environment.name} again.")
