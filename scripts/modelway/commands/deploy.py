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
    shared.manner(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Deploy; how it ends is the exit code."""
    manner = shared.chosen_manner(options)
    delivery = shared.delivery(options, world)
    image = shared.chosen_image(options, world, delivery.config)
    with world.reporter.stage(f"deploy {delivery.config.name} to {delivery.environment.name}"):
        delivery.deploy(image, manner)
