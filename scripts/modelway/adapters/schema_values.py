"""What a failed JSON Schema keyword means to the person who wrote the file; here those about a value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from modelway.core import limits
from modelway.core.json import Json, JsonObject
from modelway.core.problem import Flaw

_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A keyword of a schema that a value does not satisfy."""

    keyword: str
    path: tuple[str | int, ...]
    value: Json
    schema: JsonObject
    """The schema that holds the keyword."""
    around: tuple[JsonObject, ...]
    """The schemas passed on the way to it, outermost first."""
    top: JsonObject
    key: str = ""
    """The key a keyword about keys is about."""

    @property
    def limit(self) -> Json:
        """The keyword's value."""
        return self.schema.get(self.keyword)

    def flaw(self, message: str, cure: str = "") -> Flaw:
        """A flaw of the value itself."""
        return Flaw(path=self.path, message=message, cure=cure)


def explain(failed: Failed) -> Flaw:
    """The flaw of the value."""
    match failed.keyword:
        case "type":
            return _type(failed)
        case "enum" | "const":
            return _enum(failed)
        case "pattern":
            return failed.flaw(f"{name(failed.path)} cannot be {show(failed.value)}", _hint(failed.schema))
        case keyword if keyword in _BOUNDS:
            return _bound(failed)
        case _:
            return _other(failed)


def name(path: Sequence[str | int]) -> str:
    """A path as people write it: ``environments.staging.rollout.alarms[0]``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the config"


def show(value: Json) -> str:
    """A value for a message, on one line and not long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _hint(schema: JsonObject) -> str:
    """What the schema says should be written; editors show the same words."""
    said = schema.get("patternErrorMessage") or schema.get("description") or ""
    return str(said)


_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "empty",
}


def _kind(value: Json) -> str:
    """What kind of value it is."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{show(value)} (true or false)"
        case int() | float():
            return f"{value} (a number)"
        case str():
            return f"{show(value)} (text)"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"


def _type(failed: Failed) -> Flaw:
    """A value of the wrong kind."""
    wanted = failed.limit if isinstance(failed.limit, list) else [failed.limit]
    words = " or ".join(_TYPES[str(kind)] for kind in wanted)
    message = f"{name(failed.path)} must be {words}, found {_kind(failed.value)}"
    return failed.flaw(message, _retyped(failed, [str(kind) for kind in wanted]))


def _retyped(failed: Failed, wanted: Sequence[str]) -> str:
    """How to write the value so that it has the right kind."""
    match failed.value:
        case _ if not failed.path:
            return "Write keys and values; begin with schema_version: 1."
        case _ if wanted == ["boolean"]:
            return "Write true or false."
        case float() if "string" in wanted:
            return "Put it between quotes."
        case bool() | int() if "string" in wanted:
            return f'Quote it: "{show(failed.value)}".'
        case str() as text if "object" not in wanted and "array" not in wanted and "string" not in wanted:
            return (
                f"Write it without quotes: {text}."
                if text.strip("+-.0123456789") == ""
                else _hint(failed.schema)
            )
        case value if "array" in wanted and value is not None:
            return "Write a list: [...], or items that begin with a hyphen."
        case _:
            return _hint(failed.schema)


def _enum(failed: Failed) -> Flaw:
    """A value that is not among the few allowed."""
    options = failed.limit if isinstance(failed.limit, list) else [failed.limit]
    allowed = ", ".join(option if isinstance(option, str) else show(option) for option in options)
    message = f"{name(failed.path)} cannot be {show(failed.value)}; allowed: {allowed}"
    if failed.value in [str(option) for option in options]:
        return failed.flaw(message, f"Write it without quotes: {show(failed.value)[1:-1]}.")
    near = get_close_matches(str(failed.value), [str(option) for option in options], 1)
    if near:
        return failed.flaw(message, f"Did you mean {near[0]}?")
    alone = f"Write {show(options[0])}." if len(options) == 1 else ""
    chosen = alone or f"{_choice(failed.value, options)} {failed.schema.get('description', '')}"
    return failed.flaw(message, chosen)


def _choice(value: Json, options: Sequence[Json]) -> str:
    """Which of the options; of numbers the nearest."""
    numbers = [option for option in options if isinstance(option, int)]
    if len(numbers) < len(options) or not isinstance(value, int | float):
        return "Choose one."
    return f"Write {' or '.join(map(str, limits.neighbours(value, numbers)))}."


_BOUNDS: Mapping[str, tuple[str, str, str]] = {
    "minimum": ("minimum", "maximum", ""),
    "maximum": ("minimum", "maximum", ""),
    "minLength": ("minLength", "maxLength", "characters"),
    "maxLength": ("minLength", "maxLength", "characters"),
    "minItems": ("minItems", "maxItems", "items"),
    "maxItems": ("minItems", "maxItems", "items"),
    "minProperties": ("minProperties", "maxProperties", "keys"),
    "maxProperties": ("minProperties", "maxProperties", "keys"),
}
"""Which two keywords bound the same thing, and what they count."""


def _bound(failed: Failed) -> Flaw:
    """Too few, too many, too short, too long, too small, too large."""
    low_key, high_key, counted = _BOUNDS[failed.keyword]
    low, high = failed.schema.get(low_key), failed.schema.get(high_key)
    if low is None:
        allowed = f"at most {high} {counted}"
    else:
        allowed = f"{low} to {high} {counted}" if high is not None else f"at least {low} {counted}"
    match failed.value:
        case str() | list() | Mapping() as value if counted:
            found = f"has {len(value)} {counted}"
        case value:
            found = f"is {show(value)}"
    allowed = allowed.rstrip()
    write = _inside(failed.value, low, high) or f"Write {allowed}."
    cure = f"{write} {failed.schema.get('description', '')}".rstrip()
    return failed.flaw(f"{name(failed.path)} {found}; allowed: {allowed}", cure)


def _inside(value: Json, low: Json, high: Json) -> str:
    """The nearest number inside, where two numbers bound one."""
    match value, low, high:
        case int() | float(), int() | float(), int() | float():
            return limits.instead(value, low, high, show)
        case _:
            return ""


def _other(failed: Failed) -> Flaw:
    """The keywords that are rare."""
    match failed.keyword:
        case "uniqueItems":
            return failed.flaw(f"{name(failed.path)} names something twice", "Name each once.")
        case "contains":
            inner = failed.limit if isinstance(failed.limit, Mapping) else {}
            options = inner.get("enum")
            known = ", ".join(map(str, options)) if isinstance(options, list) else show(inner)
            return failed.flaw(f"{name(failed.path)} needs at least one of: {known}", _hint(failed.schema))
        case "exclusiveMinimum":
            message = (
                f"{name(failed.path)} is {show(failed.value)}; it must be more than {show(failed.limit)}"
            )
            return failed.flaw(message, f"Write a number above {show(failed.limit)}.")
        case keyword:
            message = f"{name(failed.path)} does not satisfy {keyword} {show(failed.limit)}"
            return failed.flaw(message, _hint(failed.schema))
