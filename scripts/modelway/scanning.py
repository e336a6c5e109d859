"""Reports on images: made by the scanners a config lists, kept, found again, and judged by its policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from modelway.core.config import ModelConfig
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.manifest import Manifest
from modelway.core.policy import Verdict, combine, judge
from modelway.core.report import Report
from modelway.core.report_json import report_json, report_of
from modelway.errors import Blocked, NotAllowed, NotEvaluated, Unavailable
from modelway.ports import Scanner, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """An image's reports and what the policy says of them."""

    reports: tuple[Report, ...]
    """One for each scanner the config lists."""
    verdict: Verdict
    files: tuple[Path, ...]
    """Where the reports lie."""

    @property
    def subject(self) -> Digest:
        """The image config's digest; every report was checked to be about it."""
        return self.reports[0].subject

    def words(self) -> str:
        """What was found, in one line."""
        packages = sum(len(report.packages) for report in self.reports)
        counts = (
            (self.verdict.blocking, "stop it"),
            (self.verdict.waived, "waived"),
            (self.verdict.below, "below the policy"),
        )
        found = ", ".join(f"{len(findings)} {what}" for findings, what in counts if findings)
        notes = "; ".join(
            dict.fromkeys(r.database.note for r in self.reports if r.database and r.database.note)
        )
        return f"{packages} packages, {found or 'no findings'}" + (f"; {notes}" if notes else "")


def examine(world: World, config: ModelConfig, tag: str, *, database: Path | None = None) -> Scanned:
    """Report on a local image and judge it; raises ``NotEvaluated`` when it could not be scanned.

    Whether the release may go on is ``commands.scan``'s to say.
    """
    if not world.builder().find(tag):
        raise NotEvaluated(
            f"There is no image {tag} on this machine, so nothing was scanned",
            cure=f"run `scripts/run build {config.path or 'CONFIG'}` first, or name one with --image.",
        )
    index = world.advisories(database).path
    reports = []
    for name in config.scan.scanners:
        scanner = world.scanner(name, config, index)
        fingerprint = scanner.fingerprint()  # fails before the image is exported where advisories are missing
        kept = _kept_for(world, world.builder().identity(tag), name, fingerprint)
        reports.append(kept or _scan(world, tag, config.image.platform, name, scanner))
    return _judged(world, config, tuple(reports))


def examine_kept(
    world: World, config: ModelConfig, subject: Digest, *, database: Path | None = None
) -> Scanned | None:
    """Judge an image by the reports kept of it, today's policy applied; ``None`` when one is missing.

    Reports made by another scanner version, or with other advisories, count as missing.
    """
    index = world.advisories(database).path
    reports = []
    for name in config.scan.scanners:
        report = _kept(world, subject, name, world.scanner(name, config, index).fingerprint())
        if report is None:
            return None
        reports.append(report)
    return _judged(world, config, tuple(reports))


def _scan(world: World, tag: str, platform: str, name: str, scanner: Scanner) -> Report:
    """Scan now, and keep the report."""
    builder = world.builder()
    identity = builder.identity(tag)
    with builder.export(tag) as archive:
        report = scanner.scan(archive, platform=platform)
    write(_file(world, report.subject, name), canonical(report_json(report)))
    if identity and builder.identity(tag) == identity:  # the tag was not moved meanwhile
        write(_pointer(world, identity), str(report.subject))
    return report


def _judged(world: World, config: ModelConfig, reports: tuple[Report, ...]) -> Scanned:
    """Apply the policy; reports of different images are not one scan."""
    if len({report.subject for report in reports}) != 1:
        raise NotEvaluated(
            "The scanners did not see the same image",
            seen=", ".join(f"{report.scanner}: {report.subject}" for report in reports),
            cure="run it again, and let nothing else build meanwhile.",
        )
    now = world.clock.now()
    return Scanned(
        reports=reports,
        verdict=combine([judge(report, config.scan, now) for report in reports]),
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


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise Unavailable(
            f"The report cannot be written to {path}", seen=str(error), cure="make room or name another file."
        ) from error


def judge_attached(
    world: World, config: ModelConfig, documents: Collection[bytes], manifest: Manifest
) -> str:
    """The newest report about this image, judged by the policy and waivers of today."""
    if not config.scan.scanners:
        return "the config asks for no scan"
    about = [r for r in map(_reports, documents) if r and all(one.subject == manifest.config for one in r)]
    if not about:
        what = f"no scan report is attached to {manifest.digest}"
        cure = "Scan and push it: scripts/run scan CONFIG && scripts/run push CONFIG"
        raise NotAllowed(what, seen=f"{len(documents)} documents are about other images.", cure=cure)
    newest = about[0]
    missing = set(config.scan.scanners) - {report.scanner for report in newest}
    if missing:
        what = f"{manifest.digest} was not scanned by {', '.join(sorted(missing))}"
        raise NotEvaluated(what, cure="Scan and push it: scripts/run scan CONFIG && scripts/run push CONFIG")
    now = world.clock.now()
    verdict = combine([judge(report, config.scan, now) for report in newest])
    if verdict.stale:
        raise NotEvaluated(verdict.stale, cure="Scan with newer advisories and push the report again.")
    if verdict.unread:
        what = f"not everything in {manifest.digest} could be scanned"
        seen = "\n".join(f"{one.area}: {one.what}" for one in verdict.unread)
        raise NotEvaluated(what, seen=seen, cure="List a scanner that reads it; scan and push again.")
    if not verdict.ok:
        blocking = [f"{b.finding.id} in {b.finding.thing}: {b.why}" for b in verdict.blocking]
        expired = [f"the waiver of {w.id} expired on {w.expires}" for w in verdict.expired]
        what = f"the policy of today refuses {manifest.digest}"
        cure = "Fix or waive them in the config; `scripts/run scan CONFIG` shows how."
        raise Blocked(what, seen="\n".join([*blocking, *expired]), cure=cure)
    counts = f"{len(verdict.below)} findings below the limit, {len(verdict.waived)} waived"
    return f"the scan report passes the policy of today: {counts}"


def _reports(document: bytes) -> tuple[Report, ...]:
    """Read an attached document, one report a scanner; one that cannot be read is not a pass."""
    try:
        return tuple(report_of(one) for one in json.loads(document)["reports"])
    except (ValueError, KeyError, TypeError) as error:
        what = "a scan report attached to the image cannot be read"
        raise NotEvaluated(what, seen=repr(error), cure="Scan and push again.") from error
