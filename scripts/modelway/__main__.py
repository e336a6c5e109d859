"""argv to command to exit code: the only place that turns an exception into an exit."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Never

from modelway import __version__
from modelway.adapters import environment
from modelway.commands import VERBS
from modelway.errors import INTERRUPTED, Failure, Interrupted, Malformed, Unavailable

if TYPE_CHECKING:
    import argparse
    from types import FrameType

    from modelway.wiring import House

PROGRAM = "scripts/run"
ACTION = "action"
"""The first argument by which composite actions call: not for people, so not in the list of commands."""
BROKEN_PIPE = 128 + signal.SIGPIPE


def main(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    match [*argv]:
        case [] | ["help"] | ["-h" | "--help", *_]:
            return _print(_overview(), to_errors=not argv)
        case ["--version"]:
            return _print(__version__)
        case ["help", verb, *_]:
            return _run([verb, "--help"])
        case [first, *rest] if first == ACTION:
            return _run_action(rest)
        case arguments:
            try:
                return _run(arguments)
            except KeyboardInterrupt:  # before there was a reporter to say so
                return INTERRUPTED


def _run_action(rest: list[str]) -> int:
    """``action VERB`` is how a composite action runs a verb: its inputs are in the environment."""
    from modelway.commands.action import kept  # noqa: PLC0415  (only workflows need it)

    with kept(rest[0] if rest else "", environment.get):
        return _run([ACTION, *rest])


def _run(argv: list[str]) -> int:
    """Carry out a verb; every way it can end is a line of this function."""
    from modelway import wiring  # noqa: PLC0415  (--help needs none of it)

    house = wiring.open_house()
    try:
        _carry_out(argv, house)
        sys.stdout.flush()
    except Failure as failure:
        return _failed(failure, house, argv)
    except Interrupted:
        return INTERRUPTED
    except KeyboardInterrupt:
        house.reporter.note("Interrupted. Run the same command again to go on.")
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  (the last line of defence: nobody reads a traceback)
        return _unexpected(error, argv, house)
    _result("succeeded", house, argv)
    return 0


def _carry_out(argv: list[str], house: House) -> None:
    """Import the verb's module, parse its options and run it."""
    from importlib import import_module  # noqa: PLC0415  (--help needs none of it)

    verb, *rest = argv[1:] or [""] if argv[0] == ACTION else argv
    if verb not in VERBS:
        raise _unknown(verb)
    command = import_module(f"modelway.commands.{VERBS[verb][0]}")
    parser = _parser(verb, command.__doc__ or "")
    command.arguments(parser)
    if argv[0] == ACTION:
        from modelway.commands.action import arguments  # noqa: PLC0415  (only workflows need it)

        rest = arguments(parser, environment.get)
    options = parser.parse_args(rest)
    command.run(options, house.world())


def _result(result: str, house: House, argv: list[str]) -> None:
    """Tell later steps how it ended."""
    house.reporter.output("result", result)
    if argv[0] == ACTION:
        from modelway.commands.action import keep_result  # noqa: PLC0415  (only workflows need it)

        keep_result(argv[-1], result, environment.get)


def _unexpected(error: Exception, argv: list[str], house: House) -> int:
    """What nobody foresaw becomes a report that can be filed."""
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("modelway"):
        return _failed(_not_installed(error), house, argv)
    path = house.bug_report(error, [PROGRAM, *argv])
    failure = Failure(
        f"{argv[0]} met something modelway does not know: {type(error).__name__}",
        seen=str(error)[:500],
        cure=f"file the report that was written to {path}, please; nothing was sent anywhere.",
    )
    return _failed(failure, house, argv)


def _failed(failure: Failure, house: House, argv: list[str]) -> int:
    """Say what failed, to people and to the workflow; what a workflow may expect is no failure of its job."""
    _result(failure.result, house, argv)
    if argv[0] == ACTION:
        from modelway.commands.action import tolerated  # noqa: PLC0415  (only workflows need it)

        if tolerated(failure, argv[-1], environment.get):
            house.reporter.warn(str(failure))
            return 0
    house.reporter.error(str(failure))
    return failure.exit_code


def _not_installed(error: ModuleNotFoundError) -> Unavailable:
    """A package that is missing is a matter of how modelway was started."""
    return Unavailable(
        f"The Python package {error.name} is needed and not installed",
        seen=f"Python is {sys.executable}.",
        cure=f"start modelway by {PROGRAM}, which makes an environment with all it needs.",
    )


def _parser(verb: str, text: str) -> argparse.ArgumentParser:
    """The verb's parser; its mistakes are ``Malformed`` like any other bad input."""
    import argparse  # noqa: PLC0415  (a tenth of the time --help may take)

    class Parser(argparse.ArgumentParser):
        """``error`` is argparse's own place to change what a mistake does."""

        def error(self, message: str) -> Never:
            raise Malformed(f"{PROGRAM} {verb}: {message}", cure=f"see {PROGRAM} {verb} --help")

    return Parser(
        prog=f"{PROGRAM} {verb}",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _unknown(verb: str) -> Malformed:
    """A verb nobody knows, with the one that was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415  (only a typo needs it)

    near = get_close_matches(verb, VERBS, n=1, cutoff=0.5)
    return Malformed(
        f"There is no command {verb!r}",
        seen=f"Did you mean {near[0]!r}?" if near else f"The commands are: {', '.join(VERBS)}.",
        cure=f"{PROGRAM} {near[0]} ..." if near else f"{PROGRAM} --help",
    )


def _overview() -> str:
    """Every verb on a line."""
    room = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{room}}  {words}" for verb, (_, words) in VERBS.items())
    return f"""usage: {PROGRAM} COMMAND [options]

One YAML file takes a machine-learning model to production on AWS: one digest, through every stage.

{verbs}

  {PROGRAM} COMMAND --help    what a command does, and its options
  {PROGRAM} rehearse          try everything now, without an AWS account"""


def _print(text: str, *, to_errors: bool = False) -> int:
    """Answer without opening anything; asking for nothing at all is a mistake."""
    try:
        (sys.stderr if to_errors else sys.stdout).write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    return Malformed.exit_code if to_errors else 0


def _silence_stdout() -> None:
    """Nobody reads any more: keep the interpreter from complaining while it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """A polite kill ends as Ctrl-C does, so that everything started is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A command makes much, keeps it and ends: a tenth of its time went into looking for what it had dropped,
    # and another sixth, once it was over, into taking apart what the process takes along anyway.
    gc.set_threshold(100_000)
    ended = main(sys.argv[1:])
    gc.freeze()
    raise SystemExit(ended)
