"""Say what is still missing for a release, each with the command that fixes it. Changes nothing.

Looks at this machine, the configs, the AWS accounts they name, and GitHub (with GITHUB_TOKEN). What the
caller may not look at "could not be checked", with the reason; that is not the same as missing.

Exit 0: nothing is missing. Exit 8: something is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from modelway.commands import options as shared
from modelway.core.config import ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, Health, missing, ok
from modelway.core.problem import Level, Problem
from modelway.errors import Failure, Unavailable
from modelway.ports import World

_AT_ONCE = 16
"""Looks that wait for the network side by side."""
_SIGNS = {Health.OK: "ok", Health.MISSING: "MISSING", Health.UNKNOWN: "?"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", nargs="*", metavar="CONFIG", help="configs; without one, all")
    shared.formats(parser)


def run(options: argparse.Namespace, world: World) -> None:
    """Look at everything, side by side; raises ``Unavailable`` when something is missing."""
    configs, found = _configs(options, world)
    examinations = [*found, *world.examinations(configs)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        diagnoses = [*pool.map(Examination.diagnose, examinations)]
    told = [*zip(examinations, diagnoses, strict=True)]
    if options.format == "json":
        rows = [_row(examination, diagnosis) for examination, diagnosis in told]
        world.reporter.data(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for line in _lines(told):
            world.reporter.data(line)
    absent = [examination for examination, diagnosis in told if diagnosis.health is Health.MISSING]
    world.reporter.output("missing", str(len(absent)))
    if absent:
        names = ", ".join(dict.fromkeys(one.subject for one in absent))
        what = f"{len(absent)} thing{'s are' if len(absent) > 1 else ' is'} missing: {names}"
        raise Unavailable(
            what, cure="do what stands under each of them, then run `scripts/run doctor` again."
        )


def _configs(options: argparse.Namespace, world: World) -> tuple[list[ModelConfig], list[Examination]]:
    """The configs that can be read, and a look at each of them."""
    try:
        paths = world.configs.find(options.config)
    except Failure as failure:
        none = missing(failure.what, failure.cure or "scripts/run init")
        return [], [Examination(area="configs", subject="model-configs/", look=partial(_told, none))]
    configs, found = [], []
    for path in paths:
        config, problems = world.configs.read(path)
        configs += [config] if config else []
        told = _judged(problems)
        found.append(Examination(area="configs", subject=str(path), look=partial(_told, told)))
    return configs, found


def _told(diagnosis: Diagnosis) -> Diagnosis:
    """What is known without a look."""
    return diagnosis


def _judged(problems: Sequence[Problem]) -> Diagnosis:
    """A config's own state."""
    errors = [problem for problem in problems if problem.level is Level.ERROR]
    if not errors:
        return ok("valid" if not problems else f"valid, {len(problems)} warnings")
    first = errors[0]
    more = f" (and {len(errors) - 1} more: scripts/run validate)" if len(errors) > 1 else ""
    return missing(
        f"line {first.line}: {first.message}{more}", first.cure or "scripts/run validate, then correct it"
    )


def _lines(told: Sequence[tuple[Examination, Diagnosis]]) -> Iterator[str]:
    """For people: by area, in the order of a release."""
    reasons: set[str] = set()
    for area in dict.fromkeys(examination.area for examination, _ in told):
        yield area
        for examination, diagnosis in told:
            if examination.area != area:
                continue
            sign = _SIGNS[diagnosis.health]
            yield f"  {sign:<8}{examination.subject}: {' '.join(diagnosis.seen.split())}"
            if diagnosis.cure and diagnosis.health is not Health.OK and diagnosis.cure not in reasons:
                reasons.add(diagnosis.cure)  # what one thing lacks, ten others lack too
                word = "fix" if diagnosis.health is Health.MISSING else "to check it"
                yield f"          {word}: {diagnosis.cure}"
    counts = {health: sum(one.health is health for _, one in told) for health in Health}
    yield ", ".join(f"{number} {health}" for health, number in counts.items())


def _row(examination: Examination, diagnosis: Diagnosis) -> dict[str, str]:
    """For programs."""
    return {
        "area": examination.area,
        "subject": examination.subject,
        "health": str(diagnosis.health),
        "seen": diagnosis.seen,
        "cure": diagnosis.cure,
    }
