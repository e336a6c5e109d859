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
from modelway.core.config import ModelConfig
from modelway.core.naming import pointer_name
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
    names: dict[str, str] = field(default_factory=dict)
    """Models by name, and the file that defines each."""
    places: dict[tuple[str, ...], tuple[str, str]] = field(default_factory=dict)
    """File and environment of what is named so, by its target, account, region and name."""

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
            problems = (*problems, *_same_name(config.name, config.path, tally), *_same_place(config, tally))
        broken = config is None or any(problem.level is Level.ERROR for problem in problems)
        tally.broken += broken
        yield from _counted(problems, tally)


def _counted(problems: tuple[Problem, ...], tally: _Tally) -> Iterator[Problem]:
    """The same, counted."""
    errors = sum(problem.level is Level.ERROR for problem in problems)
    tally.errors += errors
    tally.warnings += len(problems) - errors
    yield from problems


def _same_name(name: str, file: str, tally: _Tally) -> Iterator[Problem]:
    """Two models of one name would overwrite each other's resources."""
    first = tally.names.setdefault(name, file)
    if first != file:
        message = f"the model {name!r} is defined in {first} already"
        yield Problem(
            file=file,
            line=1,
            column=1,
            message=message,
            cure="Give it another name: resources are named by it.",
        )


def _same_place(config: ModelConfig, tally: _Tally) -> Iterator[Problem]:
    """Two names that join to one: ``a`` in ``b-c`` and ``a-b`` in ``c`` would be one endpoint."""
    for place in config.environments.values():
        name = pointer_name(config, place)
        where = (place.target, place.account, place.region, name)
        first = tally.places.setdefault(where, (config.path, place.name))
        if first[0] != config.path and tally.names.get(config.name) == config.path:
            yield Problem(
                file=config.path,
                line=1,
                column=1,
                message=f"{config.name} in {place.name} is called {name} on {place.target}, as is what"
                f" {first[0]} names in {first[1]}, in the same account and region",
                cure="Give the model or the environment another name: resources are named by both.",
            )


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
