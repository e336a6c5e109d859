"""What unquoted YAML text means, and where YAML 1.1 and 1.2 do not agree about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelway.core.json import Json

_LONGEST_SHOWN = 60

_CONSTANTS: Mapping[str, Json] = {
    word: value
    for words, value in (
        (("", "~", "null", "Null", "NULL"), None),
        (("true", "True", "TRUE"), True),
        (("false", "False", "FALSE"), False),
    )
    for word in words
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 18
"""Digits beyond which readers of JSON and YAML round differently."""
BOOLEANS_11 = frozenset(
    {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N"}
)
_DOUBTS = (
    (re.compile(r"[-+]?0[0-9_]+"), "octal for some YAML readers and decimal for others"),
    (re.compile(r"[-+]?0[box][0-9a-fA-F_]+"), "a number in another base, which not all YAML readers know"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "a number in base 60 for some YAML readers",
    ),
    (
        re.compile(r"(?=.*_)[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"),
        "a number for some YAML readers and text for others",
    ),
    (
        re.compile(r"[-+]?0[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?"),
        "a number for some YAML readers and text for others",
    ),
    (
        re.compile(
            r"[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?[0-9]*\.[0-9]*[eE][0-9]+|[-+]\.[0-9]+(?:[eE][-+]?[0-9]+)?"
        ),
        "a number for some YAML readers and text for others",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "a number JSON cannot hold"),
)
_NUMERIC = frozenset("+-.0123456789")


def doubt_about(text: str) -> str | None:
    """Why a plain scalar is not the same to every YAML reader."""
    if text in BOOLEANS_11:
        return "true or false for some YAML readers and text for others"
    if text[:1] not in _NUMERIC:
        return None
    if len(text) > _LONGEST_NUMBER and _FLOAT.fullmatch(text):
        return f"a number of more than {_LONGEST_NUMBER} characters, which not all readers keep"
    found = next((words for pattern, words in _DOUBTS if pattern.fullmatch(text)), None)
    if found is None and _FLOAT.fullmatch(text) and float(text) in {float("inf"), float("-inf")}:
        return "a number JSON cannot hold"
    return found


def resolve(text: str) -> Json:
    """What a plain scalar means: YAML 1.2's core schema without what 1.1 reads differently."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def short(text: str) -> str:
    """Text for a message, one line and not long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}..."
