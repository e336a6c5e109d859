"""Problems as GitHub's workflow commands, which show them beside the line they are about."""

from __future__ import annotations

from modelway.core.problem import Problem


def annotation(problem: Problem) -> str:
    """``::error file=...,line=...,col=...::text`` (Workflow commands for GitHub Actions)."""
    file, text = _property(problem.file), _data(words(problem))
    place = f"file={file},line={problem.line},col={problem.column}"
    return f"::{problem.level} {place}::{text}"


def words(problem: Problem) -> str:
    """What was found, and below it the cure."""
    return f"{problem.message}\n{problem.cure}" if problem.cure else problem.message


def _data(text: str) -> str:
    """A workflow command's text."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A workflow command's property, which commas and colons would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
