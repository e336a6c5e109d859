"""When alarms go off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelway.rehearsal.evaluation import Query, Rule, judge, look
from modelway.rehearsal.metrics import Metric, Store, point

ERRORS, REQUESTS = Metric(namespace="N", name="errors"), Metric(namespace="N", name="requests")
SUM_OF_ERRORS = Query(name="m", metric=ERRORS, stat="Sum", period=60)
RULE = Rule(queries=[SUM_OF_ERRORS], comparison="GreaterThanThreshold", threshold=5, period=60)

JUDGED = {
    "above": (RULE, [6], "ALARM"),
    "at the threshold": (RULE, [5], "OK"),
    "at the threshold, or-equal": (replace(RULE, comparison="GreaterThanOrEqualToThreshold"), [5], "ALARM"),
    "below": (replace(RULE, comparison="LessThanThreshold"), [4], "ALARM"),
    "below, or-equal": (replace(RULE, comparison="LessThanOrEqualToThreshold"), [6], "OK"),
    "two of three": (replace(RULE, periods=3, to_alarm=2), [9, 1, 9], "ALARM"),
    "one of three": (replace(RULE, periods=3, to_alarm=2), [9, 1, 1], "OK"),
    "no data": (RULE, [None], "INSUFFICIENT_DATA"),
    "no data is fine": (replace(RULE, missing="notBreaching"), [None], "OK"),
    "no data is bad": (replace(RULE, missing="breaching"), [None], "ALARM"),
    "no data changes nothing": (replace(RULE, missing="ignore"), [None], None),
    "some data, missing is not counted": (replace(RULE, periods=3, to_alarm=2), [None, 9, 9], "ALARM"),
    "some data, missing is bad": (
        replace(RULE, periods=3, to_alarm=2, missing="breaching"),
        [None, None, 1],
        "ALARM",
    ),
    "some data, missing is good": (
        replace(RULE, periods=2, to_alarm=2, missing="notBreaching"),
        [None, 9],
        "OK",
    ),
}


@pytest.mark.parametrize(("rule", "values", "state"), JUDGED.values(), ids=JUDGED)
def test_judge(rule: Rule, values: list[float | None], state: str | None) -> None:
    assert judge(rule, values).state == state


def store(*errors: tuple[float, float], requests: tuple[tuple[float, float], ...] = ()) -> Store:
    filled = Store()
    for metric, points in ((ERRORS, errors), (REQUESTS, requests)):
        for time, value in points:
            filled.put(metric, point(time, value))
    return filled


def test_only_complete_periods_are_looked_at() -> None:
    running = store((10, 1), (70, 99))
    assert look(RULE, running, now=119).values == (1,)
    assert look(RULE, running, now=120).values == (99,)


def test_the_newest_periods_in_order() -> None:
    rule = replace(RULE, periods=3, to_alarm=3)
    assert look(rule, store((10, 1), (130, 3)), now=200).values == (1, None, 3)


def test_periods_may_be_parts_of_a_second() -> None:
    quick = Query(name="m", metric=ERRORS, stat="Sum", period=0.1)
    rule = replace(RULE, queries=[quick], period=0.1, periods=2, to_alarm=1)
    assert look(rule, store((1_763_820_000.05, 9)), now=1_763_820_000.2).state == "ALARM"


RATE = replace(
    RULE,
    queries=[
        Query(name="rate", expression="100*FILL(e,0)/r"),
        Query(name="e", metric=ERRORS, stat="Sum", period=60, returned=False),
        Query(name="r", metric=REQUESTS, stat="Sum", period=60, returned=False),
    ],
)


def test_a_rate_is_watched() -> None:
    assert look(RATE, store((1, 6), requests=((1, 100),)), now=60).state == "ALARM"
    assert look(RATE, store((1, 5), requests=((1, 100),)), now=60).state == "OK"


def test_no_errors_is_a_rate_of_zero_and_no_requests_is_no_rate() -> None:
    assert look(RATE, store(requests=((1, 100),)), now=60).values == (0,)
    assert look(RATE, store(), now=60).state == "INSUFFICIENT_DATA"


def test_expressions_may_use_one_another_in_any_order() -> None:
    chained = replace(
        RATE,
        queries=[
            Query(name="double", expression="rate * 2"),
            *(replace(query, returned=False) for query in RATE.queries),
        ],
    )
    assert look(chained, store((1, 3), requests=((1, 100),)), now=60).values == (6,)
