"""The policy's decisions, as data: ``tests/cases/policy/*.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from modelway.adapters import yaml_positions
from modelway.adapters.schema import POLICY, Schema
from modelway.core import parse_scan
from modelway.core.findings import (
    Epss,
    Evidence,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Location,
    Origin,
    Package,
    Rating,
    Severity,
)
from modelway.core.json import Json
from modelway.core.merge import merge
from modelway.core.policy import Verdict, judge
from modelway.core.report import Report, Unread
from modelway.core.scan_spec import Organisation, Policy, ScanSpec, Threshold, Waiver, WaiverRules
from modelway.core.tighten import effective
from modelway.core.verdict_json import verdict_json
from modelway.core.waivers import suggestion
from tests.reports import NOW, database, finding, package, report

CASES = Path(__file__).parents[1] / "cases/policy"
Case = Mapping[str, Json]
REASON = "because it is a test"


def judged(found: Report, spec: ScanSpec, now: datetime = NOW) -> Verdict:
    """What a policy says of one report."""
    return judge(merge([found]), Policy(spec=spec), now)


def _cases() -> list[Case]:
    """Read as configs are read: a date is its text."""
    found: list[Case] = []
    for path in sorted(CASES.glob("*.yml")):
        node, mistakes = yaml_positions.read(path.read_text("utf-8"))
        assert node is not None, (path, mistakes)
        assert isinstance(node.value, list)
        found += [{**case, "name": f"{path.stem}: {case['name']}"} for case in node.value]
    return found


def _finding(raw: Mapping[str, Json]) -> Finding:
    """What a case says of a finding; what it does not say is high, fixable and long published."""
    made = finding(
        str(raw["id"]),
        aliases=tuple(raw.get("aliases", ())),  # type: ignore[arg-type]  # cases are plain data
        of=package(str(raw.get("package", "flask")), source=str(raw.get("source", ""))),
        severity=str(raw.get("severity", "high")),
        fixable=str(raw.get("fixable", "yes")),
        published=str(raw.get("published", "2023-05-01T00:00:00Z")),
    )
    kind = Kind(str(raw.get("kind", "vulnerability")))
    if kind is not Kind.VULNERABILITY:
        made = replace(made, kind=kind, package=None, location=Location(file=str(raw.get("file", "/app"))))
    if "fingerprint" in raw:
        made = replace(made, evidence=Evidence("***", str(raw["fingerprint"])))
    if "exploited" in raw:
        made = replace(made, exploited=Exploited(source="CISA KEV", due=str(raw["exploited"])))
    if "epss" in raw:
        made = replace(made, epss=Epss(score=float(str(raw["epss"]))))
    if "origin" in raw:
        made = replace(made, origin=Origin(str(raw["origin"])))
    if "ratings" in raw:
        made = replace(made, ratings=tuple(map(_rating, raw["ratings"].items())))  # type: ignore[union-attr]
    return made


def _rating(raw: tuple[str, Json]) -> Rating:
    """``source: severity`` or ``source: score``."""
    source, said = raw
    if isinstance(said, int | float):
        return Rating(source=source, severity=Severity.UNKNOWN, score=float(said))
    return Rating(source=source, severity=Severity(str(said)))


def _policy(case: Case) -> Policy:
    """The case's policy, read as a config's, under its organisation's, on the way into its environment."""
    waivers = [{"reason": REASON, **one} for one in case.get("waivers") or ()]  # type: ignore[dict-item, union-attr]
    scan: Json = {**(case.get("policy") or {}), "waivers": waivers}  # type: ignore[dict-item]
    above: dict[str, Json] = {"schema_version": 1, **(case.get("organisation") or {})}  # type: ignore[dict-item]
    assert Schema(main=POLICY).flaws({**above, "scan": scan}) == ()
    environment = case.get("environment")
    inner = case.get("environment_policy")
    return effective(
        parse_scan.scan(scan),
        {str(environment): parse_scan.scan(inner)} if inner else {},
        parse_scan.organisation(above, "modelway-policy.yaml"),
        str(environment) if environment else None,
    )


