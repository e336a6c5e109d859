"""Something wrong with a file somebody wrote: where, what, and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Level(StrEnum):
    """Whether a problem stops the run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong, at one place."""

    file: str
    """Relative to the repository root."""
    line: int
    """From 1."""
    column: int
    """From 1."""
    message: str
    """What was found and what is allowed."""
    cure: str = ""
    level: Level = Level.ERROR

    def __str__(self) -> str:
        cure = f"\n    {self.cure}" if self.cure else ""
        return f"{self.file}:{self.line}:{self.column}: {self.level}: {self.message}{cure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing wrong with a value, before anybody has looked up its place in the file."""

    path: tuple[str | int, ...]
    """Keys and indexes from the top of the config."""
    message: str
    """What was found and what is allowed."""
    cure: str = ""
    spot: Literal["value", "key"] = "value"
    """Whether the value at the path is wrong, or its key."""
    level: Level = Level.ERROR
