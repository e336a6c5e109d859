"""Where a process runs, what it says there, and its time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class Reporter(Protocol):
    """Where people and workflows read what happens: data on standard output, the rest on standard error."""

    def stage(self, title: str, /) -> AbstractContextManager[None]:
        """A named part of the work: a group in a workflow, a heading with its duration on a terminal."""

    def note(self, text: str, /) -> None:
        """Something worth knowing."""

    def progress(self, text: str, /) -> None:
        """What is going on right now; replaces the last progress on a terminal."""

    def warn(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Something that may become a problem; an annotation in a workflow."""

    def error(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Something that is a problem; an annotation in a workflow."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], /) -> None:
        """Rows under columns, in the workflow's summary too."""

    def summary(self, markdown: str, /) -> None:
        """Markdown for the workflow's summary; nothing on a terminal."""

    def output(self, name: str, value: str, /) -> None:
        """A named result for later steps of a workflow; nothing on a terminal."""

    def mask(self, secret: str, /) -> None:
        """Never show this text from now on."""

    def data(self, text: str, /) -> None:
        """What the command was asked for, to standard output."""


class Clock(Protocol):
    """Time. The rehearsal compresses waits, never the time of day."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward, as a process measures durations."""

    def sleep(self, seconds: float, /) -> None:
        """Wait; the rehearsal divides by its clock factor."""

    def elapsed(self, since: datetime, /) -> float:
        """Seconds since then, as waits count them: multiplied by the rehearsal's clock factor."""

    def ago(self, seconds: float, /) -> datetime:
        """The time of day so many seconds ago, as waits count them: ``elapsed`` of it is that many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where and for whom this process runs."""

    root: Path
    """The repository the configs' paths are relative to."""
    workspace: Path
    """Folder for files that may be thrown away (``.modelway/`` under the root)."""
    ci: bool = False
    """Inside a GitHub Actions job."""
    source: str = ""
    """URL of the repository, without credentials; empty when unknown."""
    revision: str = ""
    """The commit, 40 hex digits; ``-dirty`` follows when files differ; empty outside git."""
    ref: str = ""
    """The ref a workflow runs for, as in ``refs/tags/v1``."""
    workflow: str = ""
    """The workflow's file with its ref, as in ``OWNER/REPO/.github/workflows/release.yml@refs/tags/v1``."""
    url: str = ""
    """The workflow run's address; empty on a laptop."""
