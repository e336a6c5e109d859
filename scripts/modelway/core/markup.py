"""Text of others in GitHub's Markdown: shown as it is, and nothing but text.

It can end no table cell, code block or ``<details>``, name nobody (``@x``), link nothing (``#1``, addresses)
and bring no image or HTML. Sources: the GitHub Flavored Markdown specification; that mentions and
references are found in the rendered text, where backslashes are gone, is why a zero-width space parts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelway.core.plain import clean

_PUNCTUATION = re.compile(r"""([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])""")
"""Any ASCII punctuation may be escaped (GFM, 2.4 Backslash escapes)."""
_HARMLESS = frozenset("\"%',;?/")
_NAMING = re.compile(r"@|#|(?<![A-Za-z])GH-(?=\d)", re.IGNORECASE)
"""What begins a mention, a reference to an issue, or an address of mail."""
_APART = "\u200b"
_RUN = re.compile("`+")
_TICKS = "```"
NOTHING = "\u2013"


def text(words: str) -> str:
    """Words on one line."""
    line = " ".join(part for part in map(str.strip, clean(words)) if part)
    apart = _NAMING.sub(lambda found: found[0] + _APART, line)
    return _PUNCTUATION.sub(lambda sign: sign[0] if sign[0] in _HARMLESS else f"\\{sign[0]}", apart)


def code(words: str) -> str:
    """A name on one line, in the letters of code; in a table's cell too."""
    line = " ".join(part for part in clean(words) if part).strip()
    if not line:
        return NOTHING
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    # In a cell the bar is escaped also within code (GFM, 4.10); elsewhere it must not be: a look-alike is.
    return f"{ticks}{pad}{line.replace('|', '∣')}{pad}{ticks}"  # noqa: RUF001 - U+2223 is meant


def block(words: str, *, lines: int = 40, characters: int = 4_000) -> str:
    """The last lines of a text as a block of code, whatever they hold."""
    every = clean(words.strip("\r\n"))
    shown = every[-lines:]
    while len(shown) > 1 and sum(map(len, shown)) > characters:
        shown = shown[1:]
    shown = [line[:characters] for line in shown]
    left = len(every) - len(shown)
    told = [f"[{left} line{'s' * (left != 1)} before, in the log]"] if left else []
    body = "\n".join([*told, *shown])
    ticks = "`" * max(len(_TICKS), _longest_run(body) + 1)
    return f"{ticks}text\n{body}\n{ticks}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    return raw_table(head, [[text(cell) for cell in row] for row in rows])


def raw_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already, made by this module."""
    lines = [[text(cell) for cell in head], ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(summary: str, inside: str) -> str:
    """Something to unfold; the summary is ours."""
    escaped = summary.replace("&", "&amp;").replace("<", "&lt;")
    return f"<details><summary>{escaped}</summary>\n\n{inside}\n\n</details>"


def cut(markdown: str, limit: int, notice: str) -> str:
    """At most so many bytes of Markdown, ending with the notice; nothing opened stays open.

    Cut at the end of a line; a block of code and a ``<details>`` that were begun are ended.
    """
    if len(markdown.encode()) <= limit:
        return markdown
    room = limit - len(notice.encode())
    kept, used, open_ = [], 0, _Open()
    for line in markdown.split("\n"):
        after = open_.after(line)
        used += len(line.encode()) + 1
        if used + len(after.ending.encode()) > room:
            break
        kept.append(line)
        open_ = after
    if not kept:  # one endless line
        return markdown.encode()[: max(0, room)].decode(errors="ignore") + notice
    return "\n".join(kept) + open_.ending + notice


@dataclass(frozen=True, slots=True)
class _Open:
    """What has begun and not ended after some lines."""

    fence: str = ""
    details: int = 0

    def after(self, line: str) -> _Open:
        """The same after one more line."""
        if self.fence:
            return _Open("" if line.strip() == self.fence else self.fence, self.details)
        ticks = _RUN.match(line)
        if ticks and len(ticks[0]) >= len(_TICKS) and "`" not in line[len(ticks[0]) :]:
            return _Open(ticks[0], self.details)
        return _Open("", max(0, self.details + line.count("<details>") - line.count("</details>")))

    @property
    def ending(self) -> str:
        """What ends it all."""
        return (f"\n{self.fence}" if self.fence else "") + "\n\n</details>" * self.details


def _longest_run(line: str) -> int:
    """Backticks in a row, at most."""
    return max(map(len, _RUN.findall(line)), default=0)
