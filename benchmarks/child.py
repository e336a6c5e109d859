"""A program as a child: how long it took, and the most memory it had."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a program."""

    seconds: float
    processor: float
    """Seconds of processors, which a busy machine changes less."""
    mebibytes: float
    """Its peak resident set."""
    output: bytes


def ran(argv: Sequence[str], variables: Mapping[str, str] | None = None) -> Ran:
    """Run a program that has to succeed."""
    started = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ, **(variables or {})})
    assert child.stdout
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    child.stdout.close()
    if child.returncode:
        sys.stderr.buffer.write(output)
        message = f"{' '.join(argv)} ended with {child.returncode}"
        raise SystemExit(message)
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    return Ran(seconds, usage.ru_utime + usage.ru_stime, peak, output)
