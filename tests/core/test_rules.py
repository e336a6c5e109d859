"""An environment that the default branch does not know gets no less than that says."""

from __future__ import annotations

from datetime import date

from modelway.core.roots import Roots
from modelway.core.rules import Rules, governing
from modelway.core.scan_spec import Organisation, ScanSpec, Waiver

ENDS = date(2026, 7, 1)


def waiver(id_: str, *environments: str) -> Waiver:
    return Waiver(id=id_, reason="because it is a test", expires=ENDS, environments=environments)


def spec(threshold: str, *waivers: Waiver) -> ScanSpec:
    match threshold:
        case "high" | "medium" | "low" | "off":
            return ScanSpec(fail_on=threshold, waivers=waivers, said=frozenset({"fail_on"}))
        case _:
            raise AssertionError(threshold)


MAIN = Rules(
    scan=spec("high", waiver("CVE-1", "production"), waiver("CVE-2")),
    environments={"production": spec("medium", waiver("CVE-3"))},
    organisation=Organisation(
        environments={"production": ScanSpec(secrets="low", said=frozenset({"secrets"}))}
    ),
    source="main (1234)",
    roots=Roots(before={"staging": None, "production": "staging"}),
)


def checkout(*names: str, **environments: ScanSpec) -> Rules:
    before: dict[str, str | None] = dict.fromkeys(("staging", *names))
    return Rules(scan=spec("off"), environments=environments, roots=Roots(before=before))


def test_a_renamed_environment_keeps_its_rules_and_none_of_its_waivers() -> None:
    policy = governing(checkout("prod", prod=spec("off", waiver("CVE-9"))), MAIN).rules.policy("prod")
    assert (policy.spec.fail_on, policy.spec.secrets) == ("medium", "low")
    waived = [one.id for one in policy.spec.waivers if not one.environments or "prod" in one.environments]
    assert waived == ["CVE-2"]
    assert policy.source == (
        "main (1234), which has no environment prod: the rules of its scan count, and those of production, "
        "which this checkout does not have"
    )
    assert policy.environment == "prod"


def test_a_new_environment_beside_the_others_is_judged_by_the_scan_of_the_branch() -> None:
    policy = governing(checkout("production", "eu", eu=spec("off")), MAIN).rules.policy("eu")
    assert (policy.spec.fail_on, policy.spec.secrets) == ("high", "high")
    assert policy.source == "main (1234), which has no environment eu: the rules of its scan count"
    stricter = governing(checkout("production", "eu", eu=spec("low")), MAIN).rules.policy("eu")
    assert stricter.spec.fail_on == "low"


def test_what_the_branch_knows_is_judged_by_its_own_rules() -> None:
    rules = governing(checkout("prod"), MAIN).rules
    assert (rules.policy("staging").spec.fail_on, rules.policy("staging").source) == ("high", "main (1234)")
    assert rules.policy("production").spec.fail_on == "medium"
    assert rules.policy().source == "main (1234)"
