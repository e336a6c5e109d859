"""What a healthy version answers: judging answers against the contract tests."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelway.core.config import ContractTest, Expect
from modelway.core.json import Json, sha256

_SHOWN = 200
"""Characters of an answer shown in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one contract test."""

    status: int
    body: bytes
    content_type: str = ""
    latency: float = 0.0
    """Seconds."""


def contract_hash(tests: Sequence[ContractTest], bodies: Mapping[str, bytes]) -> str:
    """What a pass is bound to: 16 hex digits over every test and the bytes it sends.

    ``bodies`` holds each test's body by its name, files already read.
    """
    return sha256([_as_json(test, bodies[test.name]) for test in tests])[:16]


def _as_json(test: ContractTest, body: bytes) -> Json:
    """All of a test that decides what it asks and what it accepts."""
    expect = test.expect
    return {
        "accept": test.accept,
        "body": body.hex(),
        "content_type": test.content_type,
        "expect": {
            "content_type": expect.content_type,
            "json": expect.json if expect.has_json else None,
            "has_json": expect.has_json,
            "max_latency_ms": expect.max_latency_ms,
            "status": expect.status,
            "tolerance": expect.tolerance,
        },
        "name": test.name,
    }


def complaints(expect: Expect, answer: Answer) -> tuple[str, ...]:
    """Everything the answer has wrong, each as expected and seen."""
    found: list[str] = []
    if answer.status != expect.status:
        found.append(f"expected status {expect.status}, got {answer.status}: {shown(answer.body)}")
        return tuple(found)
    kind = answer.content_type.partition(";")[0].strip().lower()
    if expect.content_type and kind != expect.content_type.lower():
        found.append(f"expected content type {expect.content_type}, got {kind or 'none'}")
    if expect.has_json:
        found += _json_complaints(expect, answer.body)
    took = answer.latency * 1000
    if expect.max_latency_ms is not None and took > expect.max_latency_ms:
        found.append(f"expected an answer within {expect.max_latency_ms:g} ms, took {took:.0f} ms")
    return tuple(found)


def _json_complaints(expect: Expect, body: bytes) -> list[str]:
    """What is wrong with the answer as JSON."""
    try:
        seen: Json = json.loads(body)
    except ValueError:
        return [f"expected JSON, got {shown(body)}"]
    where = _difference(expect.json, seen, expect.tolerance, "$")
    return [where] if where else []


def _difference(expected: Json, seen: Json, tolerance: float, path: str) -> str:
    """The first place where two JSON values differ; empty when they agree."""
    if _is_number(expected) and _is_number(seen):
        return "" if _close(expected, seen, tolerance) else f"at {path} expected {expected}, got {seen}"
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        if set(expected) != set(seen):
            return f"at {path} expected keys {sorted(expected)}, got {sorted(seen)}"
        parts = ((expected[k], seen[k], f"{path}.{k}") for k in expected)
    elif isinstance(expected, list) and isinstance(seen, list):
        if len(expected) != len(seen):
            return f"at {path} expected {len(expected)} items, got {len(seen)}"
        parts = ((e, s, f"{path}[{i}]") for i, (e, s) in enumerate(zip(expected, seen, strict=True)))
    else:
        same = type(expected) is type(seen) and expected == seen
        return "" if same else f"at {path} expected {json.dumps(expected)}, got {json.dumps(seen)}"
    return next((text for e, s, where in parts if (text := _difference(e, s, tolerance, where))), "")


def _is_number(value: Json) -> bool:
    """JSON numbers; ``true`` is none, though Python says so."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(expected: Json, seen: Json, tolerance: float) -> bool:
    """Whether two numbers are within the tolerance, which is absolute; NaN is close to nothing."""
    assert isinstance(expected, int | float)  # noqa: S101 - narrowed by the caller
    assert isinstance(seen, int | float)  # noqa: S101
    return not math.isnan(seen) and abs(expected - seen) <= tolerance


def shown(body: bytes) -> str:
    """The beginning of an answer, on one line."""
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
