"""What serves in an environment, judged by the policy of today from what is attached to its image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from modelway import papers, scan_gate
from modelway.core import since
from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.plan import State
from modelway.core.policy import Verdict
from modelway.core.report import Report
from modelway.core.since import Since
from modelway.errors import Failure, NotEvaluated
from modelway.ports import World
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


def changed(world: World, config: ModelConfig, environment: str, state: State, verdict: Verdict) -> Since:
    """What changed since the version with the most traffic there; that it cannot be told stops nothing."""
    shares = sorted(state.traffic.items(), key=lambda one: one[1])
    version = shares[-1][0] if shares and shares[-1][1] > 0 else None
    record = state.records.get(version) if version else None
    if version is None or record is None:
        unknown = f"modelway did not make {state.foreign}" if state.foreign else "nothing serves there"
        return Since(environment=environment, version="", unknown=unknown)
    try:
        then = stored(world, config, Digest.parse(record.digest), environment).judgement
    except Failure as failure:
        return Since(environment=environment, version=version, unknown=failure.what)
    return since.since(environment, version, now=verdict, then=then.verdict, basis=then.words)


def changed_since(world: World, config: ModelConfig, environment: str, verdict: Verdict) -> Since:
    """The same, where nobody has looked at the environment yet."""
    try:
        state = world.target(config, config.environments[environment]).observe(None)
    except Failure as failure:
        return Since(environment=environment, version="", unknown=failure.what)
    return changed(world, config, environment, state, verdict)
