"""When an alarm goes off: pure evaluation of its periods.

From docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html. Simpler than CloudWatch in
one thing: it looks at exactly ``EvaluationPeriods`` complete periods, never at older ones for missing data.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal, TypeAlias

from modelway.rehearsal.metric_math import Series, evaluate
from modelway.rehearsal.metrics import Metric, Store, series

State: TypeAlias = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One metric, or one expression over others."""

    name: str
    returned: bool = True
    metric: Metric | None = None
    stat: str = ""
    period: float = 60
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an alarm watches; seconds are the wall's."""

    queries: Sequence[Query]
    comparison: str
    threshold: float
    period: float
    periods: int = 1
    """``EvaluationPeriods``, N of M of N."""
    to_alarm: int = 1
    """``DatapointsToAlarm``, M of M of N."""
    missing: str = "missing"
    """``TreatMissingData``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation found."""

    state: State | None
    """``None`` where the state stays as it is."""
    values: tuple[float | None, ...]
    """The datapoints looked at, oldest first."""


def judge(rule: Rule, values: Sequence[float | None]) -> Verdict:
    """The state after these datapoints, one a period, ``None`` for a missing one."""
    breach = _BREACHES[rule.comparison]
    seen = tuple(values)
    present = [value for value in seen if value is not None]
    if not present and rule.missing in {"missing", "ignore"}:
        return Verdict("INSUFFICIENT_DATA" if rule.missing == "missing" else None, seen)
    breaching = sum(breach(value, rule.threshold) for value in present)
    if rule.missing == "breaching":
        breaching += len(seen) - len(present)
    return Verdict("ALARM" if breaching >= rule.to_alarm else "OK", seen)


def look(rule: Rule, store: Store, now: float) -> Verdict:
    """Evaluate the last complete periods; raises ``NotRehearsedError`` for what metric math cannot do."""
    last = floor(now / rule.period)
    starts = [index * rule.period for index in range(last - rule.periods, last)]
    answers = compute(rule.queries, store, starts, rule.period)
    watched = next(answers[query.name] for query in rule.queries if query.returned)
    found = {round(start / rule.period): value for start, value in watched.items()}
    return judge(rule, [found.get(index) for index in range(last - rule.periods, last)])


def compute(
    queries: Sequence[Query], store: Store, starts: Sequence[float], period: float
) -> Mapping[str, Series]:
    """The series of every query over periods that follow one another."""
    answers: dict[str, Series] = {}
    if not starts:
        return {query.name: {} for query in queries}
    for query in queries:
        if query.metric is not None:
            points = store.between(query.metric, starts[0], starts[-1] + period)
            answers[query.name] = series(points, query.stat, period)
    for query in _in_order(queries):
        answers[query.name] = evaluate(query.expression, answers, starts)
    return answers


def _in_order(queries: Sequence[Query]) -> Iterator[Query]:
    """Expressions after those they name; an expression may use another, in any order."""
    waiting = [query for query in queries if query.metric is None]
    names = {query.name for query in waiting}
    while waiting:
        ready = [q for q in waiting if not any(_mentions(q, name) for name in names - {q.name})]
        if not ready:
            ready = waiting[:1]  # a circle: evaluating it says which name is unknown
        for query in ready:
            yield query
            waiting.remove(query)
            names.discard(query.name)


def _mentions(query: Query, name: str) -> bool:
    words = "".join(char if char.isalnum() or char == "_" else " " for char in query.expression)
    return name in words.split()
