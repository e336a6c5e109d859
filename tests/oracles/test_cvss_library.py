"""Every base vector of CVSS 3.1, and of version 2, scores as Red Hat's ``cvss`` library scores it."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from modelway.scanners.builtin.cvss import base_score
from tests.oracles.conftest import Oracle

V3 = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"}
V2 = {"AV": "LAN", "AC": "HML", "Au": "MSN", "C": "NPC", "I": "NPC", "A": "NPC"}
ASK = """
import json, sys
from cvss import CVSS2, CVSS3
kind = {"2": CVSS2, "3": CVSS3}[sys.argv[1]]
print(json.dumps([float(kind(vector).base_score) for vector in json.load(sys.stdin)]))
"""


def vectors(metrics: dict[str, str], prefix: str) -> list[str]:
    """Every combination of the metrics' values."""
    names = list(metrics)
    return [
        prefix + "/".join(f"{name}:{value}" for name, value in zip(names, values, strict=True))
        for values in itertools.product(*metrics.values())
    ]


@pytest.mark.parametrize(
    ("version", "every"), [("3", vectors(V3, "CVSS:3.1/")), ("2", vectors(V2, ""))], ids=["3.1", "2"]
)
def test_scores_are_the_librarys(oracle: Oracle, version: str, every: list[str]) -> None:
    python: Path = oracle("cvss_calculator", "cvss==3.6").with_name("python")
    if not python.exists():
        pytest.skip("cvss_calculator is on PATH, and its library's Python is not beside it")
    said = subprocess.run(
        [python, "-c", ASK, version], input=json.dumps(every), capture_output=True, text=True, check=True
    )
    theirs = json.loads(said.stdout)
    assert len(every) == {"3": 2592, "2": 729}[version]
    differing = [(v, base_score(v), s) for v, s in zip(every, theirs, strict=True) if base_score(v) != s]
    assert differing == []
