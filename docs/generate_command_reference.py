# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/commands.md: ``PYTHONPATH=scripts python docs/generate_command_reference.py``.

Every command becomes a section with its own words and a table of its options; a test compares the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from modelway.commands import VERBS

PAGE = Path(__file__).resolve().parent / "reference" / "commands.md"
HEAD = """\
# The commands

`scripts/run COMMAND --help` prints the same. Data goes to standard output, everything else to standard
error; what the exit codes mean is in the [README](../../README.md#the-commands). What a workflow calls is an
[action](actions.md) with the same options. `--no-install`, with any command, keeps `scripts/run` from
installing Debian packages.

This page is generated from the commands by `docs/generate_command_reference.py`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(verb, module) for verb, (module, _) in VERBS.items())


def _section(verb: str, module: str) -> str:
    """A command: what it says of itself, how it is called, its options."""
    command = import_module(f"modelway.commands.{module}")
    parser = argparse.ArgumentParser(prog=f"scripts/run {verb}", add_help=False)
    command.arguments(parser)
    text = f"\n## `{verb}`\n\n{_prose(command.__doc__ or '')}{_options(parser)}"
    for name, inner in _actions(parser):
        text += f"\n### `{verb} {name}`\n{_options(inner)}"
    return text


def _prose(text: str) -> str:
    """The docstring; its indented lines are a table of their own and stay as they are."""
    lines: list[str] = []
    fenced = False
    for line in text.strip().splitlines():
        if line.startswith("  ") != fenced and line.strip():
            if fenced and not lines[-1]:
                lines.pop()
            lines += ["```", ""] if fenced else ["```text"]
            fenced = not fenced
        lines.append(line if fenced else _words(line))
    return "\n".join([*lines, "```"] if fenced else lines).strip() + "\n"


def _options(parser: argparse.ArgumentParser) -> str:
    """How it is called, and a table of what it takes."""
    own = [action for action in parser._actions if not _is_choice(action)]  # noqa: SLF001  (argparse has no public list)
    usage = f"\n```text\n{_usage(parser, own)}\n```\n"
    if not own:
        return usage
    return usage + "\n| | meaning | default |\n| --- | --- | --- |\n" + "".join(map(_row, own))


def _usage(parser: argparse.ArgumentParser, own: Sequence[argparse.Action]) -> str:
    """What has to be given; argparse's own usage differs with the version of Python."""
    needed = [f"{a.option_strings[-1]} {_given(a)}" for a in own if a.option_strings and a.required]
    may = ["[options]"] if any(a.option_strings and not a.required for a in own) else []
    inner = ["|".join(name for name, _ in _actions(parser)) + " ..."] if [*_actions(parser)] else []
    places = {None: "{0}", "?": "[{0}]", "*": "[{0} ...]", "+": "{0} [{0} ...]"}
    arguments = [places[cast("str | None", a.nargs)].format(_given(a)) for a in own if not a.option_strings]
    return " ".join([parser.prog, *needed, *may, *inner, *arguments])


def _given(action: argparse.Action) -> str:
    """What is given for an option or an argument."""
    choices = "{" + ",".join(map(str, action.choices or ())) + "}"
    return str(action.metavar or (choices if action.choices else action.dest.upper()))


def _is_choice(action: argparse.Action) -> bool:
    """Whether it chooses an inner command, or is argparse's own help."""
    return isinstance(action, argparse._SubParsersAction | argparse._HelpAction)  # noqa: SLF001  (as above)


def _actions(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The inner commands, where there are any."""
    for action in parser._actions:  # noqa: SLF001  (as above)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  (as above)
            yield from action.choices.items()


def _row(action: argparse.Action) -> str:
    """One option on a line."""
    value = "" if action.nargs == 0 else f" {_given(action)}"
    name = ", ".join(f"`{one}{value}`" for one in action.option_strings) or f"`{_given(action)}`"
    required = "; required" if action.option_strings and action.required else ""
    default = f"`{action.default}`" if action.default not in (None, False, "", argparse.SUPPRESS, []) else ""
    return f"| {_cell(name)} | {_cell(action.help or '')}{required} | {default} |\n"


def _cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return _words(text.replace("%%", "%").replace("|", "\\|"))


def _words(text: str) -> str:
    """Text whose <name> is not taken for HTML; between backticks nothing is."""
    parts = text.split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
