"""The reporter inside a GitHub Actions job: groups, annotations, summary, outputs and masks.

Text that is not ours could hold workflow commands (``::set-output``, ``##[add-mask]``); the runner is
told not to read those lines. Facts: docs.github.com "Workflow commands" and actions/runner
``ActionCommand.cs``, ``ActionCommandManager.cs``, ``FileCommandManager.cs``.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from modelway.adapters.lines import Masks, Pace, clean, table
from modelway.core import markup, workflow_commands
from modelway.ports import Clock

SUMMARY_LIMIT = 1_000_000
"""Bytes; the runner drops a step's whole summary above 1 MiB."""
ANNOTATION_LIMIT = 9
"""Annotations of a kind; the runner shows ten a step, and the last one says where the others are."""
_CUT = "\n\n*Shortened here: the summary would have been larger than GitHub shows. The log has all of it.*\n"


class GitHub:
    """Writes for a job's log; only ``data`` goes to standard output."""

    def __init__(  # noqa: PLR0913  (two streams, two files, a clock, the masks)
        self,
        out: TextIO,
        err: TextIO,
        clock: Clock,
        masks: Masks,
        *,
        summary_file: Path | None,
        output_file: Path | None,
    ) -> None:
        self._out, self._err, self._clock, self._masks = out, err, clock, masks
        self._summary_file, self._output_file = summary_file, output_file
        self._lock = threading.RLock()
        self._open: list[str] = []
        self._annotations = {"warning": 0, "error": 0}
        self._pace = Pace(clock)
        self._summary_cut = False

    @contextmanager
    def stage(self, title: str, /) -> Iterator[None]:
        """A group with its duration; the runner knows no groups within groups, so those are headings."""
        text = " ".join(clean(self._masks.over(title)))
        started = self._clock.monotonic()
        outer = not self._open
        self._open.append(text)
        self._command("group", text) if outer else self._write([text])
        word = "FAILED"
        try:
            yield
            word = "done"
        finally:
            self._open.pop()
            took = f"{self._clock.monotonic() - started:.1f} s"
            if outer:
                self._command("endgroup", "")
            self._write([f"{text}: {word} in {took}"])

    def note(self, text: str, /) -> None:
        """A line of the log."""
        self._write(self._safe(text))

    def progress(self, text: str, /) -> None:
        """Now and then a line of the log."""
        lines = [line for line in self._safe(text) if line]
        if lines and self._pace.lets(lines[-1]):
            self._write(lines)

    def warn(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """A yellow annotation, on its line of the file."""
        self._annotate("warning", text, file, line, column)

    def error(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """A red annotation, on its line of the file."""
        self._annotate("error", text, file, line, column)

    def table(self, title: str, columns_: Sequence[str], rows: Sequence[Sequence[str]], /) -> None:
        """Aligned columns in the log, a table in the summary."""
        safe = [[" ".join(self._safe(cell)) for cell in row] for row in (columns_, *rows)]
        self._write([line for line in self._safe(title) if line] + table(safe, None))
        self.summary(_markdown(title, safe))

    def summary(self, markdown: str, /) -> None:
        """Markdown under the job; what GitHub would drop is cut visibly."""
        if self._summary_file is None:
            return
        text = ("\n".join(clean(self._masks.over(markdown))).rstrip("\n") + "\n\n").encode()
        with self._lock:
            size = self._summary_file.stat().st_size if self._summary_file.exists() else 0
            room = SUMMARY_LIMIT - size
            if self._summary_cut:
                return
            if len(text) > room:
                self._summary_cut = True
                text = markup.cut(text.decode(), room, _CUT).encode()
            with self._summary_file.open("ab") as file:
                file.write(text)

    def output(self, name: str, value: str, /) -> None:
        """An output of the step, spelled as inputs are, between delimiters nobody can guess."""
        if self._output_file is None:
            return
        delimiter = f"modelway-{secrets.token_hex(16)}"
        with self._lock, self._output_file.open("a", encoding="utf-8") as file:
            file.write(f"{name.replace('_', '-')}<<{delimiter}\n{value}\n{delimiter}\n")

    def mask(self, secret: str, /) -> None:
        """Tell the runner before the text can appear, once."""
        for part in self._masks.add(secret):
            self._command("add-mask", part)

    def data(self, text: str, /) -> None:
        """What was asked for, to standard output; commands in it are disarmed."""
        safe = self._masks.over(text).rstrip("\n")
        if workflow_commands.looks_like_command(safe):
            safe = workflow_commands.disarmed(safe, secrets.token_hex(16))
        with self._lock:
            self._out.write(f"{safe}\n")
            self._out.flush()

    def _safe(self, text: str) -> list[str]:
        return clean(self._masks.over(text))

    def _command(self, name: str, data: str, properties: dict[str, str] | None = None) -> None:
        with self._lock:
            self._err.write(f"{workflow_commands.command(name, data, properties)}\n")
            self._err.flush()

    def _annotate(self, kind: str, text: str, file: str, line: int, column: int) -> None:
        """An annotation; past the runner's limit, a plain line of the log that keeps its place."""
        safe = "\n".join(self._safe(text))
        self._annotations[kind] += 1
        if self._annotations[kind] > ANNOTATION_LIMIT:
            if self._annotations[kind] == ANNOTATION_LIMIT + 1:
                self._command(kind, f"More {kind}s are in this step's log: GitHub shows ten of a kind.")
            place = f"{file}:{line}:{column}: " if file else ""
            self._write(f"{place}{kind}: {safe}".splitlines())
            return
        position = {"file": file, "line": str(line or ""), "col": str(column or "")}
        self._command(kind, safe, position if file else None)

    def _write(self, lines: Sequence[str]) -> None:
        """Write whole lines; those the runner could take for commands are fenced off."""
        text = "".join(f"{line}\n" for line in lines)
        if workflow_commands.looks_like_command(text):
            text = workflow_commands.fenced(text, secrets.token_hex(16))
        with self._lock:
            self._err.write(text)
            self._err.flush()


def _markdown(title: str, rows: Sequence[Sequence[str]]) -> str:
    """A heading and a table, in which all text is only text."""
    head, *body = rows
    heading = f"### {markup.text(title)}\n\n" if title else ""
    return heading + markup.table(head, body)
