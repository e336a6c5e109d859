"""Take a version to an environment: gate, plan, the approved steps, and the way back if it is sick.

Run it again after anything: what is done is not done twice, and a version the platform took back is
not tried again unless asked with --retry. With --abort, a release under way is ended instead. In an
emergency, --break-glass takes a version past what the gate's policy refuses, and everybody can see it.
"""

from __future__ import annotations

import argparse

from modelway.aborting import abort
from modelway.commands import options as shared
from modelway.errors import Malformed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    shared.image(parser)
    shared.manner(parser)
    shared.way(parser)
    shared.break_glass(parser)
    parser.add_argument(
        "--abort",
        nargs="?",
        const="no reason given",
        metavar="REASON",
        help="end the release under way and go back at once, never waiting behind it; the attempt counts as "
        "failed, for this reason",
    )


def run(options: argparse.Namespace, world: World) -> None:
    """Deploy, or end what is being deployed; how it ends is the exit code."""
    manner = shared.chosen_manner(options)
    if options.abort is not None:
        _abort(options, world)
        return
    delivery = (shared.broken if manner.glass else shared.delivery)(options, world)
    image = shared.chosen_image(options, world, delivery.config)
    with world.reporter.stage(f"deploy {delivery.config.name} to {delivery.environment.name}"):
        delivery.deploy(image, manner)


def _abort(options: argparse.Namespace, world: World) -> None:
    """End the release under way, of the image named if one is."""
    others = {
        "--plan": options.plan,
        "--retry": options.retry,
        "--hotfix": options.hotfix,
        "--continue": options.go_on,
        "--skip-bake": options.skip_bake,
        "--break-glass": options.break_glass,
        "--max-wait": options.max_wait,
    }
    given = [name for name, value in others.items() if value]
    if given:
        what = f"--abort goes back, it does not go with {', '.join(given)}"
        raise Malformed(what, cure="Give --abort alone, with the config and the environment.")
    delivery = shared.delivery(options, world)
    named = shared.chosen_image(options, world, delivery.config) if options.image else None
    with world.reporter.stage(f"abort the release of {delivery.config.name} to {delivery.environment.name}"):
        abort(delivery, options.abort, delivery.version(named).id if named else None)
