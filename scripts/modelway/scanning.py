"""Reports on images: made by the scanners a config lists, kept, found again, and judged by its policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from modelway import artifact_scan
from modelway.core import pending, told
from modelway.core.access import reading
from modelway.core.artifact_report import covered
from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.merge import Merged, merge
from modelway.core.origin import settled, traced
from modelway.core.policy import Verdict, judge
from modelway.core.report import Report
from modelway.core.report_json import report_json, report_of
from modelway.core.scan_spec import Policy
from modelway.core.since import Since
from modelway.errors import Differs, NotEvaluated
from modelway.keeping import write
from modelway.ports import Scanner, World
from modelway.tracing import source


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """An image's reports and what the policy says of them."""

    reports: tuple[Report, ...]
    """One for each scanner the policy lists."""
    merged: Merged
    """All of them in one list."""
    verdict: Verdict
    policy: Policy
    other: Verdict | None = None
    """By the checkout's own policy, which counts once it is merged; ``None`` where that is the same."""
    since: Since | None = None
    """What changed since the version that serves somewhere, where that was asked for."""
    files: tuple[Path, ...]
    """Where the reports lie."""

    @property
    def subject(self) -> Digest:
        """The image config's digest; every report was checked to be about it."""
        return self.reports[0].subject

    @property
    def pending(self) -> str:
        """What the checkout's own policy would change, and does not yet; empty for nothing."""
        return pending.words(self.verdict, self.other, self.policy.source)

    def words(self) -> str:
        """What was found, in one line."""
        packages = len(self.merged.packages)
        notes = "; ".join(dict.fromkeys(one.note for _, one in self.merged.databases if one.note))
        return f"{packages} packages, {told.counts(self.verdict)}" + (f"; {notes}" if notes else "")


def examine(
    world: World, config: ModelConfig, tag: str, *, database: Path | None = None, look: bool = True
) -> Scanned:
    """Report on a local image and judge it; raises ``NotEvaluated`` when it could not be scanned.

    ``look`` says whether the model artifact is looked into as well.

    Whether the release may go on is ``commands.scan``'s to say.
    """
    if not world.builder().find(tag):
        raise NotEvaluated(
            f"There is no image {tag} on this machine, so nothing was scanned",
            cure=f"run `scripts/run build {config.path or 'CONFIG'}` first, or name one with --image.",
        )
    index = world.advisories(database).path
    reports = []
    for name in _scanners(world, config):
        scanner = world.scanner(name, config, index)
        fingerprint = scanner.fingerprint()  # fails before the image is exported where advisories are missing
        kept = _kept_for(world, world.builder().identity(tag), name, fingerprint)
        reports.append(kept or _scan(world, config, tag, name, scanner))
    return _judged(world, config, _with_weights(world, config, reports, look=look))


def examine_kept(
    world: World, config: ModelConfig, subject: Digest, *, database: Path | None = None
) -> Scanned | None:
    """Judge an image by the reports kept of it, today's policy applied; ``None`` when one is missing.

    Reports made by another scanner version, or with other advisories, count as missing.
    """
    index = world.advisories(database).path
    reports = []
    for name in _scanners(world, config):
        report = _kept(world, subject, name, world.scanner(name, config, index).fingerprint())
        if report is None:
            return None
        reports.append(report)
    return _judged(world, config, artifact_scan.kept(world, config, reports))


def examine_pushed(
    world: World, config: ModelConfig, digest: Digest, *, database: Path | None = None, look: bool = True
) -> Scanned:
    """Report on an image of the registry, straight from there, and judge it; needs no container engine."""
    registry = world.registry(reading(config).registry)
    manifest = registry.manifest(digest)
    if manifest is None or manifest.config is None:
        raise NotEvaluated(
            f"There is no image {registry.repository}@{digest}, so nothing was scanned",
            cure="name the digest of an image that was pushed: `scripts/run push` says it.",
        )
    index, subject, reports = world.advisories(database).path, manifest.config, []
    for name in _scanners(world, config):
        scanner = world.scanner(name, config, index)
        kept = _kept(world, subject, name, scanner.fingerprint())
        if kept is None:
            with registry.export(digest) as archive:
                kept = _report(world, config, archive, name, scanner)
        reports.append(kept)
    if any(report.subject != subject for report in reports):
        raise Differs(
            f"What was scanned is not the image {digest}",
            seen=f"its config is {subject}; scanned was {', '.join(str(one.subject) for one in reports)}",
            cure="do not use this registry; something between it and this machine changes images",
        )
    return _judged(world, config, _with_weights(world, config, reports, look=look))


