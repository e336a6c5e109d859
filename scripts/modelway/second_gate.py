"""The second gate: ECR's own scan of the pushed image, waited for, attached, and judged by the policy.

Between the push and the first environment. It finds what was not known, or not looked for, before the push.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from modelway import evidence, keeping, papers
from modelway.core import ecr_scan, vouched
from modelway.core.config import ModelConfig
from modelway.core.decode import Wrong
from modelway.core.ecr_scan import Done, EcrScan, Hopeless, Look, Scanning, Setup, Sighting, Start, Wait
from modelway.core.evidence import Document
from modelway.core.image import Image
from modelway.core.json import canonical
from modelway.core.manifest import Manifest, digest_of
from modelway.core.merge import merge
from modelway.core.policy import judge
from modelway.core.report import Database, Read, Report
from modelway.core.report_json import report_json, report_of
from modelway.core.scan_spec import Policy
from modelway.errors import Blocked, NotAllowed, NotEvaluated
from modelway.ports import RegistryScan, World
from modelway.scanning import Scanned

SCANNER = "ecr"
FRESH = timedelta(hours=24)
"""So long an attached report of ECR's is not asked for anew: a re-run of a release goes on at once."""
_TOOLS = {Scanning.BASIC: "Amazon ECR basic scanning", Scanning.ENHANCED: "Amazon ECR enhanced scanning"}


def examine(world: World, config: ModelConfig, image: Image, wanted: EcrScan) -> Scanned:
    """ECR's report on a pushed image, judged; a fresh one that is attached is taken as it is.

    Raises ``NotEvaluated`` where ECR will not say. Whether the release may go on is the caller's to say.
    """
    registry = world.registry(config.registry)
    manifest = registry.manifest(image.digest)
    if manifest is None:
        raise NotAllowed(f"{image} is not in the registry", cure="push it first: scripts/run push CONFIG")
    report = newest(papers.ecr_reports(world, config, registry, image.digest), manifest)
    if report and timedelta() <= world.clock.now() - _as_of(report) < FRESH:
        world.reporter.note(f"ECR's scan of {_as_of(report):%Y-%m-%d %H:%M} is attached: not asked again")
    else:
        report = _asked(world, config, image, manifest, wanted)
        body = canonical(report_json(report)).encode()
        registry.attach(image.digest, papers.ECR_REPORT_TYPE, body, created=world.clock.now())
        said = Document(name=vouched.ECR_REPORT, media_type=papers.ECR_REPORT_TYPE, digest=digest_of(body))
        evidence.vouch_for(world, config, image.digest, said, registry)
    file = world.run.workspace / "reports" / f"{report.subject.hex}.{SCANNER}.json"
    keeping.write(file, canonical(report_json(report)))
    merged, policy = merge((report,)), _policy(world, config, None)
    verdict = judge(merged, policy, world.clock.now())
    return Scanned(reports=(report,), merged=merged, verdict=verdict, policy=policy, files=(file,))


def asked_for(world: World, config: ModelConfig) -> EcrScan | None:
    """What the policy wants of ECR's own scan; environments have no say in it."""
    return world.rules(config).rules.policy().spec.ecr


def reasons(
    world: World, config: ModelConfig, environment: str, manifest: Manifest, documents: Iterable[bytes]
) -> tuple[str, ...]:
    """Why ECR's scan lets an image into an environment, where that asks for it; raises what forbids it.

    By the reports that count. Reads only.
    """
    policy = _policy(world, config, environment)
    if policy.spec.ecr is None:
        return ()
    report = newest(documents, manifest)
    if report is None:
        raise NotAllowed(
            f"no report of ECR's own scan that counts is attached to {manifest.digest}",
            seen="The config asks for one: scan.ecr. Where the build has a key, its provenance names it.",
            cure="run `scripts/run push CONFIG`: it waits for the scan and attaches what it found.",
        )
    verdict = judge(merge((report,)), policy, world.clock.now())
    if verdict.blocking or verdict.expired:
        blocking = [f"{b.finding.id} in {b.finding.thing}: {b.why}" for b in verdict.blocking]
        expired = [f"the waiver of {w.id} expired on {w.expires}" for w in verdict.expired]
        raise Blocked(
            f"the policy of today refuses what ECR's own scan found in {manifest.digest}",
            seen="\n".join([*blocking, *expired]),
            cure="fix or waive them in the config; `scripts/run push CONFIG` shows how.",
        )
    if verdict.stale:
        raise NotEvaluated(verdict.stale, cure="run `scripts/run push CONFIG`: it asks ECR again.")
    counts = f"{len(verdict.below)} findings below the limit, {len(verdict.waived)} waived"
    return (f"ECR's own scan passes the policy of today: {counts}",)


