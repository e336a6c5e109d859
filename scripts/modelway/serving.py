"""What serves in an environment, judged by the policy of today from what is attached to its image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from modelway import papers, scan_gate
from modelway.core import since
from modelway.core.access import reading
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Digest, Image
from modelway.core.plan import State
from modelway.core.policy import Verdict
from modelway.core.record import Record
from modelway.core.report import Report
from modelway.core.since import Since
from modelway.errors import Failure, NotEvaluated
from modelway.ports import Target, World
from modelway.scan_gate import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An image judged from its stored reports."""

    reports: tuple[Report, ...]
    judgement: Judgement


def stored(world: World, config: ModelConfig, image: Digest, environment: str) -> Stored:
    """Judge an image of the registry without pulling it; raises ``NotEvaluated`` where nobody scanned it."""
    registry = world.registry(config.registry)
    manifest = registry.manifest(image)
    documents: Collection[bytes] = papers.reports(world, config, registry, image) if manifest else ()
    reports = scan_gate.stored(documents, manifest.config if manifest else None)
    if not reports:
        raise NotEvaluated(
            f"no scan report of {image} is in the registry",
            cure=f"release it again, or scan and push it: {scan_gate.AGAIN}",
        )
    return Stored(reports=reports, judgement=scan_gate.judged(world, config, reports, environment))


def serves(state: State) -> Record | None:
    """The version with the most traffic, if modelway made it."""
    shares = sorted((percent, version) for version, percent in state.traffic.items() if percent > 0)
    return state.records.get(shares[-1][1]) if shares else None


def changed(
    world: World, config: ModelConfig, environment: str, state: State, verdict: Verdict
) -> Since | None:
    """What changed since the version that serves there, ``None`` where none does."""
    record = serves(state)
    if record is None:
        return None
    try:
        then = stored(world, config, Digest.parse(record.digest), environment).judgement
    except Failure as failure:
        return Since(environment=environment, version=record.id, unknown=failure.what)
    return since.since(environment, record.id, now=verdict, then=then.verdict, basis=then.words)


def compare(
    world: World, config: ModelConfig, place: Environment, target: Target, image: Image
) -> Since | None:
    """What changes with an image of the registry where it is to go; that this cannot be told stops nothing.

    ``None`` where nothing serves, or the image itself does.
    """
    looking = reading(config)
    try:
        state = target.observe(None)
        served = serves(state)
        if served is None or served.digest == str(image.digest):
            return None
        now = stored(world, looking, image.digest, place.name)
    except Failure:
        return None  # the gate says what is wrong with the image, and the target what is with the place
    return changed(world, looking, place.name, state, now.judgement.verdict)


def changed_since(world: World, config: ModelConfig, environment: str, verdict: Verdict) -> Since | None:
    """The same, where nobody has looked at the environment yet."""
    try:
        state = world.target(config, config.environments[environment]).observe(None)
    except Failure as failure:
        return Since(environment=environment, version="", unknown=failure.what)
    return changed(world, config, environment, state, verdict)
