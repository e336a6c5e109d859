"""Show the steps from what is to what is wanted, and the way back. Reads only.

The plan can be written to a file, which a person approves and `deploy --plan` is held to.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from modelway.commands import options as shared
from modelway.commands.build import local_image, pushed_image
from modelway.core.config import ModelConfig
from modelway.core.image import Image
from modelway.core.json import canonical
from modelway.delivery import words
from modelway.engine import describe
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    shared.image(parser)
    shared.formats(parser)
    parser.add_argument("--out", metavar="FILE", help="write the plan there, for deploy --plan")
    parser.add_argument("--retry", action="store_true", help="plan another attempt of a version that failed")
    parser.add_argument(
        "--preview",
        action="store_true",
        help="plan for the image that was built here and never pushed: the steps are right, the version's id "
        "is not known yet, and nobody can deploy by it",
    )


def run(options: argparse.Namespace, world: World) -> None:
    """Plan and show."""
    delivery = shared.reading_delivery(options, world)
    image = _image(options, world, delivery.config)
    plan = delivery.planned(image, retry=options.retry)
    if options.out:
        path = Path(options.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(json.loads(canonical(plan.to_json())), indent=2) + "\n", encoding="utf-8")
        world.reporter.note(f"The plan was written to {options.out} (fingerprint {plan.fingerprint}).")
    world.reporter.data(canonical(plan.to_json()) if options.format == "json" else words(plan))
    world.reporter.output("changes", "true" if plan.steps else "false")
    world.reporter.output("version", plan.version)
    world.reporter.output("fingerprint", plan.fingerprint)
    if world.run.ci:
        steps = [(str(n), describe(step)) for n, step in enumerate(plan.steps, 1)]
        back = [("way back", describe(step)) for step in plan.back]
        world.reporter.table(f"Plan for {plan.model} in {plan.environment}", ("step", "what"), steps + back)


def _image(options: argparse.Namespace, world: World, config: ModelConfig) -> Image:
    """The image to plan for; with --preview, what was built here stands in for what was never pushed."""
    if not options.preview:
        return shared.chosen_image(options, world, config)
    pushed = pushed_image(world, config)
    if pushed:
        return pushed
    stand_in = world.builder().config_digest(local_image(world, config))
    world.reporter.note("The image was not pushed yet: the version this plan is about will have another id.")
    return Image(world.registry(config.registry).repository, stand_in)