def _policy(world: World, config: ModelConfig, environment: str | None) -> Policy:
    """The policy, but for the number of packages: ECR names only those it found something in."""
    policy = world.rules(config).rules.policy(environment)
    return replace(policy, spec=replace(policy.spec, min_packages=0))


def _as_of(report: Report) -> datetime:
    """The day a report of ECR's speaks for."""
    about = report.database
    if about is None or about.as_of is None:
        raise TypeError(report.scanner)
    return about.as_of


def _asked(world: World, config: ModelConfig, image: Image, manifest: Manifest, wanted: EcrScan) -> Report:
    """Wait for the scan, and report it."""
    door = world.registry_scan(config)
    setup = door.setup()
    if wrong := ecr_scan.unfit(setup, wanted.mode):
        raise _no_result(image, wrong)
    world.reporter.note(f"{_TOOLS[setup.scanning]}: waiting for what it says of {image.digest}")
    return _report(config, manifest, setup, _awaited(world, door, setup, image, wanted))


def _awaited(world: World, door: RegistryScan, setup: Setup, image: Image, wanted: EcrScan) -> Sighting:
    """Look until the result may be believed."""
    begun, started = world.clock.now(), False
    looks: list[Look] = []
    while True:
        seen = door.look(image.digest)
        looks.append(replace(seen.look, seconds=world.clock.elapsed(begun)))
        step = ecr_scan.after(setup, looks, timeout=wanted.timeout, started=started)
        match step:
            case Done(why):
                world.reporter.note(f"ECR's scan is over: {why}")
                return replace(seen, look=looks[-1])
            case Start(why):
                world.reporter.note(f"asked ECR to scan the image: {why}")
                door.start(image.digest)
                started = True
            case Wait(why):
                world.reporter.progress(f"waiting for ECR's scan: {why}")
            case Hopeless():
                raise _no_result(image, step)
            case _:
                assert_never(step)
        world.clock.sleep(ecr_scan.PAUSE)


def _no_result(image: Image, why: Hopeless) -> NotEvaluated:
    """The failure where ECR does not say what is in the image."""
    return NotEvaluated(f"ECR's own scan says nothing of {image}", seen=why.what, cure=why.cure)


def _report(config: ModelConfig, manifest: Manifest, setup: Setup, seen: Sighting) -> Report:
    """What ECR found, as a report like any other."""
    if manifest.config is None:
        raise TypeError(manifest)
    look, tool = seen.look, _TOOLS[setup.scanning]
    return Report(
        scanner=SCANNER,
        tool=tool,
        fingerprint=f"{SCANNER} {look.fingerprint}",
        subject=manifest.config,
        platform=config.image.platform,
        packages=seen.packages,
        findings=seen.findings,
        database=Database(
            sources=(tool,), built=look.advisories or look.completed or look.at, as_of=ecr_scan.as_of(look)
        ),
        read=(Read(area="ecr", count=look.read),),
        notes=(
            *seen.notes,
            f"ECR said {look.status} after {look.seconds:.0f} s; it names packages with findings only.",
        ),
    )


def newest(documents: Iterable[bytes], manifest: Manifest) -> Report | None:
    """ECR's latest word about this very image; a report that does not say of when it is, is none."""
    found = []
    for document in documents:
        try:
            report = report_of(json.loads(document))
            if report.database is None or report.database.as_of is None:
                raise Wrong("it does not say of when its advisories are")
        except (ValueError, RecursionError) as error:
            raise NotEvaluated(
                "a report of ECR's scan attached to the image cannot be read",
                seen=repr(error),
                cure="push the image again: scripts/run push CONFIG",
            ) from error
        if report.subject == manifest.config:
            found.append(report)
    return max(found, key=_as_of, default=None)
