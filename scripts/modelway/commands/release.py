"""Build to production, through every gate: what is scanned is what is pushed, verified and served.

Each stage is skipped, with the reason, where its result is there already; so a release that died
anywhere is finished by running it again. Environments come in the order they are promoted in; outside
a workflow, those that are promoted to need --yes-production.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from modelway import second_gate
from modelway.commands import options as shared
from modelway.commands.build import build_image
from modelway.commands.push import push_image, scan_pushed
from modelway.commands.scan import scan_image
from modelway.commands.try_ import try_image
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Image
from modelway.delivery import Delivery, Manner
from modelway.errors import Failure, Malformed
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("--until", metavar="NAME", help="stop after this environment")
    parser.add_argument(
        "--yes-production",
        action="store_true",
        help="go on to the environments that are promoted to, without asking (a workflow's approval is "
        "its environment's reviewers)",
    )
    shared.manner(parser, plan=False)
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Release; how it ends is the exit code."""
    log, manner = _Log(world=world), shared.chosen_manner(options)
    with log.stage("validate") as said:
        config = shared.load(options, world)
        places = _places(options, config, world)
        said(f"{config.name} to {', '.join(place.name for place in places)}")
    try:
        image = _image(config, log)
        for place in places:
            _deploy(config, place, image, log, manner)
    finally:
        log.show(options.format)


def _places(options: argparse.Namespace, config: ModelConfig, world: World) -> list[Environment]:
    """The environments to go through, in order."""
    places = [*config.environments.values()]
    if options.until:
        Delivery.open(world, config, options.until)
        places = places[: [place.name for place in places].index(options.until) + 1]
    later = [place.name for place in places if place.promote_from]
    if later and not (world.run.ci or options.yes_production):
        raise Malformed(
            f"this release would go on to {', '.join(later)}",
            cure=f"Say that you mean it with --yes-production, or stop before with --until {places[0].name}.",
        )
    return places


def _image(config: ModelConfig, log: _Log) -> Image:
    """The image: found, or built, scanned, tried and pushed."""
    world = log.world
    with log.stage("build") as said:
        built = build_image(world, config)
        said(built.reused or f"built {built.local_tag}")
    if built.image is None:
        with log.stage("scan") as said:
            said(scan_image(world, config, built.local_tag).words())
        with log.stage("try") as said:
            said(try_image(world, config, built.local_tag))
    else:
        for name in ("scan", "try"):
            with log.stage(name) as said:
                said(f"skipped: {built.image.digest} was scanned, tried and pushed before")
    with log.stage("push") as said:
        image = push_image(world, config, built)
        said(str(image))
    if wanted := second_gate.asked_for(world, config):
        with log.stage("ECR's own scan") as said:
            said(scan_pushed(world, config, image, wanted))
    return image


def _deploy(config: ModelConfig, place: Environment, image: Image, log: _Log, manner: Manner) -> None:
    """Deploy to one environment."""
    with log.stage(place.name) as said:
        delivery = Delivery.open(log.world, config, place.name)
        version = delivery.version(image).id
        delivery.deploy(image, manner)
        said(f"version {version} serves")


@dataclass
class _Log:
    """What ran, how long it took and how it ended."""

    world: World
    rows: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[_Said]:
        """One stage; what is said of it ends up in the table."""
        said, began = _Said(), self.world.clock.monotonic()
        try:
            with self.world.reporter.stage(name):
                yield said
                self.world.reporter.note(said.text)
        except Failure as error:
            said.text = f"{error.ending()}: {error.what}"
            raise
        except BaseException as error:
            said.text = type(error).__name__
            raise
        finally:
            self.rows.append((name, self.world.clock.monotonic() - began, said.text))

    def show(self, form: str) -> None:
        """The table at the end."""
        if form == "json":
            rows = [{"stage": n, "seconds": round(s, 3), "result": r} for n, s, r in self.rows]
            self.world.reporter.data(json.dumps(rows))
            return
        rows_ = [(name, f"{seconds:.1f} s", result) for name, seconds, result in self.rows]
        self.world.reporter.table("release", ("stage", "took", "result"), rows_)


class _Said:
    """What a stage has to say for itself."""

    text = ""

    def __call__(self, text: str) -> None:
        """Say it."""
        self.text = text
