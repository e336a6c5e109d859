"""Push the image that was built and scanned, and print it as repository@sha256:...

The repository is created or corrected first. A lifecycle policy that differs from the one that is there is
previewed by ECR before it is set, against what the environments run or may go back to. Only an image whose
scan passed is pushed; its report and its SBOM (CycloneDX) are attached to it, and the build's provenance
names both by their digests. What is there already is not pushed again. Where the config has scan.ecr, ECR's
own scan of the pushed image is waited for and judged, too, and its report is attached.

Exit 3: the policy says no to what ECR found. Exit 5: the lifecycle policy the config asks for would delete
what is needed; nothing was changed. Exit 9: ECR does not say what is in the image.
"""

from __future__ import annotations

import argparse

from modelway import building, evidence, papers, registry_guard, scanning, second_gate
from modelway.commands import options as shared
from modelway.commands.build import BuiltImage, existing_image
from modelway.core.config import ModelConfig, Prebuilt
from modelway.core.counts import counted
from modelway.core.ecr_scan import EcrScan
from modelway.core.image import Digest, Image
from modelway.core.json import canonical
from modelway.core.manifest import Manifest
from modelway.errors import Differs, NotAllowed, NotEvaluated, Unavailable
from modelway.ports import Registry, World
from modelway.scan_gate import document
from modelway.scan_outcome import enforce, show
from modelway.scanning import Scanned


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Push, or say why not."""
    config = shared.load(options, world)
    with world.reporter.stage(f"Push {config.name}"):
        built = existing_image(world, config, building.prepare(world, config))
        if built is None:
            what = f"{config.name} as it is here was not built on this machine"
            raise Unavailable(what, cure=f"scripts/run build {options.config}, then scan, then push")
        image = push_image(world, config, built)
    if wanted := second_gate.asked_for(world, config):
        with world.reporter.stage("ECR's own scan"):
            scan_pushed(world, config, image, wanted)
    told = {
        "image": str(image),
        "repository": image.repository,
        "digest": str(image.digest),
        "region": config.registry.region,
    }
    for name, value in told.items():
        world.reporter.output(name, value)
    world.reporter.data(canonical(told) if options.format == "json" else str(image))


def scan_pushed(world: World, config: ModelConfig, image: Image, wanted: EcrScan) -> str:
    """Wait for ECR's own scan and stop where the policy says so; what was found, in a line."""
    scanned = second_gate.examine(world, config, image, wanted)
    show(world, scanned)
    enforce(world, config, scanned)
    return scanned.words()


def push_image(world: World, config: ModelConfig, built: BuiltImage) -> Image:
    """Make sure that the image is in the registry with its report; raises ``NotAllowed`` without a pass.

    Where the image is there already, the repository is still set up, because who may pull follows the
    config, and a newer report of it is still attached.
    """
    registry = world.registry(config.registry)
    scanned = _newer(world, config, built.image, registry) if built.image else _passed(world, config, built)
    registry_guard.set_up(world, config, registry)
    image = built.image
    if image:
        world.reporter.note(f"not pushed again: {built.reused}")
    elif scanned:
        manifest = _placed(world, config, built, registry)
        _same(manifest, scanned.subject, registry.repository)
        image = Image(registry.repository, manifest.digest)
    assert image  # noqa: S101 - it was there, or its scan passed
    if scanned:
        _attach(world, config, built, image.digest, scanned)
    else:
        own = evidence.provenance(world, config, built.input_hash, built.bases, ())
        evidence.vouch_too(world, config, image.digest, own, registry)
    return image


def _attach(world: World, config: ModelConfig, built: BuiltImage, image: Digest, scanned: Scanned) -> None:
    """What is known of the image now, and the build's word for it."""
    registry = world.registry(config.registry)
    report = document(scanned.reports, scanned.verdict, scanned.policy)
    documents = (
        papers.report(world, registry, image, report, counted(scanned.merged)),
        papers.sbom(world, config, registry, image, scanned.merged),
    )
    provenance = evidence.provenance(world, config, built.input_hash, built.bases, documents)
    evidence.vouch(world, config, image, provenance, registry)


def _newer(world: World, config: ModelConfig, image: Image, registry: Registry) -> Scanned | None:
    """The report this machine has of an image that is in the registry, if there is one and it passes."""
    manifest = registry.manifest(image.digest)
    if manifest is None or manifest.config is None:
        return None
    try:
        scanned = scanning.examine_kept(world, config, manifest.config)
    except NotEvaluated:
        return None  # no advisories here: the reports that are attached stand
    return scanned if scanned and scanned.verdict.ok else None


def _passed(world: World, config: ModelConfig, built: BuiltImage) -> Scanned:
    """The image's passing scan."""
    subject = world.builder().config_digest(built.local_tag)
    scanned = scanning.examine_kept(world, config, subject)
    if scanned is None:
        raise NotAllowed(
            f"{built.local_tag} may not be pushed: there is no report of it",
            seen=f"looked in {world.run.workspace / 'reports'} for a report of {subject}"
            " by today's scanner and advisories",
            cure=f"scripts/run scan {config.path or config.name}",
        )
    if not scanned.verdict.ok:
        raise NotAllowed(
            f"{built.local_tag} may not be pushed: its scan did not pass",
            seen=scanned.words(),
            cure=f"scripts/run scan {config.path or config.name} lists what stops it",
        )
    return scanned


def _placed(world: World, config: ModelConfig, built: BuiltImage, registry: Registry) -> Manifest:
    """The image in the registry, pushed or copied unless it is there."""
    found = registry.find(built.registry_tag)
    if found:
        world.reporter.note(f"not pushed again: {built.registry_tag} is {found.digest}")
        return found
    match config.image:
        case Prebuilt(source=source, platform=platform):
            return registry.copy(source, built.registry_tag, platform=platform)
        case _:
            return registry.push(built.local_tag, built.registry_tag)


def _same(manifest: Manifest, scanned: Digest, repository: str) -> None:
    """Raise ``Differs`` unless what is in the registry is what was scanned."""
    if manifest.config != scanned:
        raise Differs(
            f"{repository}@{manifest.digest} is not the image that was scanned",
            seen=f"its config is {manifest.config}, the scan's is {scanned}",
            cure="the same inputs were built somewhere else meanwhile: run the same command again,"
            " it scans what is there",
        )
