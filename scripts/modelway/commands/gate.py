"""Say whether a version may go to an environment, and why. Reads only.

Exit 0: it may. 3: the policy says no. 4: evidence is missing. 9: something could not be evaluated.
`deploy` asks the same itself; there is no way around it.
"""

from __future__ import annotations

import argparse
import json

from modelway.commands import options as shared
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    shared.image(parser)
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Ask the gate; what forbids is raised."""
    delivery = shared.reading_delivery(options, world)
    image = shared.chosen_image(options, world, delivery.config)
    reasons = delivery.gate(image)
    version = delivery.version(image).id
    if options.format == "json":
        document = {"allowed": True, "image": str(image), "reasons": list(reasons), "version": version}
        world.reporter.data(json.dumps(document))
        return
    world.reporter.data(f"version {version} may go to {delivery.environment.name}:")
    for reason in reasons:
        world.reporter.data(f"  {reason}")
