"""The reporter for people: headings, one progress line, tables; plain text when piped."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from modelway.adapters import environment
from modelway.adapters.lines import Masks, Pace, clean, fit, table, wrap
from modelway.ports import Clock

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"


class Terminal:
    """Writes for people to standard error; only ``data`` goes to standard output."""

    def __init__(self, out: TextIO, err: TextIO, clock: Clock, masks: Masks) -> None:
        self._out, self._err, self._clock, self._masks = out, err, clock, masks
        self._live = err.isatty() and environment.get("TERM") != "dumb"
        self._colours = self._live and not environment.get("NO_COLOR")
        self._fancy = (getattr(err, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self._lock = threading.RLock()
        self._depth = 0
        self._open: list[str] = []
        """Titles of open stages; the first ``_depth`` are written, the others wait for a line to head."""
        self._progress = ""
        self._pace = Pace(clock)

    @contextmanager
    def stage(self, title: str, /) -> Iterator[None]:
        """A heading, what happens under it, and how long it took."""
        text = " ".join(self._safe(title))
        started = self._clock.monotonic()
        with self._lock:
            self._open.append(text)
            self._show(text)
        try:
            yield
        except BaseException:
            self._close(text, started, self._paint("✗" if self._fancy else "FAILED", _RED))
            raise
        self._close(text, started, self._paint("✓" if self._fancy else "ok", _GREEN))

    def note(self, text: str, /) -> None:
        """A line under the current heading."""
        self._write(self._wrapped(self._safe(text)))

    def progress(self, text: str, /) -> None:
        """Replaces the last progress on a terminal; now and then a line of its own when piped."""
        lines = [line for line in self._safe(text) if line]
        if not lines:
            return
        with self._lock:
            if self._live:
                self._show(lines[-1])
            elif self._pace.lets(lines[-1]):
                self._write(lines)

    def warn(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """A yellow line, its place first."""
        self._marked("warning: ", _YELLOW, text, _place(file, line, column))

    def error(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """A red line, its place first; further lines of the text stand under it."""
        self._marked("error: ", _RED, text, _place(file, line, column))

    def table(self, title: str, columns_: Sequence[str], rows: Sequence[Sequence[str]], /) -> None:
        """Aligned columns; those too many for the terminal's width stand under their row."""
        safe = [[" ".join(self._safe(cell)) for cell in row] for row in (columns_, *rows)]
        room = self._width() - 2 * len(self._open) if self._live else None
        text = table(safe, room)
        head = [self._paint(line, _BOLD) for line in self._safe(title) if line]
        self._write([*head, self._paint(text[0], _DIM), *text[1:]])

    def summary(self, markdown: str, /) -> None:
        """Nothing: people have read it already."""

    def output(self, name: str, value: str, /) -> None:
        """Nothing: outputs are for workflows."""

    def mask(self, secret: str, /) -> None:
        """Stars in its place from now on."""
        self._masks.add(secret)

    def data(self, text: str, /) -> None:
        """What was asked for, as it is, to standard output."""
        with self._lock:
            self._clear()
            self._out.write(self._masks.over(text).rstrip("\n") + "\n")
            self._out.flush()

    def _safe(self, text: str) -> list[str]:
        return clean(self._masks.over(text))

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and text else text

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._err.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _marked(self, word: str, colour: str, text: str, place: str) -> None:
        first, *rest = self._safe(text)
        head, *tail = self._wrapped([f"{place}{word}{first}", *(f"  {line}" for line in rest)])
        self._write([head.replace(word, self._paint(word, colour), 1), *map(self._cure, tail)])

    def _cure(self, line: str) -> str:
        word = "  To fix:"
        return self._paint(word, _CYAN) + line.removeprefix(word) if line.startswith(word) else line

    def _wrapped(self, lines: Sequence[str]) -> list[str]:
        """Lines as wide as the terminal leaves room for; indented ones stay whole: they are to be copied."""
        if not self._live:
            return list(lines)
        room = self._width() - 2 * len(self._open)
        return [part for line in lines for part in ([line] if line.startswith("  ") else wrap(line, room))]

    def _write(self, lines: Sequence[str]) -> None:
        """Write whole lines under the open headings, the progress line staying last."""
        with self._lock:
            shown = self._progress if self._live else ""
            self._clear()
            self._headings()
            indent = "  " * self._depth
            self._err.write("".join(f"{indent}{line}\n" if line else "\n" for line in lines))
            self._err.flush()
            if shown:
                self._show(shown)

    def _headings(self) -> None:
        """Write the headings that were waiting for something to stand under them."""
        for title in self._open[self._depth :]:
            self._err.write(f"{'  ' * self._depth}{self._paint(title, _BOLD)}\n")
            self._depth += 1

    def _close(self, title: str, started: float, mark: str) -> None:
        """End a stage: one whole line if nothing was said under it, its duration otherwise."""
        took = self._paint(f"{self._clock.monotonic() - started:.1f} s", _DIM)
        with self._lock:
            self._progress_done()
            written = self._depth == len(self._open)
            if not written:
                self._open.pop()
            self._write([f"{mark} {took}" if written else f"{mark} {title}  {took}"])
            if written:
                self._open.pop()
                self._depth -= 1
            if self._live and self._open:
                self._show(self._open[-1])

    def _progress_done(self) -> None:
        self._clear()
        self._progress = ""

    def _show(self, text: str) -> None:
        """Put the progress line last on a terminal."""
        if self._live:
            self._progress = text
            self._err.write(f"\r\x1b[2K{self._paint(fit(text, self._width() - 1), _DIM)}")
            self._err.flush()

    def _clear(self) -> None:
        if self._live and self._progress:
            self._err.write("\r\x1b[2K")
            self._err.flush()
            self._progress = ""


def _place(file: str, line: int, column: int) -> str:
    """Where, as compilers write it, so that editors jump there."""
    return "".join([file, f":{line}" if line else "", f":{column}" if column else "", ": "]) if file else ""
