"""The pull request's one comment: what was looked at for each model, shortened visibly where it is too long.

All text in it went through ``markup``; this module only arranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from modelway.core import markup

MARKER = "<!-- modelway:preview -->"
"""Its first line, by which the next run finds it."""
COMMENT_LIMIT = 65_536
"""Characters GitHub takes in a comment ("body is too long (maximum is 65536 characters)"); counted in bytes
here, of which there are never fewer."""
_CUT = "\n\n*Shortened here: GitHub takes no longer comments. The job's summary and log have more.*\n"


class Mark(StrEnum):
    """How something looks at a glance."""

    GOOD = "✅"
    WARNING = "⚠️"
    STOPS = "❌"
    NOTHING = "➖"  # noqa: RUF001 - the sign is meant
    """Not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that was looked at for a model."""

    title: str
    mark: Mark
    words: str
    """One line, as text."""
    detail: str = ""
    """More, as Markdown that ``markup`` made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One model the pull request touches."""

    model: str
    config: str
    reason: str
    """The path because of which it is touched; empty where it was named."""
    parts: tuple[Part, ...]

    @property
    def mark(self) -> Mark:
        """The worst of its parts."""
        marks = {part.mark for part in self.parts}
        return next((mark for mark in (Mark.STOPS, Mark.WARNING, Mark.GOOD) if mark in marks), Mark.NOTHING)


def comment(previews: Sequence[Preview], revision: str, *, limit: int = COMMENT_LIMIT) -> str:
    """The whole comment in at most so many bytes.

    Models that stop come first. When room ends, details go first (of the good ones before the others),
    then sections, then rows; each time it says so.
    """
    ordered = sorted(previews, key=lambda one: (_order(one.mark), one.model))
    room = limit - len(_CUT.encode()) - 200  # the notice of what is left out
    head = _head(ordered, revision, room // 2)
    room -= len(head.encode())
    sections: list[str] = []
    shortened = 0
    for left, one in zip(range(len(ordered) - 1, -1, -1), ordered, strict=True):
        for section in (_section(one, details=True), _section(one, details=False)):
            # What follows still needs its heading: a fair share is kept for it.
            if len(section.encode()) + 2 <= room - left * 120:
                sections.append(section)
                room -= len(section.encode()) + 2
                shortened += section != _section(one, details=True)
                break
        else:
            break
    notes = _left_out(len(ordered) - len(sections), shortened)
    return markup.cut("\n\n".join([head, *sections, *notes]) + "\n", limit, _CUT)


def _left_out(sections: int, details: int) -> list[str]:
    """What is missing from here, and where it is."""
    told = []
    if details:
        told.append(f"details of {details} model{'s' * (details != 1)}")
    if sections:
        told.append(f"{sections} model{'s' * (sections != 1)} of the table")
    return [f"*Shortened: {' and '.join(told)} left out here; see the jobs' summaries.*"] if told else []


def _order(mark: Mark) -> int:
    return [Mark.STOPS, Mark.WARNING, Mark.GOOD, Mark.NOTHING].index(mark)


def _head(previews: Sequence[Preview], revision: str, room: int) -> str:
    """Marker, verdict and a row for each model, as many as there is room for."""
    stopped = [one for one in previews if one.mark is Mark.STOPS]
    count = f"{len(previews)} model{'s' * (len(previews) != 1)}"
    if not previews:
        verdict = "This change touches no model."
    elif stopped:
        verdict = f"{Mark.STOPS} **{len(stopped)} of {count} cannot go out like this.**"
    elif any(part.mark is Mark.NOTHING for one in previews for part in one.parts):
        verdict = f"{Mark.NOTHING} **{count}: nothing that was looked at stops a release; not all was.**"
    else:
        verdict = f"{Mark.GOOD} **{count}, nothing stops {'it' if len(previews) == 1 else 'them'}.**"
    of = f" Seen at {markup.code(revision)}." if revision else ""
    head = f"{MARKER}\n## What this change would do\n\n{verdict}{of}"
    return f"{head}\n\n{_overview(previews, room - len(head.encode()))}" if previews else head


def _overview(previews: Sequence[Preview], room: int) -> str:
    """A row for each model, a column for each thing looked at."""
    titles = list(dict.fromkeys(part.title for one in previews for part in one.parts))
    rows = [_row(one, titles) for one in previews]
    used, kept = 300 + sum(map(len, titles)) * 2, 0
    for row in rows:
        used += len(" | ".join(row).encode()) + 5
        if used > room:
            break
        kept += 1
    table = markup.raw_table(["model", *titles, "because of"], rows[:kept])
    more = len(rows) - kept
    return table + (f"\n\n*and {more} more, left out here*" if more else "")


def _row(one: Preview, titles: Sequence[str]) -> list[str]:
    """A model's marks."""
    marks = {part.title: part.mark for part in one.parts}
    return [
        markup.code(one.model),
        *(marks.get(title, Mark.NOTHING) for title in titles),
        markup.code(one.reason) if one.reason else "",
    ]


def _section(one: Preview, *, details: bool) -> str:
    """What was found of one model."""
    lines = [f"### {markup.code(one.model)}", f"{markup.code(one.config)}"]
    for part in one.parts:
        lines.append(f"{part.mark} **{markup.text(part.title)}**: {markup.text(part.words)}")
        if details and part.detail:
            lines.append(markup.folded(part.title, part.detail))
    return "\n\n".join(lines)
