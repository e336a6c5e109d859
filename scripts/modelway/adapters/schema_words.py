"""What a failed JSON Schema keyword means to the person who wrote the file; here those about keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from modelway.adapters import schema_values
from modelway.adapters.schema_values import Failed, name, show
from modelway.core.json import JsonObject
from modelway.core.problem import Flaw

Resolve: TypeAlias = Callable[[JsonObject], JsonObject]


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
        case _:
            yield schema_values.explain(failed)


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
    able = [
        (choice, value) for choice, value, branch in _branches(failed.around, resolve) if key in _keys(branch)
    ]
    if able:
        choice = able[0][0]
        *others, last = [value for one, value in able if one == choice]
        values = f"{', '.join(others)} or {last}" if others else last
        return f"{key} goes with {choice}: {values}. Remove it, or change {choice}."
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
    known = _keys(failed.schema)
    misspelt = [k for k in value if k not in known and get_close_matches(k, (*known, key), 1) == [key]]
    if misspelt and failed.schema.get("additionalProperties") is False:
        return  # the misspelt key is told with the one that is meant
    properties = failed.schema.get("properties")
    meaning = properties.get(key) if isinstance(properties, Mapping) else None
    described = str(meaning.get("description", "")) if isinstance(meaning, Mapping) else ""
    message = f"{name((*failed.path, key))} is missing"
    if misspelt:
        described = f"did you misspell it as {misspelt[0]}?"
    yield Flaw(path=failed.path, message=message, cure=f"Add {key}: {described}", spot="key")


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
