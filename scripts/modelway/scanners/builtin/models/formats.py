"""Model files that are no pickles: Keras, TensorFlow, ONNX."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from modelway.scanners.builtin.models.issues import (
    EXTERNAL_DATA,
    KERAS_IMPORT,
    LAMBDA,
    RUNS_CODE,
    TENSORFLOW_FILES,
    UNREADABLE,
    Issue,
)
from modelway.scanners.builtin.models.names import Trust, trust
from modelway.scanners.builtin.rule import Rule

_PIECE = 1 << 20
_OVERLAP = 4096
_JSON = 64 << 20
# Escapes are legal in JSON, and nobody writes a class's name with them who has nothing to hide.
_LAMBDA = re.compile(rb'"class_name"\s{0,8}:\s{0,8}"(?:Lambda"|[A-Za-z]{0,8}\\u00)')
_OPERATIONS = {
    b"\x12\x08ReadFile": "ReadFile",
    b"\x12\x09WriteFile": "WriteFile",
    b"\x12\x0dMatchingFiles": "MatchingFiles",
    b"\x12\x06PyFunc": "PyFunc",
    b"\x12\x0fPyFuncStateless": "PyFuncStateless",
    b"\x12\x0bEagerPyFunc": "EagerPyFunc",
}
"""How a GraphDef's node names its operation: field 2, its length, its name (tensorflow's node_def.proto)."""
_LOCATION = re.compile(rb"\x0a\x08location\x12(.)", re.DOTALL)
_OWN_MODULES = re.compile(
    r"(?:keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras|keras_nlp|keras_hub|keras_cv)(?:\.|\Z)"
    r"|builtins\Z"
)


def look_at_hdf5(file: BinaryIO, path: str) -> Iterator[Issue]:
    """Keras keeps the model's layout as JSON in an attribute, which HDF5 stores in one piece."""
    if any(_LAMBDA.search(piece) for piece in _overlapping(file)):
        yield Issue(LAMBDA, path, 'its layout has "class_name": "Lambda"')


def look_at_tensorflow(file: BinaryIO, path: str) -> Iterator[Issue]:
    """Operations that do more than calculate."""
    found = {name for piece in _overlapping(file) for code, name in _OPERATIONS.items() if code in piece}
    if found:
        yield Issue(TENSORFLOW_FILES, path, ", ".join(sorted(found)))


def look_at_onnx(file: BinaryIO, path: str) -> Iterator[Issue]:
    """Where a tensor's data lies (onnx.proto, ``external_data``: a key ``location`` and its value)."""
    for piece in _overlapping(file):
        for found in _LOCATION.finditer(piece):
            size = found[1][0]
            where = piece[found.end() : found.end() + size].decode("utf-8", "replace")
            if size < 0x80 and (where.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", where)):  # noqa: PLR2004
                yield Issue(EXTERNAL_DATA, path, where[:200])
                return


def look_at_keras(body: bytes, path: str) -> Iterator[Issue]:
    """The ``config.json`` of a ``.keras`` file: which classes of which modules it names."""
    try:
        layout = json.loads(body)
    except (ValueError, RecursionError):
        yield Issue(UNREADABLE, path, "its config.json is no JSON")
        return
    found: dict[Rule, set[str]] = {}
    for module, name in _classes(layout):
        if rule := _broken(module, name):
            found.setdefault(rule, set()).add(f"{module}.{name}".lstrip("."))
    for rule, names in found.items():
        yield Issue(rule, path, shown(names))


def _broken(module: str, name: str) -> Rule | None:
    """The rule a class of the layout breaks."""
    if not module or _OWN_MODULES.match(module):
        return LAMBDA if name == "Lambda" else None
    match trust(module, name):
        case Trust.HARMLESS:
            return None
        case Trust.RUNS_CODE:
            return RUNS_CODE
        case Trust.UNKNOWN | Trust.CARRIES_CODE:
            return KERAS_IMPORT


def _classes(layout: object) -> Iterator[tuple[str, str]]:
    """Every module and class the layout names, without recursion."""
    waiting = [layout]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            name = one.get("class_name")
            module = one.get("module")
            if isinstance(name, str):
                yield (module if isinstance(module, str) else "", name)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def shown(names: Iterable[str]) -> str:
    """Names in order, a few of them."""
    ordered = sorted(set(names))
    more = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""  # noqa: PLR2004  (fit a line)
    clean = ["".join(c if c.isprintable() else "?" for c in name)[:120] for name in ordered[:10]]
    return ", ".join(clean) + more


def _overlapping(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces that share their edges."""
    tail = b""
    while piece := file.read(_PIECE):
        yield tail + piece
        tail = (tail + piece)[-_OVERLAP:]
