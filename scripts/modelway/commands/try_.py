"""Run the image on this machine as SageMaker would, and ask it the contract tests. Nothing is pushed.

The container gets the environment variables of the first environment, and the model artifact where the
config names one.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from modelway import contract_tests
from modelway.commands import options as shared
from modelway.commands.build import local_image
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.errors import Unhealthy
from modelway.ports import World

_STARTUP = 60.0
"""Seconds the container has to answer ``/ping``."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("--image", metavar="LOCAL_TAG", help="another local image than `build` made")


def run(options: argparse.Namespace, world: World) -> None:
    """Try the image `build` made."""
    config = shared.load(options, world)
    tag = options.image or local_image(world, config)
    with world.reporter.stage(f"Try {tag}"):
        world.reporter.note(try_image(world, config, tag))


def try_image(world: World, config: ModelConfig, tag: str) -> str:
    """Ask a local image its contract tests; raises ``Unhealthy`` with its last log lines."""
    contract = contract_tests.read(config, world.run.root)
    # Read as a plan reads: whoever tries a model needs no right to deploy it.
    first = next(iter(reading(config).environments.values()))
    variables = first.settings.get("environment")
    with TemporaryDirectory(prefix="modelway-") as folder:
        artifact = config.artifact
        model = world.artifacts(config, first).fetch(artifact, Path(folder)) if artifact else None
        with world.containers().serve(
            tag,
            environment={k: str(v) for k, v in variables.items()} if isinstance(variables, Mapping) else {},
            model=model,
            timeout=_STARTUP,
        ) as container:
            try:
                contract.verify(container.invoke, "the container on this machine")
            except Unhealthy as failure:
                lines = "\n".join(f"  {line}" for line in container.logs())
                seen = f"{failure.seen}\nThe container's last log lines:\n{lines}"
                raise Unhealthy(failure.what, seen=seen, cure=failure.cure) from failure
    return f"answers {len(contract.tests)} contract tests on this machine"
