"""A report is the same after writing and reading, and one that was altered is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelway.core.findings_json import report_json, report_of
from modelway.core.json import canonical
from tests.reports import finding, package, report

SCHEMA = Path(__file__).parents[2] / "schemas/report.schema.json"
WHOLE = report(finding(), finding("CVE-2", of=package("libc6", source="glibc"), fixable="unknown"))
TEXT = canonical(report_json(WHOLE))


def test_there_and_back() -> None:
    assert report_of(json.loads(TEXT)) == WHOLE
    assert report_of(json.loads(canonical(report_json(report(as_of=None))))) == report(as_of=None)


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
