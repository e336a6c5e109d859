"""Problems as GitHub's workflow commands, which show them beside the line they are about."""

from __future__ import annotations

from modelway.core.problem import Problem
from modelway.core.workflow_commands import command


def annotation(problem: Problem) -> str:
    """``::error file=...,line=...,col=...::text`` (Workflow commands for GitHub Actions)."""
    place = {"file": problem.file, "line": str(problem.line), "col": str(problem.column)}
    return command(str(problem.level), words(problem), place)


def words(problem: Problem) -> str:
    """What was found, and below it the cure."""
    return f"{problem.message}\n{problem.cure}" if problem.cure else problem.message
