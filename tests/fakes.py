"""Fakes of the ports every test may use; each behaves as the real one would, and remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from modelway.core.statement import Envelope, Signature, sealed


@dataclass
class FakeClock:
    """Stands still but for ``sleep``, whose waits it remembers."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self.time

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self.time.timestamp()

    def sleep(self, seconds: float, /) -> None:
        """Time passes at once."""
        self.slept.append(seconds)
        self.time += timedelta(seconds=max(0.0, seconds))

    def elapsed(self, since: datetime, /) -> float:
        """Seconds since then."""
        return (self.time - since).total_seconds()

    def ago(self, seconds: float, /) -> datetime:
        """The time of day so many seconds ago."""
        return self.time - timedelta(seconds=seconds)


@dataclass
class FakeReporter:
    """Remembers all it was told, each kind by itself and ``all`` in order."""

    all: list[tuple[str, str]] = field(default_factory=list)
    """Kind and text: ``("note", "reused ...")``."""
    stages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    progresses: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    places: list[tuple[str, int, int]] = field(default_factory=list)
    """File, line and column of each warning and error."""
    tables: list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    masks: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    """What went to standard output."""

    @property
    def text(self) -> str:
        """Everything in order, a line each."""
        return "\n".join(text for _, text in self.all)

    @contextmanager
    def stage(self, title: str, /) -> Iterator[None]:
        """Remember the title."""
        self._told("stage", title, self.stages)
        yield

    def note(self, text: str, /) -> None:
        """Remember."""
        self._told("note", text, self.notes)

    def progress(self, text: str, /) -> None:
        """Remember."""
        self._told("progress", text, self.progresses)

    def warn(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Remember the text and its place."""
        self.places.append((file, line, column))
        self._told("warning", text, self.warnings)

    def error(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Remember the text and its place."""
        self.places.append((file, line, column))
        self._told("error", text, self.errors)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], /) -> None:
        """Remember the table."""
        self.tables.append((title, tuple(columns), tuple(tuple(row) for row in rows)))
        self.all.append(("table", "\n".join([title, *("  ".join(row) for row in (columns, *rows))])))

    def summary(self, markdown: str, /) -> None:
        """Remember."""
        self._told("summary", markdown, self.summaries)

    def output(self, name: str, value: str, /) -> None:
        """Remember; a later value of the same name wins, as in a workflow."""
        self.outputs[name] = value
        self.all.append(("output", f"{name}={value}"))

    def mask(self, secret: str, /) -> None:
        """Remember."""
        self.masks.append(secret)

    def data(self, text: str, /) -> None:
        """Remember."""
        self._told("data", text, self.printed)

    def _told(self, kind: str, text: str, into: list[str]) -> None:
        into.append(text)
        self.all.append((kind, text))


@dataclass
class FakeKeys:
    """Keys that are names: a signature is the author's own name."""

    authors: frozenset[str] = frozenset()
    """Who has a key."""

    def seal(self, author: str, payload: bytes, /) -> bytes | None:
        """Signed by name, by those who have a key."""
        if author not in self.authors:
            return None
        return sealed(payload, Signature(signature=author.encode(), key=author))

    def signed_by(self, envelope: Envelope, /) -> frozenset[str]:
        """Whose name it is."""
        return frozenset(one.signature.decode() for one in envelope.signatures) & self.authors
