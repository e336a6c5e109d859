"""A composite action's inputs as a verb's arguments.

The inputs are the verb's own options: ``--max-wait`` is the input ``max-wait``, which the action hands over
as ``MODELWAY_INPUT_MAX_WAIT``. Every input is a text; here it becomes what the option takes, or is refused.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from modelway.errors import Failure, Malformed, Superseded, Unfinished

PREFIX = "MODELWAY_INPUT_"
FAIL_ON_SUPERSEDED = "fail-on-superseded"
KEEP = "keep"
_TEXT: Mapping[str, str] = {"drift": "drift.txt", "iam": "permissions.txt", "plan": "plan.txt"}
"""Verbs whose words for people are kept, not their JSON, and where."""
ENDING = frozenset({"deploy", "promote", "release"})
"""Verbs that can end as superseded."""
_OMITTED = frozenset({"help", "format", "show", "yes-production"})
"""Options that mean nothing in a workflow: data goes to outputs, approval is the environment's."""
_NUMBERS: Mapping[Callable[[str], object], tuple[re.Pattern[str], str]] = {
    int: (re.compile(r"-?[0-9]+"), "a whole number"),
    float: (re.compile(r"-?[0-9]+(\.[0-9]+)?"), "a number"),
}
_WORDS: Mapping[str, bool] = {"true": True, "false": False, "": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of an action."""

    name: str
    help: str
    option: str = ""
    """The option it becomes; empty for a positional argument."""
    flag: bool = False
    many: bool = False
    """One value a line."""
    required: bool = False
    choices: tuple[str, ...] = ()
    number: str = ""
    """What kind of number it has to be, in words."""
    only: str = ""
    """The first argument with which it may be given, where the verb has several actions."""

    @property
    def variable(self) -> str:
        """The environment variable it comes in by."""
        return PREFIX + self.name.upper().replace("-", "_")

    def arguments(self, value: str) -> list[str]:
        """What the verb gets for a value; raises ``Malformed`` naming input, value and what is allowed."""
        if self.flag:
            if value.strip().lower() not in _WORDS:
                raise self._refused(value, "true, false")
            return [self.option] if _WORDS[value.strip().lower()] else []
        values = [line.strip() for line in value.splitlines() if line.strip()] if self.many else [value]
        return [part for one in values if one for part in self._argument(one)]

    def _argument(self, value: str) -> list[str]:
        if self.choices and value not in self.choices:
            raise self._refused(value, ", ".join(self.choices))
        pattern = next((p for p, words in _NUMBERS.values() if words == self.number), None)
        if pattern and not pattern.fullmatch(value):
            raise self._refused(value, self.number)
        if self.option:
            return [f"{self.option}={value}"]
        if value.startswith("-"):
            raise self._refused(value, "a value that does not begin with a hyphen")
        return [value]

    def _refused(self, value: str, allowed: str) -> Malformed:
        return Malformed(
            f"input {self.name}: {value!r} is not allowed",
            seen=f"Allowed: {allowed}.",
            cure=f"correct `{self.name}:` under `with:` of the step.",
        )


def inputs(parser: argparse.ArgumentParser, only: str = "") -> tuple[Input, ...]:
    """The inputs of the action for a verb, from the verb's own parser."""
    return tuple(_inputs(parser, only))


def _inputs(parser: argparse.ArgumentParser, only: str) -> Iterator[Input]:
    for each in parser._actions:  # noqa: SLF001 - argparse has no public list of what was declared
        if isinstance(each, argparse._SubParsersAction):  # noqa: SLF001 - as above
            names: tuple[str, ...] = tuple(each.choices)
            yield Input(name=each.dest, help=f"one of {', '.join(names)}", required=True, choices=names)
            yield from _merged(inputs(sub, name) for name, sub in each.choices.items())
        elif (name := _name(each)) not in _OMITTED:
            number = _NUMBERS[each.type][1] if each.type in (int, float) else ""
            yield Input(
                name=name,
                help=each.help or "",
                option=each.option_strings[-1] if each.option_strings else "",
                flag=isinstance(each, argparse._StoreTrueAction),  # noqa: SLF001 - as above
                many=each.nargs in {"*", "+"} or isinstance(each, argparse._AppendAction),  # noqa: SLF001
                required=each.required and each.nargs not in {"*", "?"},
                choices=tuple(map(str, each.choices or ())),
                number=number,
                only=only,
            )


def _merged(several: Iterator[tuple[Input, ...]]) -> Iterator[Input]:
    """Inputs of all actions of a verb, each once; one that several have may be given with any."""
    found: dict[str, Input] = {}
    for each in (one for inputs_ in several for one in inputs_):
        shared = each.name in found
        only = f"{found[each.name].only}|{each.only}" if shared else each.only
        found[each.name] = Input(
            name=each.name,
            help=each.help,
            option=each.option,
            many=each.many,
            choices=each.choices,
            only=only,
        )
    yield from found.values()


def _name(action: argparse.Action) -> str:
    """The input's name: the long option's, or the argument's."""
    return (action.option_strings[-1] if action.option_strings else action.dest).lstrip("-").replace("_", "-")


def arguments(parser: argparse.ArgumentParser, get: Callable[[str], str]) -> list[str]:
    """The verb's arguments from the environment; raises ``Malformed``."""
    chosen, options, positional = "", list[str](), list[str]()
    for each in inputs(parser):
        value = get(each.variable)
        if not value.strip():
            if each.required:
                raise _missing(each)
            continue
        if each.only and chosen not in each.only.split("|"):
            what = f"input {each.name}: {value!r} is not allowed"
            raise Malformed(what, seen=f"It goes with: {each.only.replace('|', ', ')}.", cure="leave it out.")
        chosen = chosen or (value if each.name == "action" else "")
        (options if each.option else positional).extend(each.arguments(value))
    if results_folder(get) and _prints_json(parser):
        options.append("--format=json")
    return [*positional[:1], *options, *positional[1:]] if chosen else [*options, *positional]


def _missing(each: Input) -> Malformed:
    """GitHub does not enforce ``required: true``."""
    allowed = f"Allowed: {', '.join(each.choices)}." if each.choices else each.help
    return Malformed(
        f"input {each.name} is missing", seen=allowed, cure=f"give `{each.name}:` under `with:`."
    )


def _prints_json(parser: argparse.ArgumentParser) -> bool:
    """Whether the verb has ``--format json``."""
    formats = (each.choices or () for each in parser._actions if each.dest == "format")  # noqa: SLF001 - as above
    return parser.prog.rpartition(" ")[2] not in _TEXT and any("json" in choices for choices in formats)


@contextmanager
def kept(verb: str, get: Callable[[str], str]) -> Iterator[None]:
    """Keep what the verb prints and says, where the input ``keep`` names a folder for it."""
    folder = results_folder(get)
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    printed = folder / _TEXT.get(verb, f"{verb}.json")
    with (
        printed.open("w", encoding="utf-8") as data,
        (folder / f"{verb}.log").open("w", encoding="utf-8") as log,
        redirect_stdout(_Tee(sys.stdout, data)),
        redirect_stderr(_Tee(sys.stderr, log)),
    ):
        yield


def keep_result(verb: str, result: str, get: Callable[[str], str]) -> None:
    """Keep how it ended, too."""
    folder = results_folder(get)
    if folder:
        (folder / f"{verb}.result").write_text(f"{result}\n", encoding="utf-8")


def results_folder(get: Callable[[str], str]) -> Path | None:
    """The folder the input ``keep`` names."""
    name = get(PREFIX + KEEP.upper()).strip()
    return Path(name) if name else None


class _Tee(io.TextIOBase):
    """Writes to two."""

    def __init__(self, one: TextIO, other: TextIO) -> None:
        self._both = (one, other)

    def write(self, text: str, /) -> int:
        for each in self._both:
            each.write(text)
        return len(text)

    def flush(self) -> None:
        for each in self._both:
            each.flush()

    def fileno(self) -> int:
        return self._both[0].fileno()


def tolerated(failure: Failure, verb: str, get: Callable[[str], str]) -> bool:
    """Whether the job goes on: a newer release took over, or a change goes on without us, as it was asked to.

    Steps after it have to look at the output ``result``; the reusable workflows do.
    """
    match failure:
        case Unfinished():
            return True
        case Superseded():
            return verb in ENDING and not Input(
                name=FAIL_ON_SUPERSEDED, help="", flag=True, option="--"
            ).arguments(get(PREFIX + "FAIL_ON_SUPERSEDED"))
        case _:
            return False
