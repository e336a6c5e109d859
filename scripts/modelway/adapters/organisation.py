"""The organisation's policy file: found, read, checked and parsed, every problem with its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeAlias

from modelway.adapters import config_text, environment, yaml_positions
from modelway.adapters.schema import POLICY, Schema
from modelway.adapters.yaml_nodes import Mistake
from modelway.adapters.yaml_problems import located, misread
from modelway.core import checks_scan, parse_scan
from modelway.core.checks_scan import Demands
from modelway.core.json import Json
from modelway.core.problem import Flaw, Level, Problem
from modelway.core.scan_spec import Organisation
from modelway.errors import Malformed

FILE = "modelway-policy.yaml"
"""At the root of the repository; or wherever the variable says."""
VARIABLE = "MODELWAY_POLICY"

Read: TypeAlias = "tuple[Organisation | None, tuple[Problem, ...]]"
"""The policy unless there is none or it has errors, and every problem."""


def demanded() -> bool:
    """Whether somebody named a policy, which must be there then."""
    return bool(environment.get(VARIABLE))


def inside(root: Path) -> str | None:
    """The file's path in the repository; ``None`` for one that lies outside of it."""
    path = Path(os.path.abspath(root / name()))  # noqa: PTH100 # a link's own place counts
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def nobody() -> Read:
    """No organisation has a policy."""
    return None, ()


def name() -> str:
    """The file's path, relative to the repository's root or absolute."""
    return environment.get(VARIABLE) or FILE


def of_checkout(root: Path, today: Callable[[], date]) -> Read:
    """The policy as it lies here; raises ``Malformed`` where the variable names a file that is not there."""
    path = root / name()
    if not path.exists():
        refuse_missing(path)
        return nobody()
    folder = root if path.resolve().is_relative_to(root.resolve()) else path.parent
    text = config_text.read(path, folder)
    if isinstance(text, Mistake):
        return None, (misread(name(), text),)
    return parsed(name(), text, today())


def refuse_missing(path: Path) -> None:
    """A policy that somebody demands must be there; the usual file need not."""
    if demanded():
        raise Malformed(
            f"{VARIABLE} names the policy {environment.get(VARIABLE)}, and there is no such file",
            seen=f"Looked for {path}.",
            cure="correct the variable, or bring the file there before modelway runs.",
        )


def parsed(file: str, text: str, today: date) -> Read:
    """A text's policy unless there are errors, and every problem."""
    node, mistakes = yaml_positions.read(text)
    problems = [misread(file, mistake) for mistake in mistakes]
    if node is None:
        return None, tuple(problems)
    wrong = Schema(main=POLICY).flaws(node.value)
    made = None if wrong else _made(node.value, file, today)
    flaws = wrong if made is None else made[1]
    problems += [located(file, node, flaw) for flaw in flaws]
    if any(problem.level is Level.ERROR for problem in problems):
        return None, tuple(sorted(set(problems)))
    return (made[0] if made else None), tuple(sorted(set(problems)))


def _made(value: object, file: str, today: date) -> tuple[Organisation | None, tuple[Flaw, ...]]:
    """The policy, and what the schema could not see."""
    written = value if isinstance(value, dict) else {}
    demands = Demands(today=today, environments=())
    policies: list[tuple[checks_scan.Keys, dict[str, Json]]] = [(("scan",), written.get("scan", {}))]
    policies += [(("environments", key), one) for key, one in written.get("environments", {}).items()]
    days = tuple(
        flaw
        for keys, one in policies
        for flaw in checks_scan.waivers(one.get("waivers"), (*keys, "waivers"), demands)
    )
    if days:
        return None, days
    policy = parse_scan.organisation(written, file)
    return policy, tuple(checks_scan.of_organisation(policy))
