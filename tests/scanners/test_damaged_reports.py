"""Each value of reports and advisories, replaced by one of another kind: refused, or nothing of it is lost.

All of them, not a sample: the reports are small. Those of modelway itself are in ``test_stored_reports.py``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from modelway.core.findings import Finding
from modelway.core.json import Json
from modelway.errors import NotEvaluated
from modelway.scanners import (
    gitleaks,
    grype_report,
    hadolint,
    inspector_report,
    kingfisher,
    syft_report,
    trivy_report,
)
from modelway.scanners.builtin import osv
from modelway.scanners.reading import Wrong, document
from tests.scanners.test_report_parsers import IMAGE, raw

ADVISORIES = Path(__file__).parents[2] / "scripts/modelway/rehearsal/advisories"
Where = tuple[str | int, ...]


def _ecr(given: bytes) -> Sequence[Finding]:
    found = inspector_report.Read()
    inspector_report.read_ecr(document(given), found)
    return found.findings


def _packages(given: bytes) -> Sequence[object]:
    return [*syft_report.read(given).packages]


READERS: Mapping[str, Callable[[bytes], Sequence[object]]] = {
    "trivy.json": lambda given: trivy_report.read(given).findings,
    "grype.json": lambda given: grype_report.read(given).findings,
    "grype-0.7.json": lambda given: grype_report.read(given).findings,
    "syft.json": _packages,
    "hadolint.json": lambda given: [*hadolint.read(given, "Dockerfile")],
    "gitleaks.json": lambda given: [*gitleaks.read(given, IMAGE)],
    "kingfisher.json": lambda given: kingfisher.read(given).findings,
    "inspector-sbom.json": lambda given: inspector_report.read_sbom(document(given)).findings,
    "ecr-basic.json": _ecr,
    "ecr-enhanced.json": _ecr,
}
ODD: Sequence[Json] = (
    None,
    True,
    -1,
    0,
    7.5,
    10**400,
    "",
    "x",
    "\ud800",
    "9" * 5000,
    [],
    [[]],
    {},
    {"x": None},
)


def places(value: Json, at: Where = ()) -> Iterator[Where]:
    """Everything in a document, by its path."""
    yield at
    inner = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, one in inner:
        yield from places(one, (*at, key))


def replaced(value: Json, at: Where, odd: Json) -> Json:
    """A copy with something else there."""
    if not at:
        return odd
    changed = copy.deepcopy(value)
    holder: object = changed
    for key in at[:-1]:
        holder = holder[key]  # type: ignore[index] # the path was walked before
    holder[at[-1]] = odd  # type: ignore[index]
    return changed


def kind(value: Json) -> str:
    """What JSON calls it; null may always stand where nothing is."""
    for types, name in ((bool, "boolean"), ((int, float), "number"), (str, "text"), (list, "list")):
        if isinstance(value, types):
            return name
    return "nothing" if value is None else "object"


def at(value: Json, where: Where) -> Json:
    for key in where:
        value = value[key]  # type: ignore[index]
    return value


def damaged(whole: Json) -> Iterator[tuple[Where, Json, bool]]:
    """Each document that differs in one value, and whether a value of another kind took its place."""
    for where in places(whole):
        for odd in ODD:
            kinds = {kind(odd), kind(at(whole, where))}
            yield where, odd, len(kinds) > 1 and "nothing" not in kinds


@pytest.mark.parametrize("name", READERS)
def test_a_value_of_another_kind_is_refused_or_loses_nothing(name: str) -> None:
    whole: Json = json.loads(raw(name))
    found = len(READERS[name](raw(name)))
    assert found
    refused = 0
    for where, odd, another_kind in damaged(whole):
        try:
            left = READERS[name](json.dumps(replaced(whole, where, odd)).encode())
        except (Wrong, NotEvaluated):
            refused += 1
            continue
        if another_kind and where:  # a whole report that is an empty list is Trivy's first schema
            assert len(left) >= found, f"{'.'.join(map(str, where))} = {odd!r}"
    assert refused


@pytest.mark.parametrize("file", sorted(ADVISORIES.glob("*.json"))[::3], ids=lambda file: file.stem)
def test_an_advisory_with_a_value_of_another_kind_is_refused_or_says_as_much(file: Path) -> None:
    whole: Json = json.loads(file.read_text())
    said = _said(osv.parse(file.read_bytes()))
    assert said
    for where, odd, another_kind in damaged(whole):
        try:
            left = _said(osv.parse(json.dumps(replaced(whole, where, odd)).encode()))
        except osv.Invalid:
            continue
        if another_kind:
            assert left >= said, f"{'.'.join(map(str, where))} = {odd!r}"


def _said(record: osv.Record) -> int:
    """How many packages an advisory is about, in how many ranges and versions; 0 for a withdrawn one."""
    each = (1 + sum(map(len, one.ranges)) + len(one.versions) for one in record.affected)
    return 0 if record.withdrawn else sum(each)
