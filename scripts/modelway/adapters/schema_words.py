"""What a failed JSON Schema keyword means to the person who wrote the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from modelway.core.json import Json, JsonObject
from modelway.core.problem import Flaw

_LONGEST_SHOWN = 60
Resolve: TypeAlias = Callable[[JsonObject], JsonObject]


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


def explain(failed: Failed, resolve: Resolve) -> Iterator[Flaw]:
    """One flaw for each thing to change."""
    match failed.keyword:
        case "additionalProperties":
            yield from _unknown(failed, resolve)
        case "required":
            yield from _missing(failed)
        case "propertyNames":
            yield from _bad_keys(failed)
        case "oneOf":
            yield _either(failed)
        case "type":
            yield _type(failed)
        case "enum" | "const":
            yield _enum(failed)
        case "pattern":
            yield failed.flaw(f"{name(failed.path)} cannot be {show(failed.value)}", _hint(failed.schema))
        case _:
            yield failed.flaw(
                f"{name(failed.path)} {_limit(failed)}, found {_measure(failed)}", _hint(failed.schema)
            )


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


def _keys(schema: JsonObject) -> tuple[str, ...]:
    """The keys a schema knows."""
    known = schema.get("properties")
    return tuple(known) if isinstance(known, Mapping) else ()


def _unknown(failed: Failed, resolve: Resolve) -> Iterator[Flaw]:
    """Keys that mean nothing here."""
    known = _keys(failed.schema)
    value = failed.value if isinstance(failed.value, Mapping) else {}
    for key in value:
        if key in known:
            continue
        path = (*failed.path, key)
        where = f" in {name(failed.path)}" if failed.path else ""
        message = f"unknown key {show(key)}{where}; allowed: {', '.join(known)}"
        yield Flaw(path=path, message=message, cure=_better_place(failed, key, resolve), spot="key")


def _better_place(failed: Failed, key: str, resolve: Resolve) -> str:
    """Where the key would mean something: here spelled otherwise, in another branch, at the top."""
    for choice, value, branch in _branches(failed.around, resolve):
        if key in _keys(branch):
            return f"{key} goes with {choice}: {value}. Remove it, or change {choice}."
    if failed.path and key in _keys(failed.top):
        return f"{key} belongs at the top level: it is the same in every environment."
    near = get_close_matches(key, _keys(failed.schema), 1)
    if near:
        return f"Did you mean {near[0]}?"
    return "Remove it; what modelway does not know it does not guess."


def _branches(around: Sequence[JsonObject], resolve: Resolve) -> Iterator[tuple[str, str, JsonObject]]:
    """The if/then branches of the innermost schema that has some: the choosing key, its value, the branch."""
    for schema in reversed(around):
        branches = schema.get("allOf")
        if not isinstance(branches, list):
            continue
        for branch in branches:
            for choice, chosen in branch["if"]["properties"].items():
                yield choice, str(chosen["const"]), resolve(branch["then"])
        return


def _missing(failed: Failed) -> Iterator[Flaw]:
    """Keys that must be there."""
    value = failed.value if isinstance(failed.value, Mapping) else {}
    key = failed.key
    properties = failed.schema.get("properties")
    meaning = properties.get(key) if isinstance(properties, Mapping) else None
    near = get_close_matches(key, [k for k in value if k not in _keys(failed.schema)], 1)
    cure = (
        f"Did you mean {key} by {near[0]}?"
        if near
        else f"Add {key}: {_hint(meaning) if isinstance(meaning, Mapping) else ''}"
    )
    message = f"{name((*failed.path, key))} is missing"
    yield Flaw(path=failed.path, message=message, cure=cure.rstrip(": "), spot="key")


def _bad_keys(failed: Failed) -> Iterator[Flaw]:
    """A key that is not written as keys here must be."""
    rules = failed.limit if isinstance(failed.limit, Mapping) else {}
    key = failed.key
    message = f"key {show(key)} in {name(failed.path)} is not allowed"
    longest = rules.get("maxLength")
    cure = str(rules.get("patternErrorMessage", "Use letters, digits and underscores, no digit first."))
    if isinstance(longest, int) and len(key) > longest:
        cure = f"Use at most {longest} characters."
    yield Flaw(path=(*failed.path, key), message=message, cure=cure, spot="key")


def _either(failed: Failed) -> Flaw:
    """Exactly one of some keys."""
    branches = failed.limit if isinstance(failed.limit, list) else []
    keys = [str(key) for branch in branches for key in branch["required"]]
    value = failed.value if isinstance(failed.value, Mapping) else {}
    found = [key for key in keys if key in value]
    seen = f"found {' and '.join(found)}" if found else "found none of them"
    message = f"{name(failed.path)} takes exactly one of {' or '.join(keys)}; {seen}"
    return failed.flaw(message, f"Remove {found[-1]}." if found else f"Add {' or '.join(keys)}.")


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
        return failed.flaw(message, f"Write it without quotes: {failed.value}.")
    near = get_close_matches(str(failed.value), [str(option) for option in options], 1)
    return failed.flaw(message, f"Did you mean {near[0]}?" if near else _hint(failed.schema))


_LIMITS: Mapping[str, str] = {
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
    "uniqueItems": "must not repeat an item",
}


def _limit(failed: Failed) -> str:
    """The limit in words."""
    known = _LIMITS.get(failed.keyword)
    return known.format(show(failed.limit)) if known else f"does not satisfy {failed.keyword}"


def _measure(failed: Failed) -> str:
    """How much of it was found."""
    match failed.keyword, failed.value:
        case (
            ("minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"),
            (str() | list() | Mapping() as value),
        ):
            return str(len(value))
        case _:
            return show(failed.value)
