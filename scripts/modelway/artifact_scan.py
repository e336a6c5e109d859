"""The model artifact looked into: its bytes streamed, verified, and judged beside the image's reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelway.core.access import reading
from modelway.core.artifact_report import bare, covered, folded
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.report import Report
from modelway.core.report_json import report_json, report_of
from modelway.core.version import Artifact
from modelway.errors import NotAllowed
from modelway.keeping import write
from modelway.ports import World


def beside(
    world: World, config: ModelConfig, reports: Sequence[Report], *, place: Environment | None = None
) -> tuple[Report, ...]:
    """The reports on an image with what is in the config's weights; they are looked into where nobody did.

    Read as ``place`` is reached, or as a plan of the first environment reads. Raises ``NotAllowed`` for
    weights that are not those the config names, ``Unavailable`` where they cannot be had.
    """
    artifact = config.artifact
    if artifact is None:
        return bare(reports)
    if covered(reports, artifact):
        return tuple(reports)
    return folded(reports, _kept(world, artifact) or _looked(world, config, artifact, place))


def kept(world: World, config: ModelConfig, reports: Sequence[Report]) -> tuple[Report, ...]:
    """The same without reading them: only what this machine found before."""
    found = _kept(world, config.artifact) if config.artifact else None
    return folded(reports, found) if found else bare(reports)


def _looked(world: World, config: ModelConfig, artifact: Artifact, place: Environment | None) -> Report:
    """Look into the weights now, and keep what was seen."""
    place = place or next(iter(reading(config).environments.values()))
    hasher = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in world.artifacts(config, place).stream(artifact):
            hasher.update(chunk)
            yield chunk

    chunks = hashed()
    world.reporter.progress(f"looking into {artifact.uri}")
    report = world.weights().look(chunks, artifact)
    for _ in chunks:  # whoever looks may stop before the end
        pass
    seen = Digest.parse(f"sha256:{hasher.hexdigest()}")
    if seen != artifact.sha256:
        raise NotAllowed(
            f"{artifact.uri} is not the model artifact the config names",
            seen=f"expected {artifact.sha256}, its bytes are {seen}",
            cure="somebody replaced it after its checksum was taken: upload the right file under a new key,"
            " or, if the new weights are meant, put their checksum into model_artifact.sha256",
        )
    write(_file(world, artifact), canonical(report_json(report)))
    return report


def _kept(world: World, artifact: Artifact) -> Report | None:
    """What was seen in these bytes by today's scanner; a file that was altered is none."""
    try:
        report = report_of(json.loads(_file(world, artifact).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None
    return report if (report.subject, report.fingerprint) == (artifact.sha256, world.weights().name) else None


def _file(world: World, artifact: Artifact) -> Path:
    return world.run.workspace / "reports" / f"weights-{artifact.sha256.hex}.json"
