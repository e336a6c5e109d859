"""How benchmarks here measure: the alternatives take turns in one run, and what counts are ratios.

A ratio of two medians from one run holds on a slow or busy machine too, where seconds do not.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median


def run(argv: Sequence[str], **variables: str) -> None:
    """Run a program that has to succeed, its output thrown away."""
    done = subprocess.run(argv, env=variables or None, capture_output=True, check=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        message = f"{' '.join(argv)} ended with {done.returncode}"
        raise SystemExit(message)


def compare(rivals: Mapping[str, Callable[[], None]], *, rounds: int = 10) -> dict[str, float]:
    """Median seconds of each rival, which take turns; the first round warms up and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds + 1):
        for name, rival in rivals.items():
            started = time.perf_counter()
            rival()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return {name: median(taken) for name, taken in seconds.items()}


def verdict(claim: str, value: float, *, at_most: float, unit: str = "x") -> bool:
    """Print a claim beside what was measured; whether it holds."""
    holds = value <= at_most
    print(f"{'ok    ' if holds else 'FAILED'} {claim}: {value:.3g} {unit} (at most {at_most:g} {unit})")
    return holds
