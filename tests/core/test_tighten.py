"""Policies over each other: nothing inside is looser than what stands above, and who tries is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import Kind, Severity
from modelway.core.licences import passes
from modelway.core.merge import merge
from modelway.core.policy import judge
from modelway.core.rules import Rules, governing
from modelway.core.scan_spec import RULES, Licences, Organisation, Policy, ScanSpec, Waiver
from modelway.core.tighten import SOFTENERS, binding, demanded, effective, loosenings, strictest
from tests.core.test_policy import FINDINGS, THRESHOLDS
from tests.reports import NOW, package, report

DAY = timedelta(days=1)
SEVERITIES = [*Severity][:-1]
LOOSER: dict[str, tuple[object, object]] = {
    "scanners": (("builtin", "trivy"), ("builtin",)),
    "fail_on": ("medium", "high"),
    "base_image": ("high", "critical"),
    "only_fixable": (False, True),
    "unknown_fix": ("fail", "pass"),
    "severity_from": (("any",), ("vendor",)),
    "floors": ({Severity.HIGH: 7.0}, {Severity.HIGH: 8.0}),
    "unknown_severity": (Severity.HIGH, Severity.LOW),
    "unknown_severity_after": (DAY, 2 * DAY),
    "grace": ({Severity.HIGH: DAY}, {Severity.HIGH: 2 * DAY}),
    "known_exploited": (True, False),
    "epss": (0.5, 0.6),
    "secrets": ("high", "off"),
    "misconfigurations": ("high", "critical"),
    "unsafe_models": ("low", "medium"),
    "end_of_life": ("negligible", "low"),
    "licences": (Licences(deny=("AGPL-*",)), Licences(deny=("GPL-*",))),
    "min_packages": (10, 1),
    "max_database_age": (DAY, 2 * DAY),
    "warn_database_age": (DAY, 2 * DAY),
}
ALSO_LOOSER: list[tuple[str, object, object]] = [
    ("grace", {}, {Severity.LOW: DAY}),
    ("floors", {Severity.HIGH: 7.0}, {}),
    ("epss", 0.5, None),
    ("base_image", None, "critical"),
    ("severity_from", ("ghsa",), ("nvd",)),
    ("licences", Licences(allow=("MIT",)), Licences()),
    ("licences", Licences(allow=("MIT",)), Licences(allow=("MIT", "GPL-2.0-only"))),
    ("licences", Licences(unknown="fail"), Licences(unknown="pass")),
]
STRICTER: list[tuple[str, object, object]] = [
    ("grace", {Severity.HIGH: DAY}, {}),
    ("floors", {}, {Severity.HIGH: 7.0}),
    ("epss", None, 0.5),
    ("base_image", "high", None),
    ("severity_from", ("ghsa",), ("any",)),
    ("scanners", ("builtin",), ("trivy", "builtin")),
    ("licences", Licences(allow=("MIT", "BSD")), Licences(allow=("BSD",))),
    ("licences", Licences(deny=("A",)), Licences(deny=("B", "A"))),
]


def spec(**said: object) -> ScanSpec:
    """A policy that says these fields."""
    return ScanSpec(**said, said=frozenset(said))  # type: ignore[arg-type]  # the caller names fields


def test_every_field_can_be_tightened() -> None:
    assert set(LOOSER) == set(RULES)


@pytest.mark.parametrize(
    ("field", "outer", "inner"), [(f, a, b) for f, (a, b) in LOOSER.items()] + ALSO_LOOSER
)
def test_loosening_is_named_and_does_not_work(field: str, outer: object, inner: object) -> None:
    above, below = spec(**{field: outer}), spec(**{field: inner})
    [found] = loosenings(above, below)
    assert found.field == field
    assert found.demanded != found.asked
    both = strictest(above, below)
    assert list(loosenings(above, replace(both, said=above.said))) == []
    assert list(loosenings(spec(), below)) == []


@pytest.mark.parametrize(
    ("field", "outer", "inner"), [(f, b, a) for f, (a, b) in LOOSER.items() if f != "licences"] + STRICTER
)
def test_tightening_is_taken(field: str, outer: object, inner: object) -> None:
    above, below = spec(**{field: outer}), spec(**{field: inner})
    assert list(loosenings(above, below)) == []
    assert getattr(strictest(above, below), field) == inner


def test_two_lists_of_allowed_licences_with_nothing_in_common_allow_none() -> None:
    both = strictest(spec(licences=Licences(allow=("MIT",))), spec(licences=Licences(allow=("BSD",))))
    assert both.licences.allow == ("NONE",)


def test_waivers_of_all_count() -> None:
    one = Waiver(id="A", reason="", expires=date(2026, 7, 1))
    other = replace(one, id="B")
    assert strictest(spec(waivers=(one,)), spec(waivers=(other, one))).waivers == (one, other)


SPECS = st.builds(
    lambda fail_on, only, doubt, grace, floors, base, exploited, said: ScanSpec(
        fail_on=fail_on,
        only_fixable=only,
        unknown_fix=doubt,
        grace={severity: timedelta(days=days) for severity, days in grace.items()},
        floors=floors,
        base_image=base,
        known_exploited=exploited,
        said=frozenset(said),
    ),
    st.sampled_from(THRESHOLDS),
    st.booleans(),
    st.sampled_from(["fail", "pass"]),
    st.dictionaries(st.sampled_from(SEVERITIES), st.integers(0, 400), max_size=3),
    st.dictionaries(st.sampled_from(SEVERITIES), st.sampled_from([1.0, 5.0, 9.0]), max_size=3),
    st.sampled_from([None, *THRESHOLDS]),
    st.booleans(),
    st.sets(st.sampled_from([*RULES])),
)


@given(st.lists(FINDINGS, max_size=4), SPECS, SPECS, SPECS)
def test_what_the_organisation_stops_no_config_and_no_environment_lets_pass(
    findings: list[object], above: ScanSpec, config: ScanSpec, inner: ScanSpec
) -> None:
    found = merge([replace(report(*findings), packages=(package(),))])  # type: ignore[arg-type]
    organisation = Organisation(scan=binding(above))
    policy = effective(config, {"production": inner}, organisation, "production")
    alone = judge(found, Policy(spec=above), NOW)
    together = judge(found, policy, NOW)
    assert alone.ok or not together.ok
    before = judge(found, effective(config, {}, organisation, None), NOW)
    assert before.ok or not together.ok


@given(st.lists(FINDINGS, max_size=4), SPECS, SPECS, SPECS)
def test_who_says_fail_on_is_not_softened_by_what_it_did_not_say(
    findings: list[object], above: ScanSpec, config: ScanSpec, inner: ScanSpec
) -> None:
    """An organisation that writes ``fail_on`` and ``known_exploited`` alone keeps each finding these stop."""
    found = merge([replace(report(*findings), packages=(package(),))])  # type: ignore[arg-type]
    said = spec(fail_on=above.fail_on, known_exploited=above.known_exploited, floors=above.floors)
    alone = judge(found, Policy(spec=said), NOW)
    policy = effective(config, {"production": inner}, Organisation(scan=said), "production")
    together = judge(found, policy, NOW)
    kept = {one.finding.id for one in together.blocking}
    assert {one.finding.id for one in alone.blocking if one.finding.kind is Kind.VULNERABILITY} <= kept


def test_what_softens_fail_on_is_named_where_an_organisation_demands_it() -> None:
    above = demanded(spec(fail_on="high"))
    fields = SOFTENERS - {"severity_from", "unknown_fix", "unknown_severity_after"}
    softer = spec(**{field: LOOSER[field][1] for field in fields}, unknown_severity_after=30 * DAY)
    assert {one.field for one in loosenings(above, softer)} == softer.said
    [base] = loosenings(above, spec(base_image="critical"))
    assert base.demanded == "high"


@given(st.lists(FINDINGS, max_size=4), SPECS, SPECS, SPECS, SPECS)
def test_a_checkout_never_loosens_the_protected_branch(
    findings: list[object], branch: ScanSpec, checkout: ScanSpec, inner: ScanSpec, other: ScanSpec
) -> None:
    found = merge([replace(report(*findings), packages=(package(),))])  # type: ignore[arg-type]
    waiver = Waiver(id="CVE-1", reason="", expires=date(2027, 1, 1))
    there = Rules(scan=branch, environments={"production": inner}, organisation=Organisation(scan=other))
    here = Rules(scan=replace(checkout, waivers=(waiver,)), organisation=None)
    rules = governing(here, there).rules
    for environment in (None, "production"):
        alone = judge(found, there.policy(environment), NOW)
        together = judge(found, rules.policy(environment), NOW)
        stopped = {one.finding.id for one in together.blocking}
        assert {one.finding.id for one in alone.blocking} <= stopped
        assert not together.waived


@pytest.mark.parametrize("allow", ["*", "GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH*"])
def test_an_exception_one_side_allows_does_not_undo_what_the_other_denies(allow: str) -> None:
    """``allow`` only ever takes away, so a checkout may add it; and ``WITH`` lets what it names pass."""
    denies = Licences(deny=("GPL-2.0-only",))
    name = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert not passes(name, denies)
    for outer, inner in ((denies, Licences(allow=(allow,))), (Licences(allow=(allow,)), denies)):
        both = strictest(spec(licences=outer), spec(licences=inner)).licences
        assert not passes(name, both)
        assert passes("MIT", both) is (allow == "*")
