"""What a job pays for modelway's environment: made anew against plain pip, and found made."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from measure import compare, run, verdict

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with tempfile.TemporaryDirectory() as folder:
        held = [cold(Path(folder)), warm(Path(folder))]
    return 0 if all(held) else 1


def variables(cache: Path) -> Mapping[str, str]:
    """A hosted runner: no uv, no cache of packages, no settings of pip's but this machine's certificates."""
    certificates = {"PIP_CERT": os.environ["PIP_CERT"]} if os.environ.get("PIP_CERT") else {}
    caches = {"PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1", "PIP_CONFIG_FILE": os.devnull}
    path = "/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(cache), "MODELWAY_CACHE": str(cache), **caches, **certificates}


def cold(folder: Path) -> bool:
    """The whole set-up step, against what one would write in a workflow."""
    cache, other, setting = folder / "cache", folder / "venv", variables(folder / "cache")
    packages = str(ROOT / "requirements" / "run.txt")

    def ours() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        run([str(ROOT / "scripts" / "run"), "setup"], **setting)

    def pips() -> None:
        shutil.rmtree(other, ignore_errors=True)
        run(["python3", "-m", "venv", str(other)], **setting)
        run([str(other / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", packages], **setting)

    seconds = compare({"setup": ours, "pip": pips}, rounds=3)
    print(f"       cold: {seconds['setup']:.1f} s here, {seconds['pip']:.1f} s with venv and pip")
    return verdict(
        "set-up, cold / python -m venv and pip install", seconds["setup"] / seconds["pip"], at_most=1 / 3
    )


def warm(folder: Path) -> bool:
    """The same where it was made."""
    setting = variables(folder / "cache")
    seconds = compare({"setup": lambda: run([str(ROOT / "scripts" / "run"), "setup"], **setting)}, rounds=5)
    return verdict("set-up, warm", seconds["setup"], at_most=1.5, unit="s")


if __name__ == "__main__":
    raise SystemExit(main())
