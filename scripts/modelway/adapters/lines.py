"""Text made safe to show: masks over secrets, no control characters, cut to a width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from modelway.core import masking
from modelway.core.plain import clean
from modelway.ports import Clock

__all__ = ["Masks", "Pace", "clean", "fit", "pad", "table", "width", "wrap"]

_NUMBERS = re.compile(r"[0-9]+")


class Masks:
    """Secrets that are never shown again, in whatever form."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._any: re.Pattern[str] | None = None

    def add(self, secret: str) -> tuple[str, ...]:
        """Remember a secret; return those of its forms that are new."""
        new = [form for form in masking.forms(secret) if form not in self._forms]
        self._forms.update(new)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        return tuple(new)

    def over(self, text: str) -> str:
        """The text with stars for every secret, the longest first."""
        return self._any.sub("***", text) if self._any else text


class Pace:
    """Chooses which progress becomes a line where lines cannot be replaced.

    One that repeats the last does not; one that differs only in its numbers does every ten seconds.
    """

    SECONDS = 10.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last, self._shape, self._at = "", "", 0.0

    def lets(self, text: str) -> bool:
        """Whether to write it."""
        now, shape = self._clock.monotonic(), _NUMBERS.sub("0", text)
        if text == self._last or (shape == self._shape and now - self._at < self.SECONDS):
            return False
        self._last, self._shape, self._at = text, shape, now
        return True


def width(text: str) -> int:
    """Columns a terminal gives to the text."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    """Columns of one character: none for combining ones, two for wide ones."""
    if unicodedata.combining(character) or character in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, room: int) -> str:
    """The text, shortened with an ellipsis to at most this many columns."""
    if width(text) <= room:
        return text
    kept, used = "", 1
    for character in text:
        used += _columns(character)
        if used > room:
            break
        kept += character
    return f"{kept}…" if room > 0 else ""


def wrap(text: str, room: int) -> list[str]:
    """The line in lines of at most this many columns, the later ones as far in as the first.

    A word longer than that stays whole: digests and paths are there to be copied.
    """
    words = text.split(" ")
    lines = [words[0]]
    margin = " " * (len(text) - len(text.lstrip(" ")))
    for word in words[1:]:
        if lines[-1].strip() and width(lines[-1]) + 1 + width(word) > room:
            lines.append(f"{margin}{word}")
        else:
            lines[-1] += f" {word}"
    return lines


def pad(text: str, room: int) -> str:
    """The text with spaces after it, up to this many columns."""
    return text + " " * (room - width(text))


def table(rows: Sequence[Sequence[str]], room: int | None) -> list[str]:
    """A table's lines, its head first, and nothing cut off: ids and versions are there to be copied.

    Columns that do not fit into ``room`` stand under their row, each behind its name.
    """
    widths = [max(map(width, cells)) for cells in zip(*rows, strict=True)]
    beside = len(widths)
    while room is not None and beside > 1 and sum(widths[:beside]) + 2 * (beside - 1) > room:
        beside -= 1
    lines = [_aligned(rows[0][:beside], widths)]
    for row in rows[1:]:
        lines.append(_aligned(row[:beside], widths))
        under = _named(rows[0][beside:], row[beside:])
        lines += wrap(f"  {'; '.join(under)}", room) if under and room else []
    return lines


def _aligned(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(pad(cell, room) for cell, room in zip(cells, widths, strict=False)).rstrip()


def _named(names: Iterable[str], cells: Iterable[str]) -> list[str]:
    return [f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True) if cell]
