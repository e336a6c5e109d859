"""A report is the same after writing and reading, and one that was altered is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelway.core.findings import (
    BroughtBy,
    Epss,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Location,
    Origin,
    Place,
    Severity,
)
from modelway.core.json import canonical
from modelway.core.masked import evidence
from modelway.core.report import Read, Unread
from modelway.core.report_json import report_json, report_of
from tests.reports import finding, package, report

SCHEMA = Path(__file__).parents[2] / "schemas/report.schema.json"
FIRST = Path(__file__).parents[1] / "cases/reports/version-1.json"
VULNERABILITIES = (finding(), finding("CVE-2", of=package("libc6", source="glibc"), fixable="unknown"))
LAYER = "sha256:" + "2" * 64
OTHERS = (
    replace(
        finding("CVE-3"),
        modified="2026-01-01T00:00:00Z",
        exploited=Exploited(source="CISA KEV", added="2026-01-02", due="2026-01-23"),
        epss=Epss(score=0.5, percentile=0.97, day="2026-06-14"),
        malware=True,
        remark="the vendor will not mend it",
        sources=("builtin", "trivy"),
        origin=Origin.BASE,
        brought_by=BroughtBy(file="app/Dockerfile", line=1, text="FROM debian:12"),
    ),
    Finding(
        kind=Kind.SECRET,
        id="aws-access-key",
        location=Location(file="/app/.env", line=3, layer=LAYER, deleted=True),
        severity=Severity.CRITICAL,
        evidence=evidence("AKIAABCDEFGHIJKLMNOP", "KEY=AKIAABCDEFGHIJKLMNOP"),
    ),
    Finding(
        kind=Kind.MISCONFIGURATION,
        id="DL3002",
        location=Location(place=Place.REPOSITORY, file="app/Dockerfile", line=7),
        severity=Severity.MEDIUM,
        fixable=Fixable.YES,
    ),
    Finding(kind=Kind.END_OF_LIFE, id="debian-10", severity=Severity.HIGH, fixable=Fixable.NO),
)
WHOLE = replace(
    report(*VULNERABILITIES, *OTHERS),
    tool="trivy 0.59.1",
    unread=(Unread(area="packages:rpm", what="rpm's database is not readable", cure="trivy", path="/x"),),
)
_PYPI = Read(area="packages:pypi", count=1)
TEXT = canonical(report_json(WHOLE))


def test_there_and_back() -> None:
    assert report_of(json.loads(TEXT)) == WHOLE
    assert report_of(json.loads(canonical(report_json(report(as_of=None))))) == report(as_of=None)


def test_a_scanner_of_secrets_has_no_advisories() -> None:
    bare = replace(report(), database=None)
    assert report_of(json.loads(canonical(report_json(bare)))) == bare


def test_a_report_of_the_first_form_says_the_same() -> None:
    old = report_of(json.loads(FIRST.read_text("utf-8")))
    new = report(*VULNERABILITIES)
    assert old == replace(new, layers=(), read=(Read(area="packages:deb", count=1), _PYPI))


def test_a_newer_form_is_refused() -> None:
    with pytest.raises(ValueError, match="a newer modelway wrote it"):
        report_of({**json.loads(TEXT), "schema_version": 3})


def test_no_report_shows_a_secret() -> None:
    assert "ABCDEFGHIJKLMNOP" not in TEXT
    assert "KEY=AKIA***[20 characters]" in TEXT


def test_the_schema_describes_what_is_written() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(TEXT))


def test_the_schema_describes_every_field() -> None:
    def fields(schema: dict[str, dict[str, object]]) -> list[object]:
        inner = [*schema.get("properties", {}).values(), schema.get("items")]
        return [schema, *(one for part in inner if isinstance(part, dict) for one in fields(part))]

    found = fields(json.loads(SCHEMA.read_text("utf-8")))
    assert len(found) > 40
    assert [one for one in found if isinstance(one, dict) and not one.get("description")] == []


def test_a_report_without_its_findings_is_refused() -> None:
    raw = json.loads(TEXT)
    raw["findings"] = []
    with pytest.raises(ValueError, match="altered"):
        report_of(raw)


@given(st.data())
def test_damage_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    body = bytearray(TEXT.encode())
    at = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        body[at] ^= data.draw(st.integers(1, 255))
    else:
        del body[at : at + data.draw(st.integers(1, 300))]
    try:
        found = report_of(json.loads(bytes(body)))
    except (ValueError, RecursionError):
        return
    assert found == WHOLE


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from([*json.loads(TEXT)]), ANY)
def test_any_json_is_refused(key: str, value: object) -> None:
    raw = {**json.loads(TEXT), key: value}
    if raw != json.loads(TEXT):
        with pytest.raises(ValueError):  # noqa: PT011  (which words depends on the value)
            report_of(raw)
