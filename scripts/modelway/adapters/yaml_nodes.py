"""Values read from a file, and where each of them and each key stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from modelway.core.json import Json


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something the YAML itself gets wrong."""

    place: Place
    message: str
    cure: str = ""


@dataclass(slots=True, kw_only=True)
class Node:
    """A value, where it stands, and its parts; filled while it is read, then left alone."""

    place: Place
    value: Json
    keys: dict[str | int, Place] = field(default_factory=dict)
    parts: dict[str | int, Node] = field(default_factory=dict)
    size: int = 1
    """Values in it, aliases written out."""


def locate(node: Node, path: Sequence[str | int]) -> Place:
    """Where the value at the path stands; the nearest one around it if it is not there."""
    for step in path:
        part = node.parts.get(step)
        if part is None:
            break
        node = part
    return node.place


def locate_key(node: Node, path: Sequence[str | int]) -> Place:
    """Where the key at the end of the path stands; its value's place in a list."""
    for step in path[:-1]:
        if step not in node.parts:
            return node.place
        node = node.parts[step]
    return node.keys.get(path[-1], locate(node, path[-1:])) if path else node.place
