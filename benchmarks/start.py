"""What it costs to get going: ``scripts/run`` on top of Python, and ``--help``."""

from __future__ import annotations

import sys
from pathlib import Path

from measure import compare, run, verdict

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    script = str(ROOT / "scripts" / "run")
    entry = str(ROOT / "scripts")
    run([script, "validate"])  # makes the environment, should it not be there
    seconds = compare(
        {
            "python": lambda: run([sys.executable, "-c", "pass"]),
            "module": lambda: run([sys.executable, "-m", "modelway", "--help"], PYTHONPATH=entry),
            "script": lambda: run([script, "--help"]),
        },
        rounds=20,
    )
    for name, taken in seconds.items():
        print(f"{name:<8} {taken * 1000:6.1f} ms")
    claims = [
        verdict(
            "scripts/run adds to python -m modelway",
            (seconds["script"] - seconds["module"]) * 1000,
            at_most=30,
            unit="ms",
        ),
        verdict("scripts/run --help", seconds["script"] * 1000, at_most=60, unit="ms"),
    ]
    return 0 if all(claims) else 1


if __name__ == "__main__":
    raise SystemExit(main())
