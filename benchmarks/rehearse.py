"""The whole rehearsal on a warm machine: two environments, users under load, a canary."""

from __future__ import annotations

import subprocess

from cloud import SCRIPT
from measure import compare, run, verdict


def main() -> int:
    """Measure, print, and say whether the claim holds."""
    subprocess.run([SCRIPT, "rehearse", "--stop"], check=True, capture_output=True)
    seconds = compare({"rehearse": lambda: run([SCRIPT, "rehearse"])}, rounds=2)
    return 0 if verdict("scripts/run rehearse, warm", seconds["rehearse"], at_most=60, unit="s") else 1


if __name__ == "__main__":
    raise SystemExit(main())
