"""Take a version to an environment: gate, plan, the approved steps, and the way back if it is sick.

Run it again after anything: what is done is not done twice, and a version the platform took back is
not tried again unless asked with --retry.
"""

from __future__ import annotations

import argparse

from modelway.commands import options as shared
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    shared.image(parser)
    parser.add_argument(
        "--plan", metavar="FILE", help="do only what this plan lists, or stop; from `plan --out`"
    )
    parser.add_argument("--retry", action="store_true", help="open another attempt of a version that failed")


def run(options: argparse.Namespace, world: World) -> None:
    """Deploy; how it ends is the exit code."""
    approved = shared.plan_file(options.plan)
    delivery = shared.delivery(options, world)
    image = shared.chosen_image(options, world, delivery.config)
    with world.reporter.stage(f"deploy {delivery.config.name} to {delivery.environment.name}"):
        delivery.deploy(image, approved=approved, retry=options.retry)
