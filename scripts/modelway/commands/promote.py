"""Deploy to an environment what passed in the one before it: the same digest, the same weights."""

from __future__ import annotations

import argparse

from modelway.commands import options as shared
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.core.image import Digest, Image
from modelway.delivery import Delivery
from modelway.errors import Malformed, NotAllowed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    shared.manner(parser)
    shared.way(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Find what serves in the environment before, and deploy it."""
    manner = shared.chosen_manner(options)
    delivery = shared.delivery(options, world)
    source = delivery.environment.promote_from
    if source is None:
        what = f"{options.environment} is not promoted from anywhere"
        cure = "Use deploy, or set promote_from in the config."
        raise Malformed(what, cure=cure)
    image = passed_image(world, delivery.config, source)
    with world.reporter.stage(f"promote {delivery.config.name} from {source} to {options.environment}"):
        delivery.deploy(image, manner)


def passed_image(world: World, config: ModelConfig, source: str) -> Image:
    """The image that serves in an environment, and passed there."""
    config = reading(config)
    state = Delivery.open(world, config, source).target.observe(None)
    record = state.records.get(state.serving) if state.serving else None
    if record is None or record.passed is None:
        what = f"nothing that passed serves in {source}"
        cure = f"Deploy there first: scripts/run deploy {config.path} --environment {source}"
        raise NotAllowed(what, cure=cure)
    return Image(world.registry(config.registry).repository, Digest.parse(record.digest))