@pytest.mark.parametrize("case", _cases(), ids=lambda case: str(case["name"]))
def test_case(case: Case) -> None:
    as_of = datetime.fromisoformat(str(case["as_of"])) if case.get("as_of") else None
    found = report(
        *map(_finding, case.get("findings") or ()),  # type: ignore[arg-type]
        as_of=as_of if "as_of" in case else NOW,
    )
    packages = [
        Package(ecosystem="pypi", name=str(name), version="1", licences=tuple(licences))  # type: ignore[arg-type]
        for name, licences in (case.get("licences") or {}).items()  # type: ignore[union-attr]
    ]
    found = replace(found, packages=(*found.packages, *packages) or (package(),))
    policy = _policy(case)
    verdict = judge(merge([found]), policy, NOW)
    assert sorted(one.finding.id for one in verdict.blocking) == sorted(case.get("blocking", []))  # type: ignore[arg-type, type-var]
    assert sorted(one.finding.id for one in verdict.waived) == sorted(case.get("waived", []))  # type: ignore[arg-type, type-var]
    assert sorted(one.finding.id for one in verdict.below) == sorted(case.get("below", []))  # type: ignore[arg-type, type-var]
    assert [one.id for one in verdict.expired] == case.get("expired", [])
    assert [one.id for one in verdict.unused] == case.get("unused", [])
    assert str(case.get("stale", "")) in verdict.stale
    assert bool(verdict.stale) == bool(case.get("stale"))
    assert bool(verdict.ageing) == bool(case.get("ageing"))
    assert verdict.ok == (not any(case.get(key) for key in ("blocking", "expired", "stale")))
    whys = " | ".join(one.why for one in verdict.judged)
    assert str(case.get("why", "")) in whys
    assert verdict_json(verdict, policy)["ok"] == verdict.ok


THRESHOLDS: list[Threshold] = ["critical", "high", "medium", "low", "negligible", "off"]
FINDINGS = st.builds(
    lambda id_, severity, fixable, name, published: finding(
        f"CVE-{id_}", of=package(name), severity=severity, fixable=fixable, published=published
    ),
    st.integers(1, 4),
    st.sampled_from([*Severity]),
    st.sampled_from([*Fixable]),
    st.sampled_from(["flask", "numpy"]),
    st.sampled_from(["", "2026-06-14T00:00:00Z", "2023-05-01T00:00:00Z", "2026-07-01T00:00:00Z"]),
)
SPECS = st.builds(
    lambda fail_on, only, doubt, grace, ids: ScanSpec(
        fail_on=fail_on,
        only_fixable=only,
        unknown_fix=doubt,
        grace={severity: timedelta(days=days) for severity, days in grace.items()},
        waivers=tuple(Waiver(id=f"CVE-{i}", reason="", expires=date(2026, 6, day)) for i, day in ids.items()),
    ),
    st.sampled_from(THRESHOLDS),
    st.booleans(),
    st.sampled_from(["fail", "pass"]),
    st.dictionaries(st.sampled_from([*Severity][:-1]), st.integers(0, 40), max_size=3),
    st.dictionaries(st.integers(1, 4), st.integers(1, 30), max_size=3),
)


@given(st.lists(FINDINGS, max_size=5), SPECS, FINDINGS)
def test_one_more_finding_never_turns_a_no_into_a_yes(
    findings: list[Finding], spec: ScanSpec, more: Finding
) -> None:
    """The same one from another tool may: it can bring the publication date that grace counts from."""
    assume((more.id, more.thing) not in {(one.id, one.thing) for one in findings})
    before = judged(replace(report(*findings), packages=(package(),)), spec)
    after = judged(replace(report(*findings, more), packages=(package(),)), spec)
    assert before.ok or not after.ok


@given(st.lists(FINDINGS, max_size=5), SPECS)
def test_every_finding_is_somewhere_and_time_only_makes_it_worse(
    findings: list[Finding], spec: ScanSpec
) -> None:
    verdict = judged(report(*findings), spec)
    sorted_in = [one.finding for one in (*verdict.blocking, *verdict.waived, *verdict.below)]
    assert {(one.id, one.thing) for one in sorted_in} == {(one.id, one.thing) for one in findings}
    later = judged(report(*findings), spec, NOW + timedelta(days=1))
    assert verdict.ok or not later.ok


