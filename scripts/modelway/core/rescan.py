"""What serves, judged again: what the one issue of a model says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from modelway.core import markup, told
from modelway.core.findings import Finding
from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject
from modelway.core.policy import Judged, Verdict
from modelway.core.scan_spec import WaiverRules
from modelway.core.verdict_json import judged_json
from modelway.core.waivers import suggestion

_LIMIT = 60_000
"""Bytes; GitHub takes 65,536 characters."""
_ROWS = 50
_SEEN = 500
"""Characters of what was seen where something could not be judged."""
COLUMNS = ("", *told.COLUMNS)
_SHORTENED = "\n\nShortened here; `rescan --format json` has all of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """An image that serves in an environment, judged by the policy of today."""

    environment: str
    version: str
    image: Digest | None
    verdict: Verdict | None = None
    """``None`` where it could not be judged."""
    known: frozenset[str] = frozenset()
    """What was found already when it was scanned (``key``)."""
    rules: WaiverRules = field(default_factory=WaiverRules)
    basis: str = ""
    """By which advisories and which policy; why it could not be judged, where it could not."""
    seen: str = ""
    """What was expected and seen where it could not be judged."""
    cure: str = ""
    """What to do where it could not be judged."""

    @property
    def ok(self) -> bool:
        """Whether the policy would let it in today."""
        return self.verdict is not None and self.verdict.ok

    @property
    def judged(self) -> bool:
        """Whether anybody can tell."""
        return self.verdict is not None and not (self.verdict.stale or self.verdict.unread)

    @property
    def words(self) -> str:
        """In one line."""
        verdict = self.verdict
        if verdict is None:
            seen = f" ({' '.join(self.seen.split())[:_SEEN]})" if self.seen else ""
            return f"could not be judged: {self.basis}{seen}"
        new = sum(key(one.finding) not in self.known for one in verdict.blocking)
        count = len(verdict.blocking)
        parts = [f"{count} finding{'s' * (count != 1)} would stop it, {new} of them new" if count else ""]
        parts += [f"the waiver of {one.id} expired on {one.expires}" for one in verdict.expired]
        parts += [*(f"{one.area}: {one.what}" for one in verdict.unread), verdict.stale]
        return "; ".join(filter(None, parts)) or f"passes with {self.basis}"


def key(finding: Finding) -> str:
    """What makes two findings one, whatever version of the package has them."""
    package = finding.package
    kind = package.ecosystem if package else str(finding.kind)
    return f"{finding.id}|{kind}|{finding.thing}|{finding.path}"


def marker(model: str) -> str:
    """How a model's issue begins, so that it is found again; nobody sees it."""
    return f"<!-- modelway:rescan:{model} -->"


def title(model: str) -> str:
    """The issue's title."""
    return f"{model}: what runs would not pass its scan today"


def issue(model: str, config: str, found: Sequence[Again], today: date) -> str:
    """The issue's text, as Markdown."""
    parts = [
        marker(model),
        f"What serves of {markup.code(model)} was judged again with the advisories and the policy of today,"
        " from the reports attached to its image.",
        *(_place(one) for one in found if not one.ok),
        "### What to do\n\n"
        f"Correct it in the repository and release: {markup.code(f'scripts/run release {config}')}."
        " This issue is updated by the next run, and closed when nothing is left to say.",
    ]
    if waivers := _waivers(found, today):
        told = f"Where that cannot be, accept a finding for a while under `scan.waivers` of {config}"
        parts.append(markup.folded(told, markup.block(waivers, lines=200, characters=20_000)))
    return markup.cut("\n\n".join(parts) + "\n", _LIMIT, _SHORTENED)


def _place(one: Again) -> str:
    """One environment."""
    what = [f"Version {markup.code(one.version)}, {markup.code(str(one.image))}: "] if one.image else []
    lines = [f"### {markup.text(one.environment)}", f"{''.join(what)}{markup.text(one.words)}."]
    if one.cure:
        lines.append(f"To fix: {markup.text(one.cure)}")
    if one.verdict and one.verdict.blocking:
        lines.append(markup.table(COLUMNS, [row(each, one) for each in one.verdict.blocking[:_ROWS]]))
        if len(one.verdict.blocking) > _ROWS:
            lines.append(f"and {len(one.verdict.blocking) - _ROWS} more.")
    return "\n\n".join(lines)


def row(one: Judged, again: Again) -> tuple[str, ...]:
    """Under ``COLUMNS``: new or not, and the finding."""
    return "" if key(one.finding) in again.known else "new", *told.told(one).cells


def _waivers(found: Iterable[Again], today: date) -> str:
    """Waivers to paste for everything that stops."""
    made = (
        suggestion(one.finding, today, again.rules)
        for again in found
        if again.verdict
        for one in again.verdict.blocking[:_ROWS]
    )
    return "\n".join(dict.fromkeys(filter(None, made)))


def document(model: str, found: Sequence[Again]) -> JsonObject:
    """For programs: also what the policy lets pass, by which a change can be compared with what serves."""
    places: list[Json] = [
        {
            "environment": one.environment,
            "version": one.version,
            "image": str(one.image) if one.image else None,
            "ok": one.ok,
            "judged": one.judged,
            "words": one.words,
            "findings": [_finding(each, one) for each in (one.verdict.blocking if one.verdict else ())],
            "waived": [_finding(each, one) for each in (one.verdict.waived if one.verdict else ())],
            "below": [_finding(each, one) for each in (one.verdict.below if one.verdict else ())],
        }
        for one in found
    ]
    return {"model": model, "environments": places}


def _finding(one: Judged, again: Again) -> JsonObject:
    return {**judged_json(one), "new": key(one.finding) not in again.known}
