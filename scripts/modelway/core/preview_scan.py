"""What a scan found, for the pull request's comment; and what of it is new since the version that serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelway.core import markup, told
from modelway.core.json import Json
from modelway.core.preview import Mark, Part
from modelway.core.preview_parts import ending, step, table
from modelway.core.since import COLUMNS, FIXED, NEW, counted
from modelway.core.untrusted import listing, mapping, word

_RULED = (("blocking", "stop the release"), ("waived", "waived"), ("below", "below the policy"))
_KEYS = ("severity", "id", "package", "installed", "fix", "brought_by", "why")
"""Of a finding in a document, under the columns every table has."""


def scan(result: str, document: Json, serving: Json, log: str) -> Part:
    """What the scan found, and what the policy says of it.

    ``document`` is what ``scan --format json`` printed, ``serving`` what ``rescan --format json`` did.
    """
    verdict = mapping(document, "verdict")
    if not verdict:
        return step("Scan", result, "", log)
    counts = [(listing(verdict, kind), what) for kind, what in _RULED]
    counts.append((listing(verdict, "expired"), "waivers expired"))
    words = ", ".join(f"{len(each)} {what}" for each, what in counts if each) or "no findings"
    mark, said = ending(result, words)
    if verdict.get("ok") is not True and mark is Mark.GOOD:
        mark = Mark.STOPS
    rows = [
        (*_cells(one), word(one, "title"))
        for kind in ("blocking", "waived")
        for one in listing(verdict, kind)
    ]
    change = _since(verdict, serving)
    details = (
        markup.text(word(verdict, "stale")),
        table((*told.COLUMNS, "what"), rows) if rows else "",
        markup.text(change.words) if change else "",
        table(COLUMNS, change.rows) if change and change.rows else "",
    )
    detail = "\n\n".join(part for part in details if part)
    return Part(title="Scan", mark=mark, words=_both(said, change), detail=detail)


@dataclass(frozen=True, slots=True)
class _Change:
    """Since the version that serves in the last environment that has one."""

    words: str
    rows: Sequence[Sequence[str]] = ()


def _both(said: str, change: _Change | None) -> str:
    return f"{said}. {change.words}" if change else said


def _since(verdict: Json, serving: Json) -> _Change | None:
    """What is new and what is gone; ``None`` where nobody looked, or nothing serves."""
    places = [place for place in _places(serving) if word(place, "environment")]
    if not places:
        return None
    place = places[-1]
    environment, version = word(place, "environment"), word(place, "version")
    judged = isinstance(place, Mapping) and place.get("judged") is True
    if not judged:
        return _Change(f"What changed since {environment} could not be told: {word(place, 'words')}")
    now = [one for kind, _ in _RULED for one in listing(verdict, kind)]
    then = [one for kind in ("findings", "waived", "below") for one in listing(place, kind)]
    known = {key for one in then for key in _names(one)}
    here = {key for one in now for key in _names(one)}
    new = [one for one in now if not known.intersection(_names(one))]
    fixed = [one for one in then if not here.intersection(_names(one))]
    groups = [new, fixed, [one for one in now if known.intersection(_names(one))]]
    counts = [(len(each), sum(word(one, "ruling") == "stops" for one in each)) for each in groups]
    shown = [(NEW, one) for one in new] + [(FIXED, one) for one in fixed]
    rows = [(what, *_cells(one)) for what, one in shown if word(one, "ruling") != "passes"]
    return _Change(counted(environment, version, *counts), rows)


def _places(serving: Json) -> Iterator[Json]:
    """Every environment of what ``rescan`` printed about one model."""
    for model in serving if isinstance(serving, list) else []:
        yield from listing(model, "environments")


def _cells(one: Json) -> tuple[str, ...]:
    return tuple(word(one, key) for key in _KEYS)


def _names(one: Json) -> Iterator[tuple[str, str]]:
    """What makes a finding the same on both sides: any of its names, in the same package or file."""
    aliases = (name for name in listing(one, "aliases") if isinstance(name, str))
    for name in (word(one, "id"), *aliases):
        yield name.casefold(), word(one, "package")