def _with_weights(
    world: World, config: ModelConfig, reports: Sequence[Report], *, look: bool
) -> tuple[Report, ...]:
    """The reports, and what is in the model artifact."""
    if look:
        return artifact_scan.beside(world, config, reports)
    found = artifact_scan.kept(world, config, reports)
    if config.artifact and not covered(found, config.artifact):
        world.reporter.note(f"{config.artifact.uri} is not looked into here; the gate does it.")
    return found


def _scanners(world: World, config: ModelConfig) -> tuple[str, ...]:
    """Those of the policy, and those only an environment asks for: its gate wants their reports, too."""
    rules = world.rules(config).rules
    asked = (name for place in (None, *config.environments) for name in rules.policy(place).spec.scanners)
    return tuple(dict.fromkeys(asked))


def _scan(world: World, config: ModelConfig, tag: str, name: str, scanner: Scanner) -> Report:
    """Scan a local image now, and keep the report."""
    builder = world.builder()
    identity = builder.identity(tag)
    with builder.export(tag) as archive:
        report = _report(world, config, archive, name, scanner)
    if identity and builder.identity(tag) == identity:  # the tag was not moved meanwhile
        write(_pointer(world, identity), str(report.subject))
    return report


def _report(world: World, config: ModelConfig, archive: BinaryIO, name: str, scanner: Scanner) -> Report:
    """Scan an archive, and keep the report."""
    report = scanner.scan(archive, platform=config.image.platform)
    report = replace(report, layers=settled(report.layers, source(world, config)))
    write(_file(world, report.subject, name), canonical(report_json(report)))
    return report


def _judged(world: World, config: ModelConfig, reports: tuple[Report, ...]) -> Scanned:
    """Apply the policy; reports of different images are not one scan."""
    if len({report.subject for report in reports}) != 1:
        raise NotEvaluated(
            "The scanners did not see the same image",
            seen=", ".join(f"{report.scanner}: {report.subject}" for report in reports),
            cure="run it again, and let nothing else build meanwhile.",
        )
    now, governing, merged = world.clock.now(), world.rules(config), merge(reports)
    findings = traced(merged.findings, merged.layers, source(world, config))
    merged = replace(merged, findings=findings)
    policy = governing.rules.policy()
    return Scanned(
        reports=reports,
        merged=merged,
        verdict=judge(merged, policy, now),
        policy=policy,
        other=judge(merged, governing.other.policy(), now) if governing.other else None,
        files=tuple(_file(world, report.subject, report.scanner) for report in reports),
    )


def _kept_for(world: World, identity: str, name: str, fingerprint: str) -> Report | None:
    """The report of an image the engine still has under the same content address."""
    try:
        subject = Digest.parse(_pointer(world, identity).read_text(encoding="utf-8")) if identity else None
    except (OSError, ValueError):
        subject = None
    report = _kept(world, subject, name, fingerprint) if subject else None
    if report:
        world.reporter.note(
            f"Not scanned again: the image ({report.subject.hex[:12]}), the advisories and the scanner"
            " are those of the last report."
        )
    return report


def _kept(world: World, subject: Digest, name: str, fingerprint: str) -> Report | None:
    """A report of these very bytes and advisories; one that was altered is none."""
    try:
        report = report_of(json.loads(_file(world, subject, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return None
    return report if (report.subject, report.fingerprint) == (subject, fingerprint) else None


def _file(world: World, subject: Digest, name: str) -> Path:
    """Where a report is kept; the builtin scanner's is the one others look for."""
    suffix = "" if name == "builtin" else f".{name}"
    return world.run.workspace / "reports" / f"{subject.hex}{suffix}.json"


def _pointer(world: World, identity: str) -> Path:
    """Where it is noted which config the engine's content address stands for."""
    hashed = hashlib.sha256(identity.encode()).hexdigest()
    return world.run.workspace / "reports" / "engine" / hashed
