"""The timeline of an update: known cases, refusals, and what holds for every policy."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.json import JsonObject
from modelway.rehearsal.guardrails import AT_ONCE, RefusedError, Step, timeline

FOUR = {"AllTraffic": 4}


def blue_green(kind: str, wait: int = 600, **size: JsonObject) -> JsonObject:
    routing: JsonObject = {"Type": kind, "WaitIntervalInSeconds": wait, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def percent(value: int) -> JsonObject:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value: int) -> JsonObject:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def rolling(size: JsonObject, wait: int = 60) -> JsonObject:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait}}


SHARES = {
    "nothing asked": ({}, ["1"]),
    "all at once": (blue_green("ALL_AT_ONCE"), ["1"]),
    "canary of a quarter": (blue_green("CANARY", CanarySize=percent(25)), ["1/4", "1"]),
    "canary of one instance": (blue_green("CANARY", CanarySize=count(1)), ["1/4", "1"]),
    "a part of an instance is a whole one": (blue_green("CANARY", CanarySize=percent(10)), ["1/4", "1"]),
    "linear by a quarter": (
        blue_green("LINEAR", LinearStepSize=percent(25)),
        ["1/4", "1/2", "3/4", "1"],
    ),
    "the last step is the rest": (rolling(percent(50)), ["1/2", "1"]),
    "rolling by instances": (rolling(count(1)), ["1/4", "1/2", "3/4", "1"]),
}


@pytest.mark.parametrize(("config", "shares"), SHARES.values(), ids=SHARES)
def test_shares(config: JsonObject, shares: list[str]) -> None:
    assert [step.share for step in timeline(config, FOUR).steps] == [Fraction(share) for share in shares]


def test_steps_that_do_not_divide_end_at_everything() -> None:
    steps = timeline(rolling(percent(40)), {"A": 5}).steps
    assert [step.share for step in steps] == [Fraction(2, 5), Fraction(4, 5), Fraction(1)]


def test_every_step_bakes() -> None:
    config = blue_green("CANARY", wait=300, CanarySize=percent(50))
    assert timeline(config, FOUR).steps == (Step(Fraction(1, 2), 300), Step(Fraction(1), 300))


def test_without_a_policy_nothing_waits() -> None:
    assert timeline({}, FOUR) == AT_ONCE
    assert AT_ONCE.waits == 0


def test_alarms_and_termination_wait_are_read() -> None:
    config: JsonObject = {
        "BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 120},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]},
    }
    planned = timeline(config, FOUR)
    assert (planned.alarms, planned.termination_wait, planned.waits) == (("a", "b"), 120, 120)


REFUSED = {
    "both policies": (
        {**blue_green("ALL_AT_ONCE"), **rolling(percent(25))},
        "one of BlueGreenUpdatePolicy and RollingUpdatePolicy",
    ),
    "canary of most": (blue_green("CANARY", CanarySize=percent(75)), "50%"),
    "canary of the only instance": (blue_green("CANARY", CanarySize=count(3)), "50%"),
    "canary without a size": (blue_green("CANARY"), "CanarySize is required"),
    "linear without a size": (blue_green("LINEAR"), "LinearStepSize is required"),
    "unknown type": (blue_green("SLOWLY"), "enum value set"),
    "wait too long": (blue_green("ALL_AT_ONCE", wait=3601), "WaitIntervalInSeconds"),
    "limit below the waits": (
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": percent(50),
                "WaitIntervalInSeconds": 300,
                "MaximumExecutionTimeoutInSeconds": 600,
            }
        },
        "greater than the sum",
    ),
}


@pytest.mark.parametrize(("config", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why(config: JsonObject, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        timeline(config, FOUR)


def test_one_instance_has_no_canary() -> None:
    with pytest.raises(RefusedError, match=r"1 of the 1 instance\(s\) of variant AllTraffic"):
        timeline(blue_green("CANARY", CanarySize=percent(10)), {"AllTraffic": 1})


sizes = st.one_of(st.integers(1, 50).map(percent), st.integers(1, 10).map(count))
policies = st.one_of(
    st.builds(lambda size, wait: blue_green("CANARY", wait, CanarySize=size), sizes, st.integers(0, 3600)),
    st.builds(lambda size, wait: blue_green("LINEAR", wait, LinearStepSize=size), sizes, st.integers(0, 300)),
    st.builds(rolling, sizes, st.integers(0, 300)),
)
fleets = st.dictionaries(st.sampled_from("ABC"), st.integers(1, 40), min_size=1)


@given(policies, fleets)
def test_traffic_only_grows_and_ends_whole(policy: JsonObject, instances: dict[str, int]) -> None:
    try:
        planned = timeline(policy, instances)
    except RefusedError:
        return
    shares = [step.share for step in planned.steps]
    assert shares == sorted(set(shares))
    assert shares[-1] == 1
    assert 0 < shares[0] <= Fraction(1, 2)


@given(policies, fleets)
def test_a_share_is_a_whole_number_of_instances(policy: JsonObject, instances: dict[str, int]) -> None:
    try:
        planned = timeline(policy, instances)
    except RefusedError:
        return
    whole = sum(instances.values())
    assert all((step.share * whole).denominator == 1 for step in planned.steps)
