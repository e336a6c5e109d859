"""Judge again what serves in each environment, with the advisories and the policy of today. Reads only.

Nothing is pulled or built: the reports attached to the image say what is in it, and the advisories of this
machine (see scan-db) what is known of that by now. An index older than the report's own is not used.

--issue opens one issue a model on GitHub, or updates it, with what would stop it now and the versions that
mend it, and closes it when every environment passes (GITHUB_TOKEN; permission issues: write).

Exit 3: something that serves would not pass any more. Exit 2: a config has errors, so that its model was not
judged; the others were. Exit 9: something else could not be judged.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from modelway import serving
from modelway.commands import options as shared
from modelway.core import rescan
from modelway.core.access import reading
from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.merge import merge
from modelway.core.origin import traced
from modelway.core.policy import Verdict
from modelway.core.record import Record
from modelway.core.rescan import Again
from modelway.core.version import VersionId
from modelway.delivery import Delivery
from modelway.errors import Blocked, Failure, Malformed, NotEvaluated
from modelway.ports import World
from modelway.scan_gate import Judgement
from modelway.tracing import source

_MEND = "install the fixed versions and release; or waive what cannot be mended, with a reason."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("configs", metavar="CONFIG", nargs="+", help="model configs, or folders of them")
    parser.add_argument("--issue", action="store_true", help="open, update or close each model's issue")
    parser.add_argument("--database", type=Path, metavar="FILE", help="the index of advisories (see scan-db)")
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Judge every model; one that cannot be read hides no other."""
    index = partial(world.advisories, options.database)
    world = replace(world, advisories=lambda _: index())
    index().about()  # without advisories nothing would be judged again
    configs, broken = _configs(world, options.configs)
    judged = {config.name: _model(world, config) for config in configs}
    for config in configs:
        for one in judged[config.name]:
            line = f"{config.name} in {one.environment}: {one.words}"
            (world.reporter.note if one.ok else world.reporter.warn)(line)
            if options.format == "text" and not one.ok:
                _show(world, config, one)
        if options.issue:
            _issue(world, config, judged[config.name])
    if options.format == "json":
        world.reporter.data(json.dumps([rescan.document(name, found) for name, found in judged.items()]))
    every = [(name, one) for name, found in judged.items() for one in found]
    failing = [(name, one) for name, one in every if not one.ok]
    world.reporter.output("failing", str(len(failing) + len(broken)))
    _end(failing, broken)


def _configs(world: World, paths: Sequence[str]) -> tuple[list[ModelConfig], list[Malformed]]:
    """Every config that can be read, and why the others cannot."""
    read: list[ModelConfig] = []
    broken: list[Malformed] = []
    for path in world.configs.find(paths):
        try:
            read.append(reading(world.configs.load(Path(path))))
        except Malformed as failure:
            world.reporter.warn(f"{failure.what}: its model is not judged")
            broken.append(failure)
    return read, broken


def _end(failing: list[tuple[str, Again]], broken: list[Malformed]) -> None:
    """What the policy forbids comes before what could not be judged; all is named, with the models."""
    told = [f"{model} in {one.environment}: {one.words}" for model, one in failing]
    seen = "\n".join([*told, *(f"{one.what}\n{one.seen}" for one in broken)])
    every = [*(one.cure for _, one in failing), *(one.cure for one in broken)]
    cures = dict.fromkeys(filter(None, every))
    verdicts = [one.verdict for _, one in failing if one.verdict]
    blocked = [one for one in verdicts if one.blocking or one.expired]
    if blocked:
        raise Blocked(
            f"{len(blocked)} image(s) that serve would not pass their scan today",
            seen=seen,
            cure="\n".join((_MEND, *cures)),
        )
    if broken:
        raise Malformed(
            f"{len(broken)} config(s) cannot be read, so nobody knows what serves of their models",
            seen=seen,
            cure="\n".join(cures),
        )
    if failing:
        raise NotEvaluated(
            f"{len(failing)} image(s) that serve could not be judged",
            seen=seen,
            cure="\n".join(cures) or "`scripts/run scan-db update` where this runs, then run it again.",
        )


def _model(world: World, config: ModelConfig) -> tuple[Again, ...]:
    """Everything of a model that has traffic."""
    found: list[Again] = []
    for name in config.environments:
        try:
            state = Delivery.open(world, config, name).target.observe(None)
        except Failure as failure:
            found.append(_unknown(name, "", None, failure))
            continue
        serving = [id_ for id_, percent in state.traffic.items() if percent > 0]
        found += [_again(world, config, name, id_, state.records.get(id_)) for id_ in serving]
        if state.foreign:
            what = NotEvaluated(
                f"{state.foreign} serves, which modelway did not make",
                cure="release the model with modelway: what it made has a report.",
            )
            found.append(_unknown(name, "", None, what))
        elif not serving:
            world.reporter.note(f"{config.name} in {name}: nothing serves")
    return tuple(found)


def _again(
    world: World, config: ModelConfig, environment: str, version: VersionId, record: Record | None
) -> Again:
    """One image, judged from what is attached to it."""
    if record is None:
        lost = NotEvaluated(f"nothing is known of version {version}, which serves", cure="release it again.")
        return _unknown(environment, version, None, lost)
    digest = Digest.parse(record.digest)
    try:
        kept = serving.stored(world, config, digest, environment)
        verdict = _traced(world, config, kept.judgement)
    except Failure as failure:
        return _unknown(environment, version, digest, failure)
    return Again(
        environment=environment,
        version=version,
        image=digest,
        verdict=verdict,
        known=frozenset(map(rescan.key, merge(kept.reports).findings)),
        rules=kept.judgement.policy.waiver_rules,
        basis=kept.judgement.words,
    )


def _traced(world: World, config: ModelConfig, judged: Judgement) -> Verdict:
    """With the line of today's files that brings each finding: there it is to be mended."""
    findings = traced(
        (one.finding for one in judged.verdict.judged), judged.merged.layers, source(world, config)
    )
    told = zip(judged.verdict.judged, findings, strict=True)
    return replace(judged.verdict, judged=tuple(replace(one, finding=finding) for one, finding in told))


def _unknown(environment: str, version: str, image: Digest | None, failure: Failure) -> Again:
    """Something that could not be judged: never a pass."""
    return Again(
        environment=environment,
        version=version,
        image=image,
        basis=failure.what,
        seen=failure.seen,
        cure=failure.cure,
    )


def _show(world: World, config: ModelConfig, one: Again) -> None:
    """What would stop it, in a table."""
    blocking = one.verdict.blocking if one.verdict else ()
    if blocking:
        rows = [rescan.row(each, one) for each in blocking]
        world.reporter.table(f"{config.name} in {one.environment}", rescan.COLUMNS, rows)


def _issue(world: World, config: ModelConfig, found: tuple[Again, ...]) -> None:
    """The model's one issue: closed only when everything was judged and passes."""
    host, marker = world.hosting(), rescan.marker(config.name)
    if all(one.ok for one in found):
        closed = host.close_issue(marker, "Everything that serves passes its scan again.")
        if closed:
            world.reporter.note(f"closed {closed}")
        return
    text = rescan.issue(config.name, config.path or config.name, found, world.clock.now().date())
    address = host.issue(marker, rescan.title(config.name), text)
    if address is None:
        world.reporter.warn("The token may not write issues: in a workflow, `permissions: issues: write`.")
    else:
        world.reporter.note(f"wrote {address}")
        world.reporter.output("issue", address)
