"""What a pickle may import: what is known to be harmless, what is known to run code, and the rest.

A pickle calls what it imports. A class of a library is harmless to make; a function is only where it is
listed. What is not listed is unknown, never harmless.
"""

from __future__ import annotations

import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from enum import Enum

from modelway.scanners.builtin.models.known import (
    ATTRIBUTES,
    CARRIES,
    HARMLESS,
    LIBRARIES,
    NOT_THERE,
    RUNS,
    RUNS_NAMES,
)


class Trust(Enum):
    """What is known of an import."""

    HARMLESS = "harmless"
    UNKNOWN = "unknown"
    CARRIES_CODE = "carries code"
    """It makes functions of code in the file: cloudpickle, dill."""
    RUNS_CODE = "runs code"
    """It runs commands, evaluates text, reads or sends files."""


_CLASS = r"_{0,2}[A-Z][A-Za-z0-9_]*(?:\.[A-Z][A-Za-z0-9_]*)*"
_CYTHON = r"__pyx_unpickle_\w+"
_ALLOWED = tuple((re.compile(f"(?:{module})\\Z"), re.compile(f"(?:{name})\\Z")) for module, name in HARMLESS)
_ELSEWHERE = re.compile(NOT_THERE)
_HARMLESS_CLASS = re.compile(f"(?:{_CLASS}|{_CYTHON})\\Z")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\Z")


def trust(module: str, name: str) -> Trust:
    """What is known of an import; names of Python 2 are judged as what Python 3 makes of them too."""
    new = _trust(*translated(module, name))
    old = _trust(module, name)
    return old if old in {Trust.RUNS_CODE, Trust.CARRIES_CODE} and new is not Trust.RUNS_CODE else new


def translated(module: str, name: str) -> tuple[str, str]:
    """What Python 3 imports for a name in a pickle of Python 2 (``pickle.Unpickler``, ``fix_imports``)."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def _trust(module: str, name: str) -> Trust:
    """What is known of a name as it is written."""
    if not _MODULE.match(module) or not _MODULE.match(name):
        return Trust.UNKNOWN
    if _is_below(f"{module}.{name}", RUNS_NAMES) or _leads_away(module, name):
        return Trust.RUNS_CODE
    if any(pattern.match(module) and names.match(name) for pattern, names in _ALLOWED):
        return Trust.HARMLESS
    if _is_below(module, RUNS):
        return Trust.RUNS_CODE
    if _is_below(module, CARRIES):
        return Trust.CARRIES_CODE
    if _is_below(module, LIBRARIES) and not _ELSEWHERE.search(module) and _HARMLESS_CLASS.match(name):
        return Trust.HARMLESS
    return Trust.UNKNOWN


def _is_below(module: str, roots: frozenset[str]) -> bool:
    """Whether a module is one of these or within one."""
    parts = module.split(".")
    return any(".".join(parts[:count]) in roots for count in range(1, len(parts) + 1))


def _leads_away(module: str, name: str) -> bool:
    """Whether a dotted name reaches through a library for something else, as in ``numpy`` ``os.system``."""
    return bool(ATTRIBUTES.intersection((*module.split(".")[1:], *name.split("."))))
