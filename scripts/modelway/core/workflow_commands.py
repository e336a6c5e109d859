"""Workflow commands of GitHub Actions as text: how they are written, and what the runner would take for one.

Facts: docs.github.com "Workflow commands", actions/runner ``ActionCommand.cs`` and
``ActionCommandManager.cs``.
"""

from __future__ import annotations

import json


def escape_data(text: str) -> str:
    """A workflow command's text."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A workflow command's property, which commas and colons would end."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def command(name: str, text: str, properties: dict[str, str] | None = None) -> str:
    """``::error file=a.yaml,line=3::text``; properties without a value are left out."""
    given = ",".join(f"{key}={escape_property(value)}" for key, value in (properties or {}).items() if value)
    return f"::{name}{' ' if given else ''}{given}::{escape_data(text)}"


def looks_like_command(text: str) -> bool:
    """Whether the runner would read a command in one of the lines."""
    return any(line.lstrip().startswith("::") or "##[" in line for line in text.splitlines())


def fenced(text: str, token: str) -> str:
    """Whole lines the runner shows and does not read; nobody may be able to guess the token.

    Inside the fence the beginnings are changed too: a fence that somebody else's step ends early, or a
    runner that does not know it, still finds no command.
    """
    inside = "\n".join(map(_neutral, text.splitlines()))
    return f"::stop-commands::{token}\n{inside}\n::{token}::\n"


def disarmed(text: str, token: str) -> str:
    r"""JSON with the same meaning that no runner reads a command in; other text between fences.

    Fences in JSON would be syntax errors for the program that reads it. In JSON ``##[`` can only be
    inside a string, where ``\u0023`` is the same sign, and a line can begin with ``::`` only outside
    of any.
    """
    try:
        json.loads(text)
    except ValueError:
        return fenced(text, token).rstrip("\n")
    return text.replace("##[", "#\\u0023[")


def _neutral(line: str) -> str:
    """The line with an invisible sign (word joiner) inside what would begin a command."""
    start = len(line) - len(line.lstrip())
    if line[start:].startswith("::"):
        line = f"{line[:start]}:\u2060{line[start + 1 :]}"
    return line.replace("##[", "#\u2060#[")
