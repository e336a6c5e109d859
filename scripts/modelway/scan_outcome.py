"""What a scan found, told to people and written for programs; and the exit it demands."""

from __future__ import annotations

from collections.abc import Iterable

from modelway.core import cyclonedx, markup, sarif, told
from modelway.core.config import Byoc, ModelConfig
from modelway.core.json import Json, JsonObject, canonical
from modelway.core.policy import Judged, Verdict
from modelway.core.report import Database
from modelway.core.report_json import report_json
from modelway.core.rules import CHECKOUT
from modelway.core.since import COLUMNS as SINCE_COLUMNS
from modelway.core.since import Since
from modelway.core.verdict_json import verdict_json
from modelway.core.waivers import suggestion
from modelway.errors import Blocked, NotEvaluated
from modelway.ports import Reporter, World
from modelway.scanning import Scanned

_SHOWN = 20
_FOLDED = 500
"""Rows of the summary for what the policy lets pass; the documents have all."""
_CHANGES = 100


def document(scanned: Scanned) -> str:
    """Everything, for programs."""
    body: dict[str, Json] = {
        "reports": [report_json(one) for one in scanned.reports],
        "verdict": verdict_json(scanned.verdict, scanned.policy),
    }
    if scanned.since:
        body["since"] = scanned.since.json()
    return canonical(body)


def sarif_text(config: ModelConfig, scanned: Scanned) -> str:
    """For GitHub's code scanning."""
    dockerfile = config.image.dockerfile if isinstance(config.image, Byoc) else ""
    about = sarif.About(model=config.name, config=config.path or config.name, dockerfile=dockerfile)
    return sarif.sarif(about, scanned.merged, scanned.verdict)


def cyclonedx_text(world: World, config: ModelConfig, scanned: Scanned) -> str:
    """The bill of materials, with what was found in it."""
    bare: JsonObject = cyclonedx.sbom(scanned.merged, name=config.name)
    made = cyclonedx.at(bare, world.clock.now())
    return canonical(cyclonedx.with_findings(made, scanned.merged, scanned.verdict))


def show(world: World, scanned: Scanned, *, every: bool = False) -> None:
    """Tell people what was found, and with which advisories; what the policy lets pass where asked to."""
    reporter, verdict = world.reporter, scanned.verdict
    shown = (*verdict.blocking, *verdict.waived, *(verdict.below if every else ()))
    if shown:
        reporter.table("Findings", told.COLUMNS, list(told.rows(shown)))
    if verdict.below and not every:
        reporter.summary(_passing(verdict.below))
    show_since(reporter, scanned.since)
    _how(reporter, scanned)
    for waiver in verdict.unused:
        reporter.warn(f"The waiver of {waiver.id} matches nothing: remove it, or correct its id or package.")
    if verdict.ageing:
        reporter.warn(verdict.ageing)
    if scanned.pending:
        reporter.warn(scanned.pending[:1].upper() + scanned.pending[1:] + ".")
    reporter.note(_judged_by(scanned.policy.source))


def show_since(reporter: Reporter, since: Since | None) -> None:
    """What changed since the version that serves; nothing where none does."""
    if since is None:
        return
    if since.unknown:
        reporter.warn(since.words)
        return
    reporter.note(since.words)
    if rows := list(since.rows(_CHANGES)):
        reporter.table(f"Changed since version {since.version} in {since.environment}", SINCE_COLUMNS, rows)


def _how(reporter: Reporter, scanned: Scanned) -> None:
    """Who looked, with which advisories, and what was found in numbers."""
    verdict = scanned.verdict
    stopping, waived, below = map(len, (verdict.blocking, verdict.waived, verdict.below))
    numbers = f"{stopping} stopping, {waived} waived, {below} below the policy"
    for report in scanned.reports:
        reporter.note(
            f"{report.scanner}: {len(report.packages)} packages ({report.distro or 'no distribution'}),"
            f" {numbers}{_advisories(report.database)}"
        )
        if report.database and report.database.note:
            reporter.warn(report.database.note)
        for note in report.notes[:_SHOWN]:
            reporter.note(note)


def _passing(below: tuple[Judged, ...]) -> str:
    """What the policy lets pass, to unfold in the summary."""
    more = f"\n\nand {len(below) - _FOLDED} more" if len(below) > _FOLDED else ""
    table = markup.table(told.COLUMNS, told.rows(below[:_FOLDED]))
    return markup.folded(f"{len(below)} findings the policy lets pass", table + more)


def _judged_by(source: str) -> str:
    """Whose policy counted."""
    elsewhere = "; in a workflow, the one on the default branch counts" if source == CHECKOUT else ""
    return f"Judged by the policy of {source}{elsewhere}."


def _advisories(about: Database | None) -> str:
    """Which advisories were used."""
    if about is None:
        return ""
    of = f"of {about.as_of:%Y-%m-%d}" if about.as_of else "of an unknown day"
    return f"; {about.records} advisories {of}"


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
            cure=scanned.pending or f"remove them from {where}, or review them and set a new date.",
        )
    if verdict.blocking:
        today, rules = world.clock.now().date(), scanned.policy.waiver_rules
        waivers = dict.fromkeys(suggestion(one.finding, today, rules) for one in verdict.blocking[:_SHOWN])
        waits = f"{scanned.pending}.\n" if scanned.pending else ""
        raise Blocked(
            f"{len(verdict.blocking)} finding(s) stop the release of {config.name}",
            seen=_blocked_words(verdict),
            cure=f"{waits}{_cures(verdict)}; where that cannot be, accept a finding for a while,"
            f" with a reason, under {where}:\n" + "\n".join(filter(None, waivers)),
        )
    raise _not_evaluated(config, verdict)


def _not_evaluated(config: ModelConfig, verdict: Verdict) -> NotEvaluated:
    """What was not read, or was read with advisories that are too old: no pass."""
    if verdict.unread:
        return NotEvaluated(
            f"{len(verdict.unread)} thing(s) of {config.name} could not be scanned",
            seen="\n".join(f"{one.area}: {one.what}" for one in verdict.unread),
            cure="; ".join(dict.fromkeys(one.cure for one in verdict.unread if one.cure))
            or "list another scanner under scan.scanners that can read it.",
        )
    return NotEvaluated(
        f"{config.name} was scanned with advisories that are too old to rely on",
        seen=verdict.stale,
        cure="run `scripts/run scan-db update`, or `scripts/run scan-db import FILE`.",
    )


def _cures(verdict: Verdict) -> str:
    """What to do about what was found: versions to install, and what each rule says."""
    findings = [one.finding for one in verdict.blocking]
    versions = ["install the fixed versions"] if any(one.package for one in findings) else []
    remarks: Iterable[str] = (one.remark.rstrip(".") for one in findings if not one.package and one.remark)
    return "; ".join([*versions, *list(dict.fromkeys(remarks))[:5]]) or "see to what is named above"


def _blocked_words(verdict: Verdict) -> str:
    """Each stopping finding in a line."""
    lines = [told.sentence(one) for one in verdict.blocking]
    more = [f"and {len(lines) - _SHOWN} more, in the report"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)
