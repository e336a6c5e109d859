"""Fields of a mapping, asked for by type: what the schema promised is taken at its word.

Asking for what is not there raises ``TypeError``: then the schema has a defect, not the config.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from modelway.core import duration
from modelway.core.json import Json


class Fields:
    """A mapping whose fields are asked for by type; the schema promised them."""

    def __init__(self, value: Json) -> None:
        if not isinstance(value, Mapping):
            raise broken(value, "a mapping")
        self._value = value

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str) -> Json:
        """Whatever is there."""
        return self._value.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Text, or the default."""
        value = self._value.get(key, default)
        if not isinstance(value, str):
            raise broken(value, "text")
        return value

    def maybe(self, key: str) -> str | None:
        """Text, or nothing."""
        return self.text(key) if key in self._value else None

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number, or the default; JSON Schema counts 1.0 as one."""
        return int(self.number(key, default))

    def number(self, key: str, default: float | None = None) -> float:
        """A number, or the default."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise broken(value, "a number")
        return value

    def flag(self, key: str, default: bool) -> bool:  # noqa: FBT001 # a default, not a choice of behaviour
        """True or false."""
        return bool(self._value.get(key, default))

    def time(self, key: str, default: timedelta) -> timedelta:
        """A duration, or the default."""
        return duration.parse(self.text(key)) if key in self._value else default

    def items(self, key: str) -> tuple[Json, ...]:
        """The items of a list; none where there is no list."""
        value = self._value.get(key, [])
        if not isinstance(value, list | tuple):
            raise broken(value, "a list")
        return tuple(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The items of a list of texts."""
        return tuple(str(item) for item in self.items(key))

    def pairs(self, key: str) -> dict[str, str]:
        """A mapping from text to text."""
        value = self._value.get(key, {})
        if not isinstance(value, Mapping):
            raise broken(value, "a mapping")
        return {name: str(item) for name, item in value.items()}


def broken(value: Json, wanted: str) -> TypeError:
    """The schema let through what it must not: a defect of the schema."""
    return TypeError(f"the schema let through {value!r} where {wanted} belongs")
