"""Text without terminal escapes, control characters and tricks of writing direction."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?")
_BREAKS = re.compile("\r\n|\r|\u2028|\u2029")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> list[str]:
    """The lines, safe to show."""
    plain = _ESCAPES.sub("", _BREAKS.sub("\n", text).replace("\t", "    "))
    return [_CONTROLS.sub("", line).rstrip() for line in plain.split("\n")]


def shown(text: str, most: int = 300) -> str:
    """One line of somebody else's text, harmless on a terminal and in a report."""
    return "".join(c if c.isprintable() else "?" for c in text.encode(errors="replace").decode())[:most]
