"""Child processes: the only user of ``subprocess``.

A child gets its own process group, so that Ctrl-C stops what it started too, and no standard input
unless it is given some.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from modelway.adapters import environment
from modelway.errors import Unavailable

GRACE = 10.0
"""Seconds a stopped child gets to clean up before it is killed."""

_CURES: Mapping[str, str] = {
    "docker": "install a Docker engine (Debian: apt-get install docker.io), then run the same command again.",
    "git": "install git (Debian: apt-get install git), then run the same command again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended."""

    code: int
    """Its exit status; negative is the signal that ended it."""
    raw: bytes
    """What it wrote to standard output."""
    err: str

    @property
    def out(self) -> str:
        """Its standard output as text."""
        return self.raw.decode(errors="replace")

    @property
    def tail(self) -> str:
        """The last lines it said, for an error's text."""
        return "\n".join((self.err.strip() or self.out.strip()).splitlines()[-15:])


def run(  # noqa: PLR0913  (what a child process can be given)
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    say: Callable[[str], None] | None = None,
    timeout: float | None = None,
) -> Finished:
    """Run a program to its end; any exit status is an answer.

    ``variables`` come on top of the environment. ``say`` gets each line of standard error as it is
    written. Raises ``Unavailable`` where the program is not installed or ``timeout`` seconds are over.
    """
    with _child(argv, cwd=cwd, variables=variables, stdin=stdin is not None) as child:
        out: list[bytes] = []
        err: list[str] = []
        threads = [
            threading.Thread(target=_collect, args=(child.stdout, out), daemon=True),
            threading.Thread(target=_follow, args=(child.stderr, err, say), daemon=True),
            threading.Thread(target=_feed, args=(child.stdin, stdin), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"{argv[0]} did not finish",
                seen=f"Gave up after {timeout:g} s: {' '.join(argv[:3])}",
                cure="see whether what it talks to answers, then run the same command again.",
            ) from None
        for thread in threads:
            thread.join(GRACE)
    return Finished(code=code, raw=b"".join(out), err="".join(err))


@contextmanager
def stream(argv: Sequence[str], *, variables: Mapping[str, str] | None = None) -> Iterator[BinaryIO]:
    """A program's standard output while it is written.

    Reading less than all of it is allowed. Raises ``Unavailable`` at the end where all was read and the
    program failed.
    """
    with _child(argv, variables=variables) as child:
        err: list[str] = []
        follower = threading.Thread(target=_follow, args=(child.stderr, err, None), daemon=True)
        follower.start()
        out = cast("BinaryIO", child.stdout)
        yield out
        if out.read(1) == b"" and child.wait(GRACE) != 0:
            follower.join(GRACE)
            said = "".join(err).strip()[-2000:]
            raise Unavailable(f"{' '.join(argv[:3])} failed", seen=said or f"exit status {child.returncode}")


def succeed(argv: Sequence[str], *, cure: str = "", cwd: Path | None = None) -> str:
    """Run a program that has to succeed and return what it printed; raises ``Unavailable`` otherwise."""
    finished = run(argv, cwd=cwd)
    if finished.code != 0:
        seen = finished.tail or f"exit status {finished.code}"
        raise Unavailable(f"{' '.join(argv[:3])} failed", seen=seen, cure=cure)
    return finished.out


@contextmanager
def _child(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A running child that is not left behind, whatever happens meanwhile."""
    try:
        child = subprocess.Popen(  # noqa: S603  (a list, never a shell)
            argv,
            cwd=cwd,
            env=_environment(variables or {}),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    except (FileNotFoundError, PermissionError) as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise Unavailable(
            f"{argv[0]} is needed and cannot be run",
            seen=str(error),
            cure=_CURES.get(Path(argv[0]).name, f"install {argv[0]} and put it in PATH."),
        ) from None
    try:
        yield child
    finally:
        _stop(child)
        for pipe in (child.stdout, child.stderr, child.stdin):
            if pipe:
                with suppress(OSError):
                    pipe.close()


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a child that still runs, politely first, with all it started."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        if child.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience)


def _collect(pipe: IO[bytes] | None, into: list[bytes]) -> None:
    """Read a pipe to its end."""
    if pipe:
        with suppress(ValueError, OSError):
            into.extend(iter(lambda: pipe.read(65536), b""))


def _follow(pipe: IO[bytes] | None, into: list[str], say: Callable[[str], None] | None) -> None:
    """Read a pipe line by line; a bare carriage return ends a line too, as progress bars write it."""
    if not pipe:
        return
    with suppress(ValueError, OSError):
        for raw in pipe:
            text = raw.decode(errors="replace")
            into.append(text)
            if say:
                for line in text.splitlines():
                    say(line)


def _feed(pipe: IO[bytes] | None, text: bytes | None) -> None:
    """Write a child's input; a child that does not want it is no error."""
    if pipe:
        with suppress(BrokenPipeError, ValueError, OSError):
            pipe.write(text or b"")
            pipe.close()


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a child sees: the process's variables and these; one that is given empty is not there at all."""
    every = {**environment.variables(), **variables}
    return {name: value for name, value in every.items() if variables.get(name, "x")}