def test_a_suggested_waiver_parses_and_needs_a_reason() -> None:
    [raw] = yaml.safe_load(suggestion(finding(), NOW.date(), WaiverRules()))
    assert raw == {
        "id": "CVE-2023-30861",
        "package": "flask",
        "reason": "TODO",
        "expires": date(2026, 7, 15),
    }


def test_a_suggested_waiver_is_one_the_organisation_takes() -> None:
    rules = WaiverRules(max_days=20, max_days_critical=5, require=("owner", "ticket"), never=("secret",))
    [raw] = yaml.safe_load(suggestion(finding(severity="critical"), NOW.date(), rules))
    assert (raw["expires"], raw["owner"], raw["ticket"]) == (date(2026, 6, 20), "TODO", "TODO")
    hidden = replace(finding("aws-key"), kind=Kind.SECRET)
    assert suggestion(hidden, NOW.date(), rules) == ""
    assert suggestion(finding("MAL-1"), NOW.date(), rules) == ""


def test_a_suggested_waiver_is_for_all_packages_of_a_source() -> None:
    two = [finding(of=package(name, source="glibc")) for name in ("libc6", "libc-bin")]
    assert len({suggestion(one, NOW.date(), WaiverRules()) for one in two}) == 1
    [raw] = yaml.safe_load(suggestion(two[0], NOW.date(), WaiverRules()))
    spec = ScanSpec(waivers=(Waiver(**{**raw, "reason": REASON}),))
    assert judged(report(*two), spec).ok


def test_what_could_not_be_read_is_no_pass() -> None:
    gap = Unread(area="packages:rpm", what="no reader")
    verdict = judged(replace(report(finding(severity="low")), unread=(gap,)), ScanSpec())
    assert verdict.unread == (gap,)
    assert not verdict.ok


def test_an_image_without_packages_is_no_pass() -> None:
    assert "0 package(s)" in judged(report(), ScanSpec()).unread[0].what
    assert judged(report(), ScanSpec(min_packages=0)).ok


def test_a_list_of_packages_is_no_scan() -> None:
    listing = replace(report(finding(severity="low")), database=None)
    assert "no scanner compared" in judged(listing, ScanSpec()).unread[0].what


def test_what_one_scanner_stops_is_stopped() -> None:
    good = replace(report(), scanner="trivy", packages=(package(),))
    both = merge([good, report(finding())])
    assert [one.finding.sources for one in judge(both, Policy(), NOW).blocking] == [("builtin",)]


def test_a_waiver_is_used_when_any_scanner_uses_it() -> None:
    waiver = Waiver(id="CVE-2023-30861", reason=REASON, expires=date(2026, 7, 1))
    policy = Policy(spec=ScanSpec(waivers=(waiver,)))
    other = replace(report(), scanner="trivy", packages=(package(),))
    assert judge(merge([other]), policy, NOW).unused == (waiver,)
    assert judge(merge([other, report(finding())]), policy, NOW).unused == ()


def test_old_advisories_of_any_scanner_are_too_old() -> None:
    other = replace(report(finding(severity="low")), scanner="trivy")
    old = replace(other, scanner="grype", database=database(NOW - timedelta(days=8)))
    assert "The advisories of grype are of 2026-06-07" in judge(merge([other, old]), Policy(), NOW).stale


def test_an_organisation_binds_only_what_it_says() -> None:
    above = Organisation(scan=ScanSpec(fail_on="medium", said=frozenset({"fail_on"})))
    config = ScanSpec(secrets="off", said=frozenset({"secrets"}))
    spec = effective(config, {}, above, None).spec
    assert (spec.fail_on, spec.secrets) == ("medium", "off")


def test_any_rater_counts_beside_the_tool_s_own_word_and_not_instead_of_it() -> None:
    """A checkout that asks for it would otherwise take a finding below the limit."""
    own = finding(severity="high")
    rated = replace(own, ratings=(Rating(source="nvd", severity=Severity.LOW),))
    for raters in ((), ("any",)):
        spec = ScanSpec(fail_on="high", severity_from=raters)
        assert judged(replace(report(), findings=(rated,)), spec).blocking
