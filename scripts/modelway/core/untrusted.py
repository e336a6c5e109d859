"""Documents others wrote, read without belief: what is not as expected is as if it were not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelway.core.json import Json


def mapping(value: Json, key: str) -> Mapping[str, Json]:
    """An object under a key; an empty one otherwise."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def listing(value: Json, key: str) -> Sequence[Json]:
    """A list under a key; an empty one otherwise."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def word(value: Json, key: str) -> str:
    """A text under a key; an empty one otherwise."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""
