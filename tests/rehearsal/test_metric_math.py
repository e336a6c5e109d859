"""Metric math, on series written out."""

from __future__ import annotations

import pytest

from modelway.rehearsal.metric_math import NotRehearsedError, Series, evaluate

A: Series = {0: 1, 60: 2, 120: 3}
B: Series = {0: 10, 120: 0}
PERIODS = (0.0, 60.0, 120.0)
SERIES = {"a": A, "b": B, "empty": {}}

EVALUATED = {
    "a": A,
    "a + 1": {0: 2, 60: 3, 120: 4},
    "-a": {0: -1, 60: -2, 120: -3},
    "a + b": {0: 11, 120: 3},
    "b / a": {0: 10, 120: 0},
    "a / b": {0: 0.1},
    "100*a/b": {0: 10},
    "100 * (a / b)": {0: 10},
    "a ^ 2": {0: 1, 60: 4, 120: 9},
    "FILL(b, 0)": {0: 10, 60: 0, 120: 0},
    "100*FILL(empty,0)/a": {0: 0, 60: 0, 120: 0},
    "100*empty/a": {},
    "a > 1": {0: 0, 60: 1, 120: 1},
    "IF(a > 1, a, 0)": {0: 0, 60: 2, 120: 3},
    "IF(a > 1, a)": {60: 2, 120: 3},
    "IF(a >= 2, 100*FILL(b,0)/a, 0)": {0: 0, 60: 0, 120: 0},
    "IF(a > 1 AND b > 5, 1, 0)": {0: 0, 120: 0},
    "IF(a > 1 || b > 5, 1, 0)": {0: 1, 120: 1},
    "SUM([a, b])": {0: 11, 60: 2, 120: 3},
    "MAX([a, b])": {0: 10, 60: 2, 120: 3},
    "AVG([a, FILL(b, 0)])": {0: 5.5, 60: 1, 120: 1.5},
    "a / SUM(a)": {0: 1 / 6, 60: 2 / 6, 120: 3 / 6},
    "ABS(0 - a)": A,
    "7": {0: 7, 60: 7, 120: 7},
}


@pytest.mark.parametrize("expression", EVALUATED)
def test_evaluates(expression: str) -> None:
    assert evaluate(expression, SERIES, PERIODS) == pytest.approx(EVALUATED[expression])


@pytest.mark.parametrize(
    "expression",
    [
        "unknown / a",
        "ANOMALY_DETECTION_BAND(a)",
        "SEARCH('x', 'Sum')",
        "METRICS()",
        "RATE(a)",
        "[a, b]",
        "a.__class__",
        "__import__('os')",
        "a if b else a",
        "1 +",
        "(" * 400 + "a" + ")" * 400,
        "a+" * 2000 + "a",
    ],
)
def test_says_what_it_does_not_evaluate(expression: str) -> None:
    with pytest.raises(NotRehearsedError):
        evaluate(expression, SERIES, PERIODS)
