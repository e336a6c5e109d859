"""Show the steps from what is to what is wanted, and the way back. Reads only.

The plan can be written to a file, which a person approves and `deploy --plan` is held to.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from modelway.commands import options as shared
from modelway.commands.build import local_image, pushed_image
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.core.image import Digest, Image
from modelway.core.json import canonical
from modelway.core.planfile import PlanFile
from modelway.core.words import describe
from modelway.delivery import Delivery, words
from modelway.errors import Differs
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument(
        "-e", "--environment", metavar="NAME", help="one of the config's environments; without it, each"
    )
    shared.image(parser)
    shared.formats(parser)
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="write the plan there, for deploy --plan; {environment} in it is replaced",
    )
    parser.add_argument("--retry", action="store_true", help="plan another attempt of a version that failed")
    parser.add_argument(
        "--preview",
        action="store_true",
        help="plan for the image that was built here and never pushed: the steps are right, the version's id "
        "is not known yet, and nobody can deploy by it",
    )
    parser.add_argument(
        "--serving",
        action="store_true",
        help="plan for the image that serves: whatever is to do is a difference between config and world",
    )


def run(options: argparse.Namespace, world: World) -> None:
    """Plan and show."""
    config = shared.load(options, world)
    names = [options.environment] if options.environment else [*config.environments]
    plans = [plan for name in names if (plan := _planned(options, world, config, name))]
    world.reporter.output("changes", "true" if any(plan.steps for plan in plans) else "false")
    for plan in plans:
        _tell(options, world, plan)


def _planned(options: argparse.Namespace, world: World, config: ModelConfig, name: str) -> PlanFile | None:
    """One environment's plan; none where nothing serves that --serving could ask about."""
    delivery = Delivery.open(world, reading(config), name)
    image = _image(options, world, delivery)
    if image is None:
        world.reporter.note(f"{name}: nothing serves")
        return None
    return delivery.planned(image, retry=options.retry)


def _tell(options: argparse.Namespace, world: World, plan: PlanFile) -> None:
    """Write it, print it, and put it in the summary."""
    if options.out:
        path = Path(options.out.replace("{environment}", plan.environment))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(json.loads(canonical(plan.to_json())), indent=2) + "\n", encoding="utf-8")
        world.reporter.note(f"The plan was written to {path} (fingerprint {plan.fingerprint}).")
    world.reporter.data(canonical(plan.to_json()) if options.format == "json" else words(plan))
    world.reporter.output("version", plan.version)
    world.reporter.output("fingerprint", plan.fingerprint)
    if world.run.ci:
        steps = [(str(n), describe(step)) for n, step in enumerate(plan.steps, 1)]
        back = [("way back", describe(step)) for step in plan.back]
        world.reporter.table(f"Plan for {plan.model} in {plan.environment}", ("step", "what"), steps + back)


def _image(options: argparse.Namespace, world: World, delivery: Delivery) -> Image | None:
    """The image to plan for; with --preview, what was built here stands in for what was never pushed."""
    config = delivery.config
    if options.serving:
        return _serving(world, delivery)
    if not options.preview:
        return shared.chosen_image(options, world, config)
    pushed = pushed_image(world, config)
    if pushed:
        return pushed
    stand_in = world.builder().config_digest(local_image(world, config))
    world.reporter.note("The image was not pushed yet: the version this plan is about will have another id.")
    return Image(world.registry(config.registry).repository, stand_in)


def _serving(world: World, delivery: Delivery) -> Image | None:
    """The image that has all the traffic."""
    state = delivery.target.observe(None)
    if state.foreign:
        what = f"{state.foreign} serves in {delivery.environment.name}, which modelway did not make"
        raise Differs(what, cure="Find out who made it; `scripts/run status CONFIG` shows what there is.")
    record = state.records.get(state.serving) if state.serving else None
    if record is None:
        return None
    return Image(world.registry(delivery.config.registry).repository, Digest.parse(record.digest))
