"""Look for known vulnerabilities in the image, and judge them by the config's scan policy.

The image is the one `build` made for the config, the local one --image names, or the one of the config's
repository that --pushed names: read from there, every layer's digest verified. The report is
kept under .modelway/reports/, named by the image config's digest; an image that was scanned with
the same advisories is not scanned again.

Exit 3: the policy says no, or a waiver has expired. Exit 9: the scan could not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from modelway.commands import options as shared
from modelway.commands.build import local_image
from modelway.core.config import ModelConfig
from modelway.core.findings import Finding
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.policy import Judged, Verdict
from modelway.core.report import Database
from modelway.core.report_json import report_json
from modelway.core.verdict_json import verdict_json
from modelway.core.waivers import suggestion
from modelway.errors import Blocked, Malformed, NotEvaluated
from modelway.ports import World
from modelway.scanning import Scanned, examine, examine_pushed, write

_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--image", metavar="LOCAL_TAG", help="another local image than `build` made")
    which.add_argument(
        "--pushed",
        metavar="DIGEST",
        help="an image of the config's repository, read from there: no engine is needed",
    )
    shared.formats(parser)
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report here too")
    parser.add_argument("--database", type=Path, metavar="FILE", help="the index of advisories (see scan-db)")


def run(options: argparse.Namespace, world: World) -> None:
    """Scan, show, and stop where the policy says so."""
    config = shared.load(options, world)
    scanned = _scanned(options, world, config)
    if options.report:
        write(options.report, canonical(report_json(scanned.reports[0])))
    if options.format == "json":
        reports = [report_json(one) for one in scanned.reports]
        verdict = verdict_json(scanned.verdict, scanned.policy)
        world.reporter.data(canonical({"reports": reports, "verdict": verdict}))
    show(world, scanned)
    enforce(world, config, scanned)


def _scanned(options: argparse.Namespace, world: World, config: ModelConfig) -> Scanned:
    """The report on the image the options mean, judged."""
    if options.pushed:
        digest = _digest(options.pushed)
        with world.reporter.stage(f"Scan {config.registry.repository}@{digest}"):
            return examine_pushed(world, config, digest, database=options.database)
    tag = options.image or local_image(world, config)
    with world.reporter.stage(f"Scan {tag}"):
        return examine(world, config, tag, database=options.database)


def _digest(text: str) -> Digest:
    """A digest, alone or behind a repository."""
    try:
        return Digest.parse(text.rpartition("@")[2])
    except ValueError as error:
        raise Malformed(
            f"--pushed {text!r} is no digest", cure="write it as sha256:... or repository@sha256:...."
        ) from error


def scan_image(world: World, config: ModelConfig, tag: str) -> Scanned:
    """Scan a local image, show what was found, and stop where the policy says so.

    Raises ``Blocked`` for what the policy does not let pass, ``NotEvaluated`` for a scan that did
    not run. What returns has passed.
    """
    scanned = examine(world, config, tag)
    show(world, scanned)
    enforce(world, config, scanned)
    return scanned


def enforce(world: World, config: ModelConfig, scanned: Scanned) -> None:
    """Raise ``Blocked`` or ``NotEvaluated`` unless the policy lets the image pass."""
    verdict = scanned.verdict
    if verdict.ok:
        return
    where = f"scan.waivers of {config.path or config.name}"
    if verdict.expired:
        names = ", ".join(f"{one.id} (expired {one.expires})" for one in verdict.expired)
        raise Blocked(
            f"{len(verdict.expired)} waiver(s) have expired: {names}",
            seen=_blocked_words(verdict),
            cure=f"remove them from {where}, or review them and set a new date.",
        )
    if verdict.blocking:
        today, rules = world.clock.now().date(), scanned.policy.waiver_rules
        waivers = dict.fromkeys(suggestion(one.finding, today, rules) for one in verdict.blocking[:_SHOWN])
        raise Blocked(
            f"{len(verdict.blocking)} finding(s) stop the release of {config.name}",
            seen=_blocked_words(verdict),
            cure=f"{_cures(verdict)}; where that cannot be, accept a finding for a while,"
            f" with a reason, under {where}:\n" + "\n".join(filter(None, waivers)),
        )
    if verdict.unread:
        raise NotEvaluated(
            f"{len(verdict.unread)} thing(s) of {config.name} could not be scanned",
            seen="\n".join(f"{one.area}: {one.what}" for one in verdict.unread),
            cure="; ".join(dict.fromkeys(one.cure for one in verdict.unread if one.cure))
            or "list another scanner under scan.scanners that can read it.",
        )
    raise NotEvaluated(
        f"{config.name} was scanned with advisories that are too old to rely on",
        seen=verdict.stale,
        cure="run `scripts/run scan-db update`, or `scripts/run scan-db import FILE`.",
    )


def show(world: World, scanned: Scanned) -> None:
    """Tell people what was found, and with which advisories."""
    reporter, verdict = world.reporter, scanned.verdict
    rows = [(*_row(one), one.why) for one in verdict.blocking]
    rows += [
        (*_row(one), f"waived until {one.waiver.expires}: {one.waiver.reason}")
        for one in verdict.waived
        if one.waiver
    ]
    if rows:
        columns = ("severity", "finding", "package", "installed", "fixed in", "")
        reporter.table("Findings", columns, rows)
    for report in scanned.reports:
        reporter.note(
            f"{report.scanner}: {len(report.packages)} packages ({report.distro or 'no distribution'}),"
            f" {len(verdict.blocking)} stopping, {len(verdict.waived)} waived, {len(verdict.below)} below"
            f" the policy{_advisories(report.database)}"
        )
        if report.database and report.database.note:
            reporter.warn(report.database.note)
        for note in report.notes[:_SHOWN]:
            reporter.note(note)
    for waiver in verdict.unused:
        reporter.warn(f"The waiver of {waiver.id} matches nothing: remove it, or correct its id or package.")
    if verdict.ageing:
        reporter.warn(verdict.ageing)
    if scanned.other and scanned.other.ok != verdict.ok:
        before = "passes" if scanned.other.ok else "stops"
        reporter.warn(
            f"By the policy of the branch this is to be merged into, the image {before}; by this one it"
            f" {'passes' if verdict.ok else 'stops'}: that counts once it is merged."
        )
    reporter.output("report", str(scanned.files[0]))
    reporter.output("config_digest", str(scanned.subject))


def _advisories(about: Database | None) -> str:
    """Which advisories were used."""
    if about is None:
        return ""
    of = f"of {about.as_of:%Y-%m-%d}" if about.as_of else "of an unknown day"
    return f"; {about.records} advisories {of}"


def _row(one: Judged) -> tuple[str, ...]:
    """The columns every finding has."""
    finding = one.finding
    fixed = finding.fixed_in or {"no": "no fix", "unknown": "unknown"}.get(finding.fixable, "")
    return str(one.severity), finding.id, finding.thing, finding.installed, fixed


def _cures(verdict: Verdict) -> str:
    """What to do about what was found: versions to install, and what each rule says."""
    findings = [one.finding for one in verdict.blocking]
    versions = ["install the fixed versions"] if any(one.package for one in findings) else []
    remarks = (one.remark.rstrip(".") for one in findings if not one.package and one.remark)
    return "; ".join([*versions, *list(dict.fromkeys(remarks))[:5]]) or "see to what is named above"


def _where(finding: Finding) -> str:
    """A finding and its place: a package with its fix, or a file with what gave it away."""
    if finding.package or not finding.location:
        fix = f"fixed in {finding.fixed_in}" if finding.fixed_in else "no fixed version known"
        return f"{finding.id} in {finding.thing} {finding.installed} ({fix})"
    place = finding.location
    line = f":{place.line}" if place.line else ""
    deleted = ", which a later layer deletes or replaces and every pull still brings" if place.deleted else ""
    shown = f" ({finding.evidence.masked})" if finding.evidence else ""
    return f"{finding.title or finding.id} [{finding.id}] in {place.file}{line}{deleted}{shown}"


def _blocked_words(verdict: Verdict) -> str:
    """Each stopping finding in a line."""
    lines = [f"{_where(one.finding)}: {one.why}" for one in verdict.blocking]
    more = [f"and {len(lines) - _SHOWN} more, in the report"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)
