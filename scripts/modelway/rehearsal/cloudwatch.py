"""CloudWatch's metrics where moto's differ from AWS: raw data is kept, percentiles and math are computed.

Periods are the wall's here: only alarms and waits are compressed. What moto answers instead is shown by
``tests/rehearsal/test_cloudwatch.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from modelway.core.json import JsonObject
from modelway.rehearsal import alarms
from modelway.rehearsal.context import Context
from modelway.rehearsal.evaluation import Query, compute
from modelway.rehearsal.metric_math import NotRehearsedError, Series
from modelway.rehearsal.metrics import Metric, Point, Store, buckets, point, statistic
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.queries import metric_of, queries_of
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.wire import not_rehearsed

_PAGE = 500


def install(context: Context) -> None:
    """Replace operations of moto's CloudWatch, and start the evaluation of alarms."""
    for operation in (put_metric_data, get_metric_data, get_metric_statistics, list_metrics):
        setattr(CloudWatchResponse, operation.__name__, _method(operation))
    alarms.install(context)


def _method(
    operation: Callable[[Store, JsonObject], Mapping[str, object]],
) -> Callable[[CloudWatchResponse], ActionResult]:
    def answer(self: CloudWatchResponse) -> ActionResult:
        store = store_of(self.current_account, self.region)
        try:
            return ActionResult(operation(store, self.params))
        except NotRehearsedError as error:
            name = operation.__name__.title().replace("_", "")
            raise not_rehearsed("cloudwatch", name, str(error)) from error

    answer.__name__ = operation.__name__
    return answer


def put_metric_data(store: Store, asked: JsonObject) -> Mapping[str, object]:
    """PutMetricData."""
    namespace = str(asked["Namespace"])
    for datum in objects(asked.get("MetricData")):
        metric = metric_of({"Namespace": namespace, **datum})
        for each in _points(datum):
            store.put(metric, each)
    return {}


def get_metric_data(store: Store, asked: JsonObject) -> Mapping[str, object]:
    """GetMetricData: of each query its series, newest first unless asked otherwise."""
    start, end = _seconds(asked["StartTime"]), _seconds(asked["EndTime"])
    if start >= end:
        raise refusal("The parameter EndTime must be greater than StartTime.", "ValidationError")
    labels = {each["Id"]: each.get("Label") for each in objects(asked.get("MetricDataQueries"))}
    queries = queries_of(asked.get("MetricDataQueries"))
    newest_first = asked.get("ScanBy") != "TimestampAscending"
    answers = _answers(queries, store, start, end)
    results = [
        _result(str(labels[query.name] or query.name), query, answers[query.name], newest_first=newest_first)
        for query in queries
        if query.returned
    ]
    return {"MetricDataResults": results, "Messages": []}


def _answers(queries: Sequence[Query], store: Store, start: float, end: float) -> Mapping[str, Series]:
    """All queries over the longest period any of them asks for, as math needs one."""
    periods = {query.period for query in queries if query.metric is not None} or {60}
    if len(periods) > 1 and any(query.metric is None for query in queries):
        message = "metric math over different periods"
        raise NotRehearsedError(message)
    if len(periods) > 1:
        return {
            query.name: compute([query], store, list(buckets(start, end, query.period)), query.period)[
                query.name
            ]
            for query in queries
        }
    period = max(periods)
    return compute(queries, store, list(buckets(start, end, period)), period)


def _result(label: str, query: Query, answer: Series, *, newest_first: bool) -> Mapping[str, object]:
    starts = sorted(answer, reverse=newest_first)
    return {
        "Id": query.name,
        "Label": label,
        "Timestamps": [datetime.fromtimestamp(start, UTC) for start in starts],
        "Values": [answer[start] for start in starts],
        "StatusCode": "Complete",
    }


def get_metric_statistics(store: Store, asked: JsonObject) -> Mapping[str, object]:
    """GetMetricStatistics, percentiles included."""
    start, end = _seconds(asked["StartTime"]), _seconds(asked["EndTime"])
    plain, extended = _texts(asked.get("Statistics")), _texts(asked.get("ExtendedStatistics"))
    if start >= end:
        message = "The parameter StartTime must be less than the parameter EndTime."
        raise refusal(message, "InvalidParameterValue")
    if not plain and not extended:
        message = "Must specify either Statistics or ExtendedStatistics"
        raise refusal(message, "InvalidParameterCombination")
    period, points = _seconds(asked["Period"]), store.between(metric_of(asked), start, end)
    told = []
    for bucket in buckets(start, end, period):
        if inside := [each for each in points if bucket <= each.time < bucket + period]:
            found: dict[str, object] = {name: statistic(name, inside) for name in plain}
            if extended:
                found["ExtendedStatistics"] = {name: statistic(name, inside) for name in extended}
            told.append({"Timestamp": datetime.fromtimestamp(bucket, UTC), "Unit": inside[0].unit, **found})
    return {"Label": asked["MetricName"], "Datapoints": told}


def list_metrics(store: Store, asked: JsonObject) -> Mapping[str, object]:
    """ListMetrics, a page at a time."""
    wanted = objects(asked.get("Dimensions"))
    found = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
        }
        for metric in store.metrics()
        if asked.get("Namespace") in {None, metric.namespace}
        and asked.get("MetricName") in {None, metric.name}
        and all(_has(metric, each) for each in wanted)
    ]
    first = int(str(asked.get("NextToken") or 0))
    following = str(first + _PAGE) if first + _PAGE < len(found) else None
    return {"Metrics": found[first : first + _PAGE], **({"NextToken": following} if following else {})}


def _has(metric: Metric, wanted: JsonObject) -> bool:
    return any(
        name == wanted["Name"] and wanted.get("Value") in {None, value} for name, value in metric.dimensions
    )


def _points(datum: JsonObject) -> list[Point]:
    """The points of one MetricDatum: one value, several with counts, or statistics of many."""
    stamp = datum.get("Timestamp")
    moment = _seconds(stamp) if stamp else time.time()
    unit = str(datum.get("Unit") or "None")
    match datum:
        case {"Values": [*values]}:
            counts = datum.get("Counts")
            counted = counts if isinstance(counts, list) else [1.0] * len(values)
            pairs = zip(values, counted, strict=True)
            return [point(moment, _seconds(value), unit, _seconds(count)) for value, count in pairs]
        case {"StatisticValues": {"Minimum": low, "Maximum": high, "Sum": total, "SampleCount": count}}:
            low, high, total, count = (_seconds(each) for each in (low, high, total, count))
            return [Point(time=moment, low=low, high=high, total=total, count=count, unit=unit)]
        case _:
            return [point(moment, _seconds(datum.get("Value") or 0.0), unit)]


def _seconds(value: object) -> float:
    """A number, or a time as seconds since 1970: moto parses timestamps."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(str(value))


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
