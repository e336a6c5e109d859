"""Build the model's image, unless it exists: the same inputs are built once.

Inputs are the Dockerfile, the files it can copy, build arguments, base images and the platform. An image
that was built from the same inputs is looked up in the registry first, then on this machine.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from modelway import building
from modelway.building import Prepared
from modelway.commands import options as shared
from modelway.core.access import reading
from modelway.core.config import ModelConfig, Prebuilt
from modelway.core.image import Image
from modelway.core.json import canonical
from modelway.errors import Unavailable
from modelway.papers import REPORT_TYPE
from modelway.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image that is on this machine, in the registry, or both."""

    local_tag: str
    input_hash: str
    registry_tag: str
    reused: str | None = None
    """Why it was not built; ``None`` when it was."""
    image: Image | None = None
    """Its name in the registry, when it was scanned and pushed before."""
    bases: tuple[tuple[str, str], ...] = ()
    """Base images: the name in the Dockerfile and the digest it means."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    parser.add_argument("--show", action="store_true", help="print the Dockerfile and build nothing")
    parser.add_argument("--offline", action="store_true", help="do not look in the registry first")
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Build, or say why not."""
    config = shared.load(options, world)
    if options.show:
        world.reporter.data(building.shown(world, config))
        return
    with world.reporter.stage(f"Build {config.name}"):
        built = build_image(world, config, offline=options.offline)
        world.reporter.note(built.reused or f"built {built.local_tag}")
    told = {
        "local_image": built.local_tag,
        "input_hash": built.input_hash,
        "image": str(built.image or ""),
        "reused": built.reused or "",
    }
    for name, value in told.items():
        world.reporter.output(name, value)
    world.reporter.data(canonical(told) if options.format == "json" else built.local_tag)


def build_image(world: World, config: ModelConfig, *, offline: bool = False) -> BuiltImage:
    """The image, found or built."""
    prepared = building.prepare(world, config)
    found = existing_image(world, config, prepared, offline=offline)
    if found:
        return found
    if prepared.request:
        world.builder().build(prepared.request)
        return _built(prepared, reused=None)
    spec = config.image
    assert isinstance(spec, Prebuilt)  # noqa: S101 - only prebuilt images come without a request
    world.registry(reading(config).registry).pull(spec.source, prepared.local_tag, platform=spec.platform)
    return _built(prepared, reused=f"{spec.source} was built by somebody else")


def existing_image(
    world: World, config: ModelConfig, prepared: Prepared, *, offline: bool = False
) -> BuiltImage | None:
    """The image, if the same inputs were built before."""
    released = None if offline else _released(world, config, prepared)
    if released:
        return released
    if world.builder().find(prepared.local_tag):
        return _built(prepared, reused=f"{prepared.local_tag} was built from the same inputs")
    return None


def pushed_image(world: World, config: ModelConfig) -> Image | None:
    """The image that was scanned and pushed for the files as they are here."""
    prepared = building.prepare(world, config)
    registry = world.registry(reading(config).registry)
    manifest = registry.find(prepared.registry_tag)
    if manifest is None or not registry.attached(manifest.digest, REPORT_TYPE):
        return None
    return Image(registry.repository, manifest.digest)


def local_image(world: World, config: ModelConfig) -> str:
    """The image's local name, brought from the registry if need be; ``Unavailable`` if never built."""
    prepared = building.prepare(world, config)
    if not world.builder().find(prepared.local_tag):
        registry = world.registry(reading(config).registry)
        manifest = registry.find(prepared.registry_tag)
        if manifest is None:
            what = f"{config.name} as it is here was not built yet"
            raise Unavailable(what, cure=f"scripts/run build {config.path or 'CONFIG'}")
        image = Image(registry.repository, manifest.digest)
        registry.pull(image, prepared.local_tag, platform=config.image.platform)
    return prepared.local_tag


def _released(world: World, config: ModelConfig, prepared: Prepared) -> BuiltImage | None:
    """The registry's image of these inputs; one that nobody scanned is brought here to be scanned."""
    registry = world.registry(reading(config).registry)
    try:
        manifest = registry.find(prepared.registry_tag)
        scanned = bool(manifest and registry.attached(manifest.digest, REPORT_TYPE))
    except Unavailable as error:
        world.reporter.warn(f"the registry could not be asked for an image of the same inputs: {error.what}")
        return None
    if manifest is None:
        return None
    image = Image(registry.repository, manifest.digest)
    if scanned:
        return _built(prepared, reused=f"{image} was built from the same inputs, and scanned", image=image)
    registry.pull(image, prepared.local_tag, platform=config.image.platform)
    return _built(prepared, reused=f"{image} was pushed from the same inputs, and not scanned yet")


def _built(prepared: Prepared, *, reused: str | None, image: Image | None = None) -> BuiltImage:
    return BuiltImage(
        local_tag=prepared.local_tag,
        input_hash=prepared.inputs.hash,
        registry_tag=prepared.registry_tag,
        reused=reused,
        image=image,
        bases=tuple((name, digest) for name, digest in prepared.inputs.bases.items() if digest),
    )
