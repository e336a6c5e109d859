"""What other steps found, put in words.

The files of a pull request are untrusted: what is not as expected is left out or shown as unreadable, and
nothing in them can become more than text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelway.core import markup
from modelway.core.json import Json
from modelway.core.plain import clean
from modelway.core.planfile import PlanFile
from modelway.core.preview import Mark, Part
from modelway.core.problem import Level, Problem
from modelway.core.untrusted import word

_ROWS = 20
_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: [^:]*)?::(?P<text>.*)")
_WORDS: Mapping[str, tuple[Mark, str]] = {
    "succeeded": (Mark.GOOD, "done"),
    "blocked": (Mark.STOPS, "the policy says no"),
    "rolled_back": (Mark.STOPS, "unhealthy"),
    "superseded": (Mark.WARNING, "a newer release took over"),
    "started": (Mark.WARNING, "started, not finished"),
    "unavailable": (Mark.STOPS, "could not run: something it needs is not there"),
    "not_evaluated": (Mark.STOPS, "could not be evaluated, which is no pass"),
    "failed": (Mark.STOPS, "failed"),
}


def validation(problems: Sequence[Problem]) -> Part:
    """What is wrong with a config."""
    errors = sum(problem.level is Level.ERROR for problem in problems)
    if not problems:
        return Part(title="Config", mark=Mark.GOOD, words="valid")
    rows = [(f"{p.line}:{p.column}", str(p.level), f"{p.message} {p.cure}") for p in problems]
    counts = [(errors, "error"), (len(problems) - errors, "warning")]
    return Part(
        title="Config",
        mark=Mark.STOPS if errors else Mark.WARNING,
        words=", ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n),
        detail=table(("line", "", "what"), rows),
    )


def build(result: str, document: Json, log: str) -> Part:
    """Whether there is an image."""
    words = word(document, "reused") or (f"built {word(document, 'local_image')}" if document else "")
    return step("Image", result, words, log)


def contract(result: str, log: str) -> Part:
    """Whether the image answered its contract tests on the runner."""
    words = "answered as the config asks, on the runner" if result == "succeeded" else ""
    return step("Contract tests", result, words, log)


def plan(environment: str, file: PlanFile, words: str) -> Part:
    """The steps in an environment."""
    steps = len(file.steps)
    told = f"{steps} step{'s' * (steps != 1)}" if steps else "nothing to do"
    notes = f"; {'; '.join(file.notes)}" if file.notes else ""
    return Part(
        title=f"Plan for {environment}",
        mark=Mark.WARNING if file.notes else Mark.GOOD,
        words=f"{told}{notes}",
        detail=markup.block(words, lines=60, characters=6_000) if file.steps else "",
    )


def no_plan(environment: str, result: str, log: str) -> Part:
    """An environment nobody planned for: a fork has no credentials, say."""
    title = f"Plan for {environment}"
    if result and result != "succeeded":
        return step(title, result, "", log)
    return Part(title=title, mark=Mark.NOTHING, words="not planned (forks have no credentials to look)")


def permissions(text: str) -> Part:
    """What the roles would newly need, as ``iam --diff`` says it."""
    lines = [line for line in clean(text) if line.strip()]
    more = sum(line.lstrip().startswith("+") for line in lines)
    less = sum(line.lstrip().startswith("-") for line in lines)
    if not more and not less:
        return Part(title="Permissions", mark=Mark.GOOD, words=lines[0] if lines else "no change")
    return Part(
        title="Permissions",
        mark=Mark.WARNING if more else Mark.GOOD,
        words=f"{more} newly needed, {less} needed no more: apply them before the release",
        detail=markup.block(text, lines=80, characters=8_000),
    )


def unreadable(title: str, why: str) -> Part:
    """A file that says nothing."""
    return Part(title=title, mark=Mark.WARNING, words=f"what was found cannot be read: {why}")


def step(title: str, result: str, words: str, log: str) -> Part:
    """A step by how it ended; its last lines where that was not well."""
    if not result and not words:
        return Part(title=title, mark=Mark.NOTHING, words="not run")
    mark, said = ending(result, words)
    detail = markup.block("\n".join(spoken(log))) if mark is Mark.STOPS and log.strip() else ""
    return Part(title=title, mark=mark, words=said, detail=detail)


def ending(result: str, words: str) -> tuple[Mark, str]:
    """The mark of a result, and what to say of it."""
    mark, said = _WORDS.get(result or "succeeded", (Mark.STOPS, f"ended as {result}"))
    return mark, (words or said) if mark is Mark.GOOD else f"{said}{': ' if words else ''}{words}"


def spoken(log: str) -> Iterator[str]:
    """What a step said: its workflow commands without their dress."""
    for line in clean(log):
        command = _COMMAND.fullmatch(line.strip())
        if command is None:
            yield line
        elif command["name"] in {"error", "warning", "notice", "group"}:
            text = command["text"].replace("%0D", "").replace("%0A", "\n").replace("%25", "%")
            label = "" if command["name"] == "group" else f"{command['name']}: "
            yield f"{label}{text}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first rows, and how many there are more."""
    more = f"\n\nand {len(rows) - _ROWS} more" if len(rows) > _ROWS else ""
    return markup.table(head, [[cell[:300] for cell in row] for row in rows[:_ROWS]]) + more
