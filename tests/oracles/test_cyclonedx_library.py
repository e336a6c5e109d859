"""OWASP's own library validates the SBOM strictly against the schema of CycloneDX 1.6, findings included."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from modelway.core import cyclonedx
from modelway.core.json import Json, canonical
from tests.oracles.conftest import PYTHON, Oracle
from tests.reports import NOW, finding, package
from tests.scanned import FINDINGS, scanned

PACKAGE = "cyclonedx-python-lib[json-validation]==11.12.0"
ASK = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
flaw = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
print(json.dumps(None if flaw is None else str(flaw.data)[:2000]))
"""


def flaw(oracle: Oracle, document: Mapping[str, Json]) -> object:
    """What the validator says; ``None`` for nothing."""
    said = subprocess.run(
        [oracle(PYTHON, PACKAGE), "-c", ASK],
        input=canonical(document),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(said.stdout)


def test_the_library_finds_no_flaw(oracle: Oracle) -> None:
    licensed = replace(package("jinja2"), licences=("MIT OR Apache-2.0", "BSD"))
    merged, verdict = scanned(*FINDINGS, finding("CVE-1", of=licensed, published="2023-05-01"))
    bare = cyclonedx.at(cyclonedx.sbom(merged, name="iris"), NOW)
    assert flaw(oracle, bare) is None
    assert flaw(oracle, cyclonedx.with_findings(bare, merged, verdict)) is None
    assert flaw(oracle, {**bare, "specVersions": "1.6"}) is not None  # otherwise its silence says nothing
