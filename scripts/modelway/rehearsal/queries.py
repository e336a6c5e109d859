"""Reading what CloudWatch is asked for: metrics, queries and the rules of alarms."""

from __future__ import annotations

from collections.abc import Sequence

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.evaluation import Query, Rule
from modelway.rehearsal.metrics import Metric
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.refusals import refusal

_ANOMALIES = frozenset({"ThresholdMetricId", "EvaluationCriteria", "EvaluationWindow"})
"""Parameters of alarms that watch something else than a threshold over complete periods."""


def metric_of(asked: JsonObject) -> Metric:
    """A metric by namespace, name and dimensions."""
    dimensions = objects(asked.get("Dimensions"))
    return Metric(
        namespace=str(asked["Namespace"]),
        name=str(asked["MetricName"]),
        dimensions=frozenset((str(each["Name"]), str(each["Value"])) for each in dimensions),
    )


def queries_of(asked: Json, faster: float = 1.0) -> Sequence[Query]:
    """``MetricDataQueries`` of a call, or ``Metrics`` of an alarm whose periods pass so much faster."""
    return [_query(each, faster) for each in objects(asked)]


def rule_of(asked: JsonObject, faster: float) -> Rule:
    """What PutMetricAlarm asks to watch; raises a refusal for what is not a plain threshold."""
    if unknown := sorted(_ANOMALIES & asked.keys()):
        message = f"{', '.join(unknown)} of an alarm cannot be rehearsed."
        raise refusal(message, "NotRehearsed")
    queries = queries_of(asked.get("Metrics"), faster) or [_single(asked, faster)]
    if sum(query.returned for query in queries) != 1:
        raise refusal("Exactly one element of the metrics list should return data.", "ValidationError")
    periods = _number(asked.get("EvaluationPeriods"), 1)
    watched = {query.period for query in queries if query.metric is not None}
    if len(watched) != 1 or not all(_is_period(round(period * faster)) for period in watched):
        message = "An alarm needs metrics of one period, of 10, 20, 30 or a multiple of 60 seconds."
        raise refusal(message, "ValidationError")
    return Rule(
        queries=queries,
        comparison=str(asked["ComparisonOperator"]),
        threshold=_number(asked.get("Threshold"), 0),
        period=watched.pop(),
        periods=int(periods),
        to_alarm=int(_number(asked.get("DatapointsToAlarm"), periods)),
        missing=str(asked.get("TreatMissingData") or "missing"),
    )


def _single(asked: JsonObject, faster: float) -> Query:
    return Query(
        name="m1",
        metric=metric_of(asked),
        stat=str(asked.get("Statistic") or asked.get("ExtendedStatistic")),
        period=_number(asked.get("Period"), 60) / faster,
    )


def _query(asked: JsonObject, faster: float) -> Query:
    name, returned = str(asked["Id"]), asked.get("ReturnData") is not False
    stat = asked.get("MetricStat")
    if isinstance(stat, dict):
        return Query(
            name=name,
            returned=returned,
            metric=metric_of(stat["Metric"]),
            stat=str(stat["Stat"]),
            period=_number(stat["Period"], 60) / faster,
        )
    if not asked.get("Expression"):
        raise refusal("A query needs a MetricStat or an Expression.", "ValidationError")
    period = _number(asked.get("Period"), 60) / faster
    return Query(name=name, returned=returned, expression=str(asked["Expression"]), period=period)


def _is_period(seconds: int) -> bool:
    return seconds in {10, 20, 30} or (seconds > 0 and seconds % 60 == 0)


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) else float(default)
