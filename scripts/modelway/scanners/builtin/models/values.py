"""What a pickle puts on its stack, as far as it matters for what it imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Mark(Enum):
    """What stands for a value."""

    OPAQUE = "opaque"
    """A value nobody needs to know: numbers in lists, long texts, results of calls."""


OPAQUE = Mark.OPAQUE
ENTRIES = 64
"""How much of a dictionary, and of a tuple, is kept: more is data."""


class Unreadable(Exception):
    """It is no pickle, or not one that can be read to its end."""


@dataclass(frozen=True, slots=True)
class Name:
    """Something imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Box:
    """A dictionary or an instance: what was made of what, and some of what is in it."""

    of: Value = None
    arguments: Value = None
    entries: dict[str, Value] = field(default_factory=dict)


Value: TypeAlias = "str | int | bool | Mark | Name | Box | tuple[Value, ...] | None"
