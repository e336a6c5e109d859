"""Check model configs: every problem of every file, with its line and its cure.

Without a path, everything under model-configs/ is checked. So is the organisation's policy, where there is
one (modelway-policy.yaml, or the file MODELWAY_POLICY names): to ask for less than it does is an error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelway.core.annotation import annotation, words
from modelway.core.collisions import Collisions
from modelway.core.problem import Level, Problem
from modelway.errors import Malformed
from modelway.ports import Configs, World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("path", nargs="*", metavar="PATH", help="config file, or folder of them")
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        help="text for people, json for programs, github for annotations in a workflow; "
        "github inside a workflow, otherwise text",
    )


@dataclass
class _Tally:
    """What was checked so far; holds no config."""

    policy: str = ""
    """The organisation's policy, where there is one."""

    configs: int = 0
    errors: int = 0
    warnings: int = 0
    broken: int = 0
    collisions: Collisions = field(default_factory=Collisions)

    def words(self) -> str:
        """The summary line."""
        counts = ((self.configs, "config"), (self.errors, "error"), (self.warnings, "warning"))
        configs, errors, warnings = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
        by = f" by {self.policy}" if self.policy else ""
        return f"{configs}: {errors}, {warnings}{by}"


def run(options: argparse.Namespace, world: World) -> None:
    """Check and report; raises ``Malformed`` when there is an error."""
    tally = _Tally()
    problems = _problems(world.configs, world.configs.find(options.path), tally)
    form = options.format or ("github" if world.run.ci else "text")
    _REPORTS[form](world, problems, tally)
    if tally.errors:
        raise Malformed(
            f"{tally.broken} of {tally.words().partition(':')[0]} cannot be used",
            cure="correct what is listed above, then run it again.",
        )


def _problems(configs: Configs, paths: tuple[Path, ...], tally: _Tally) -> Iterator[Problem]:
    """Problems file by file, counted as they come; the policy's once, not again with every config."""
    organisation, of_policy = configs.organisation()
    tally.policy = organisation.path if organisation else ""
    yield from _counted(of_policy, tally)
    for path in paths:
        config, problems = configs.read(path)
        problems = tuple(one for one in problems if one not in of_policy)
        tally.configs += 1
        if config is not None:
            problems = (*problems, *tally.collisions.problems(config))
        broken = config is None or any(problem.level is Level.ERROR for problem in problems)
        tally.broken += broken
        yield from _counted(problems, tally)


def _counted(problems: tuple[Problem, ...], tally: _Tally) -> Iterator[Problem]:
    """The same, counted."""
    errors = sum(problem.level is Level.ERROR for problem in problems)
    tally.errors += errors
    tally.warnings += len(problems) - errors
    yield from problems


def _text(world: World, problems: Iterator[Problem], tally: _Tally) -> None:
    """A problem and its cure on a line each."""
    for problem in problems:
        world.reporter.data(str(problem))
    world.reporter.data(tally.words())


def _json(world: World, problems: Iterator[Problem], tally: _Tally) -> None:
    """One JSON object."""
    found = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "level": str(problem.level),
            "message": problem.message,
            "cure": problem.cure,
        }
        for problem in problems
    ]
    counts = {"configs": tally.configs, "errors": tally.errors, "warnings": tally.warnings}
    policy: dict[str, str] = {"policy": tally.policy} if tally.policy else {}
    world.reporter.data(json.dumps(counts | policy | {"problems": found}, indent=2, ensure_ascii=False))


def _github(world: World, problems: Iterator[Problem], tally: _Tally) -> None:
    """Annotations: through the workflow's reporter, which knows their limits; as text elsewhere."""
    for problem in problems:
        if not world.run.ci:
            world.reporter.data(annotation(problem))
            continue
        tell = world.reporter.error if problem.level is Level.ERROR else world.reporter.warn
        tell(words(problem), file=problem.file, line=problem.line, column=problem.column)
    world.reporter.data(tally.words())


_REPORTS: dict[str, Callable[[World, Iterator[Problem], _Tally], None]] = {
    "text": _text,
    "json": _json,
    "github": _github,
}
