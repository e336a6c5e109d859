"""Say whether a version may go to an environment, and why. Reads only.

Ten steps, in this order: the image is named by its digest; the registry has it, and the target can run
its type, platform and size; the environment before remembers that it passed; that environment signed so,
and all that is attached is about this image; the build signed how it was made; the SBOM; the scanners'
reports; what the advisories and waivers of today say of them; ECR's own scan; an approval. Each says why it
lets the version in, or what to do.

What is new and what is gone since the version that serves there is shown, too.

Exit 0: it may. 3: the policy says no. 4: evidence is missing or not to be believed. 8: the registry, a key or
an account cannot be reached. 9: something could not be evaluated. `deploy` asks the same itself.
"""

from __future__ import annotations

import argparse

from modelway import serving
from modelway.commands import options as shared
from modelway.core.json import Json, canonical
from modelway.ports import World
from modelway.scan_outcome import show_since


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
    since = serving.compare(world, delivery.config, delivery.environment, delivery.target, image)
    show_since(world.reporter, since)
    passage = delivery.gate(image)
    version = delivery.version(image).id
    if options.format == "json":
        steps: list[Json] = [{"step": str(one.step), "reason": one.reason} for one in passage.steps]
        changed = since.json() if since else None
        told: dict[str, Json] = {"allowed": True, "image": str(image), "version": version, "steps": steps}
        world.reporter.data(canonical({**told, "since": changed}))
        return
    world.reporter.data(f"version {version} may go to {delivery.environment.name}:")
    for number, reason in enumerate(passage.reasons, 1):
        world.reporter.data(f"  {number:>2}. {reason}")
