"""Which rule a request meets, and how its traffic is shared."""

from __future__ import annotations

import pytest

from modelway.core.json import JsonObject
from modelway.rehearsal.elb_rules import Fixed, Question, Rule, first_match, fixed, forward, weights
from modelway.rehearsal.elb_targets import matches

ASKED = Question(method="POST", path="/invocations", host="iris.example", headers={"x-test": "green"})


def rule(priority: int | None, *conditions: JsonObject) -> Rule:
    return Rule(arn=str(priority), priority=priority, conditions=conditions, action={})


def path(pattern: str) -> JsonObject:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": [pattern]}}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (path("/invocations"), True),
        (path("/inv*"), True),
        (path("/INV*"), False),
        (path("/?nvocations"), True),
        ({"Field": "path-pattern", "Values": ["/other", "/invocations"]}, True),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["*.EXAMPLE"]}}, True),
        ({"Field": "host-header", "Values": ["other.example"]}, False),
        ({"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}, False),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Test", "Values": ["green"]}},
            True,
        ),
        ({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-No", "Values": ["*"]}}, False),
    ],
)
def test_a_condition_holds(condition: JsonObject, *, holds: bool) -> None:
    assert (first_match([rule(1, condition)], ASKED) is not None) is holds


def test_the_lowest_priority_comes_first_and_the_default_last() -> None:
    rules = [rule(None), rule(20, path("/*")), rule(3, path("/*")), rule(1, path("/other"))]
    found = first_match(rules, ASKED)
    assert found is not None
    assert found.priority == 3
    assert first_match([rule(None), rule(1, path("/other"))], ASKED) == rule(None)


def test_a_group_alone_has_all_and_a_weight_left_out_is_one() -> None:
    assert weights({"Type": "forward", "TargetGroupArn": "blue"}) == {"blue": 1}
    groups: JsonObject = {"TargetGroups": [{"TargetGroupArn": "a"}, {"TargetGroupArn": "b", "Weight": 3}]}
    assert weights({"Type": "forward", "ForwardConfig": groups}) == {"a": 1, "b": 3}
    assert weights(forward({"a": 95, "b": 5})) == {"a": 95, "b": 5}


def test_a_fixed_response_is_the_balancers_own() -> None:
    said: JsonObject = {"StatusCode": "404", "MessageBody": "no", "ContentType": "text/html"}
    assert fixed({"Type": "fixed-response", "FixedResponseConfig": said}) == Fixed(404, "text/html", "no")
    assert fixed(forward({"a": 1})) is None


@pytest.mark.parametrize(
    ("matcher", "status", "good"),
    [("200", 200, True), ("200", 204, False), ("200-299", 204, True), ("200,301-302", 302, True)],
)
def test_a_matcher_takes_codes_and_ranges(matcher: str, status: int, *, good: bool) -> None:
    assert matches(matcher, status) is good
