"""Reading values out of JSON others may have touched: the right type, or ``Wrong`` naming the place."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime

from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject


class Wrong(ValueError):
    """A value is missing, or of another type."""


def an_object(value: Json, where: str) -> JsonObject:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise Wrong(f"{where} is not an object")
    return value


def a_list(value: Json, where: str) -> list[Json]:
    """A JSON array."""
    if not isinstance(value, list):
        raise Wrong(f"{where} is not a list")
    return value


def a_text(value: Json, where: str) -> str:
    """A JSON string that can be written anywhere: half a surrogate pair cannot."""
    if not isinstance(value, str):
        raise Wrong(f"{where} is not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Wrong(f"{where} is not text") from error
    return value


def text(raw: JsonObject, key: str) -> str:
    """A string under a key."""
    return a_text(raw.get(key), key)


def texts(raw: JsonObject, key: str) -> tuple[str, ...]:
    """Strings under a key."""
    return tuple(a_text(one, key) for one in a_list(raw.get(key), key))


def objects(raw: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Objects under a key."""
    return tuple(an_object(one, key) for one in a_list(raw.get(key), key))


def integer(raw: JsonObject, key: str) -> int:
    """A whole number of at least zero under a key."""
    value = raw.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Wrong(f"{key} is not a whole number")
    return value


def number(raw: JsonObject, key: str) -> float | None:
    """A number or null under a key."""
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value
    raise Wrong(f"{key} is not a number")


def flag(raw: JsonObject, key: str) -> bool:
    """True or false under a key."""
    value = raw.get(key)
    if not isinstance(value, bool):
        raise Wrong(f"{key} is neither true nor false")
    return value


def digest(raw: JsonObject, key: str) -> Digest:
    """A ``sha256:...`` under a key."""
    try:
        return Digest.parse(text(raw, key))
    except ValueError as error:
        raise Wrong(f"{key}: {error}") from error


def moment(raw: JsonObject, key: str) -> datetime | None:
    """A time with its zone under a key, or null."""
    if raw.get(key) is None:
        return None
    try:
        at = datetime.fromisoformat(text(raw, key))
    except ValueError as error:
        raise Wrong(f"{key} is no time") from error
    if at.tzinfo is None:
        raise Wrong(f"{key} has no time zone")
    return at


def soft_text(raw: JsonObject, key: str) -> str:
    """A string under a key; empty where there is none."""
    return text(raw, key) if key in raw else ""


def soft_texts(raw: JsonObject, key: str) -> tuple[str, ...]:
    """Strings under a key; none where it is missing."""
    return texts(raw, key) if key in raw else ()


def soft_objects(raw: JsonObject, key: str) -> tuple[JsonObject, ...]:
    """Objects under a key; none where it is missing."""
    return objects(raw, key) if key in raw else ()


def soft_object(raw: JsonObject, key: str) -> JsonObject | None:
    """An object under a key; ``None`` where it is missing."""
    return an_object(raw[key], key) if key in raw else None


def soft_flag(raw: JsonObject, key: str) -> bool:
    """True or false under a key; false where it is missing."""
    return flag(raw, key) if key in raw else False


def soft_integer(raw: JsonObject, key: str) -> int:
    """A whole number under a key; 0 where it is missing."""
    return integer(raw, key) if key in raw else 0
