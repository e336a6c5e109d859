"""The policy's decisions, as data: ``tests/cases/policy/*.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.config import ScanSpec, Waiver
from modelway.core.findings import Finding, Fixable, Severity
from modelway.core.policy import Verdict, combine, judge, suggestion, verdict_json
from modelway.core.report import Unread
from tests.reports import NOW, finding, package, report

CASES = Path(__file__).parents[1] / "cases/policy"
Case = Mapping[str, object]


def _cases() -> list[Case]:
    return [
        {**case, "name": f"{path.stem}: {case['name']}"}
        for path in sorted(CASES.glob("*.yml"))
        for case in yaml.safe_load(path.read_text("utf-8"))
    ]


def _finding(raw: Mapping[str, str]) -> Finding:
    return finding(
        raw["id"],
        aliases=tuple(raw.get("aliases", ())),
        of=package(raw.get("package", "flask"), source=raw.get("source", "")),
        severity=raw.get("severity", "high"),
        fixable=raw.get("fixable", "yes"),
        published=raw.get("published", "2023-05-01T00:00:00Z"),
    )


def _spec(case: Case) -> ScanSpec:
    policy = dict(case.get("policy") or {})  # type: ignore[call-overload]  # cases are plain data
    waivers = case.get("waivers") or ()
    return ScanSpec(
        fail_on=policy.get("fail_on", "high"),
        only_fixable=policy.get("only_fixable", False),
        max_database_age=timedelta(days=policy.get("max_database_age_days", 7)),
        waivers=tuple(Waiver(reason="because it is a test", **raw) for raw in waivers),  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["name"])
def test_case(case: Case) -> None:
    as_of = datetime.fromisoformat(str(case["as_of"])) if case.get("as_of") else None
    verdict = judge(
        report(
            *map(_finding, case.get("findings") or ()),  # type: ignore[call-overload]
            as_of=as_of if "as_of" in case else NOW,
        ),
        _spec(case),
        NOW,
    )
    assert [one.finding.id for one in verdict.blocking] == case.get("blocking", [])
    assert [one.finding.id for one in verdict.waived] == case.get("waived", [])
    assert [one.id for one in verdict.below] == case.get("below", [])
    assert [one.id for one in verdict.expired] == case.get("expired", [])
    assert [one.id for one in verdict.unused] == case.get("unused", [])
    assert str(case.get("stale", "")) in verdict.stale
    assert bool(verdict.stale) == bool(case.get("stale"))
    assert verdict.ok == (not any(case.get(key) for key in ("blocking", "expired", "stale")))
    assert verdict_json(verdict)["ok"] == verdict.ok


FINDINGS = st.builds(
    lambda id_, severity, fixable, name: finding(
        f"CVE-{id_}", of=package(name), severity=severity, fixable=fixable
    ),
    st.integers(1, 4),
    st.sampled_from([*Severity]),
    st.sampled_from([*Fixable]),
    st.sampled_from(["flask", "numpy"]),
)
SPECS = st.builds(
    lambda fail_on, only, ids: ScanSpec(
        fail_on=fail_on,
        only_fixable=only,
        waivers=tuple(Waiver(id=f"CVE-{i}", reason="", expires=date(2026, 6, day)) for i, day in ids.items()),
    ),
    st.sampled_from(["critical", "high", "medium", "low", "negligible", "off"]),
    st.booleans(),
    st.dictionaries(st.integers(1, 4), st.integers(1, 30), max_size=3),
)


@given(st.lists(FINDINGS, max_size=5), SPECS, FINDINGS)
def test_one_more_finding_never_turns_a_no_into_a_yes(
    findings: list[Finding], spec: ScanSpec, more: Finding
) -> None:
    before = judge(report(*findings), spec, NOW)
    after = judge(report(*findings, more), spec, NOW)
    assert before.ok or not after.ok


@given(st.lists(FINDINGS, max_size=5), SPECS)
def test_every_finding_is_somewhere_and_time_only_makes_it_worse(
    findings: list[Finding], spec: ScanSpec
) -> None:
    verdict = judge(report(*findings), spec, NOW)
    stopped = [one.finding for one in verdict.blocking] + [one.finding for one in verdict.waived]
    sorted_in = [*stopped, *verdict.below]
    assert sorted(f.id for f in sorted_in) == sorted(f.id for f in findings)
    later = judge(report(*findings), spec, NOW + timedelta(days=1))
    assert verdict.ok or not later.ok


def test_a_suggested_waiver_parses_and_needs_a_reason() -> None:
    [raw] = yaml.safe_load(suggestion(finding(), NOW.date()))
    assert raw == {
        "id": "CVE-2023-30861",
        "package": "flask",
        "reason": "TODO",
        "expires": date(2026, 7, 15),
    }


def test_a_suggested_waiver_is_for_all_packages_of_a_source() -> None:
    two = [finding(of=package(name, source="glibc")) for name in ("libc6", "libc-bin")]
    assert len({suggestion(one, NOW.date()) for one in two}) == 1
    [raw] = yaml.safe_load(suggestion(two[0], NOW.date()))
    spec = ScanSpec(waivers=(Waiver(**{**raw, "reason": "because it is a test"}),))
    assert judge(report(*two), spec, NOW).ok


def test_what_could_not_be_read_is_no_pass() -> None:
    gap = Unread(area="packages:rpm", what="no reader")
    verdict = judge(replace(report(), unread=(gap,)), ScanSpec(), NOW)
    assert not verdict.ok
    assert combine([Verdict(), verdict]).unread == (gap,)


def test_what_one_scanner_stops_is_stopped() -> None:
    good, bad = Verdict(), judge(report(finding()), ScanSpec(), NOW)
    assert not combine([good, bad]).ok
    assert combine([good, good]).ok


def test_a_waiver_is_used_when_any_scanner_uses_it() -> None:
    waiver = Waiver(id="CVE-2023-30861", reason="because it is a test", expires=date(2026, 7, 1))
    spec = replace(ScanSpec(), waivers=(waiver,))
    using, idle = judge(report(finding()), spec, NOW), judge(report(), spec, NOW)
    assert idle.unused == (waiver,)
    assert combine([using, idle]).unused == ()
