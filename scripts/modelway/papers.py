"""The documents beside an image, SBOM and reports: attached at the push, believed if the build says so."""

from __future__ import annotations

from collections.abc import Sequence

from modelway import evidence
from modelway.core import cyclonedx, vouched
from modelway.core.admission import Author, Witnessed
from modelway.core.config import ModelConfig
from modelway.core.counts import Counts
from modelway.core.evidence import Document
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.manifest import digest_of
from modelway.core.merge import Merged
from modelway.core.naming import BUILD
from modelway.core.statement import Statement
from modelway.errors import NotAllowed
from modelway.ports import Registry, World

REPORT_TYPE = "application/vnd.modelway.report.v1+json"
"""The OCI artifact type under which scan reports are attached to their digest."""

ECR_REPORT_TYPE = "application/vnd.modelway.ecr-report.v1+json"
"""The same for those of ECR's own scan."""


def report(world: World, registry: Registry, image: Digest, body: bytes, found: Counts) -> Document:
    """Attach a scan report, and say what the provenance is to call it, with what it found in numbers."""
    registry.attach(image, REPORT_TYPE, body, created=world.clock.now())
    digest = digest_of(body)
    return Document(name=vouched.REPORT, media_type=REPORT_TYPE, digest=digest, notes=found.notes())


def sbom(world: World, config: ModelConfig, registry: Registry, image: Digest, merged: Merged) -> Document:
    """Attach the SBOM as a statement of the build; one that lists the same things is not attached again."""
    wanted = cyclonedx.sbom(merged, name=config.name)
    attached = evidence.witnessed(
        world.keys(evidence.only(config, BUILD)), image, registry.attached(image, *evidence.TYPES)
    )
    same = (one for one in vouched.sboms(attached, _build(config)) if _timeless(one) == wanted)
    found = next(same, None)
    if found is None:
        found = cyclonedx.at(wanted, world.clock.now())
        statement = Statement(subject=image, predicate_type=cyclonedx.PREDICATE, predicate=found)
        signed = evidence.attach(
            registry, world.keys(evidence.only(config, BUILD)), world.clock, BUILD, statement
        )
        how = "signed" if signed else "not signed: no key is configured"
        world.reporter.note(f"attached the SBOM, {how}")
    digest = vouched.sbom_digest(found)
    return Document(name=vouched.SBOM, media_type=cyclonedx.MEDIA_TYPE, digest=digest)


def reports(world: World, config: ModelConfig, registry: Registry, image: Digest) -> tuple[bytes, ...]:
    """The attached reports that count, newest first; raises ``NotAllowed`` where a document is missing."""
    return reports_by(config, registry, image, _witnessed(world, config, registry, image))


def reports_by(
    config: ModelConfig, registry: Registry, image: Digest, attached: Sequence[Witnessed]
) -> tuple[bytes, ...]:
    """The same by statements about the image that were read already.

    Where a provenance names documents, all of them have to be there, and no other report counts.
    """
    found = {digest_of(body): body for body in registry.attached(image, REPORT_TYPE)}
    ruling = vouched.complete(image, attached, _build(config), found)
    if not ruling.ok:
        raise NotAllowed(f"{config.name}: {ruling.reason}", seen=ruling.seen, cure=ruling.cure)
    return vouched.counting(attached, _build(config), found)


def ecr_reports(world: World, config: ModelConfig, registry: Registry, image: Digest) -> tuple[bytes, ...]:
    """The attached reports of ECR's own scan that count."""
    found = {digest_of(body): body for body in registry.attached(image, ECR_REPORT_TYPE)}
    attached = _witnessed(world, config, registry, image)
    return vouched.counting(attached, _build(config), found, vouched.ECR_REPORT)


def _witnessed(world: World, config: ModelConfig, registry: Registry, image: Digest) -> tuple[Witnessed, ...]:
    """What is attached to this image; statements about another one are for the gate to refuse."""
    documents = registry.attached(image, *evidence.TYPES)
    every = evidence.witnessed(world.keys(evidence.only(config, BUILD)), image, documents)
    return tuple(one for one in every if one.statement.subject == image)


def _build(config: ModelConfig) -> Author:
    return Author(name=BUILD, keys=evidence.names(config.evidence))


def _timeless(document: JsonObject) -> JsonObject:
    """An SBOM without the time it was made."""
    return cyclonedx.at(document, None)
