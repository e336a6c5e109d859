"""Commands of modelway as processes of their own: what can be killed must not be ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelway.errors import INTERRUPTED, Interrupted

_GRACE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Runs commands of modelway in the repository, with the environment of the rehearsal cloud.

    Raises ``Interrupted`` where Ctrl-C ended the command, too.
    """

    root: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> int:
        """Run a command on our own terminal; its exit code, negative for the signal that ended it."""
        return self._finish(self._start(arguments, stdout=None))[0]

    def read(self, *arguments: str) -> tuple[int, str]:
        """Run a command; its exit code, and what it was asked for. The rest goes to our own terminal."""
        return self._finish(self._start(arguments, stdout=subprocess.PIPE))

    def _start(self, arguments: Sequence[str], *, stdout: int | None) -> subprocess.Popen[str]:
        """Its own process group: Ctrl-C reaches it through us, in order."""
        package = Path(__file__).parents[2]
        return subprocess.Popen(  # noqa: S603 - modelway itself
            [sys.executable, "-m", "modelway", *arguments],
            cwd=self.root,
            env={**self.environment, "PYTHONPATH": str(package)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            text=True,
            process_group=0,
        )

    def _finish(self, child: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for its end; whatever ends us ends it, and all it started, first."""
        try:
            out, _ = child.communicate()
        except KeyboardInterrupt:
            _stop(child)
            if child.returncode == INTERRUPTED:
                raise Interrupted from None
            raise
        except BaseException:
            _stop(child)
            raise
        return child.returncode, out or ""


def _stop(child: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
            return
