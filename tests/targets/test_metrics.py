"""A version's metrics on each platform: one unit of time, the same minutes, and no answer is no zero."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.core.analysis import Sample
from modelway.core.config import AlarmMetric, CreatedAlarm
from modelway.errors import NotEvaluated
from modelway.targets.aws_lambda.alarms import PLATFORM as LAMBDA
from modelway.targets.ecs.alarms import PLATFORM as ECS
from modelway.targets.sagemaker.alarms import PLATFORM as SAGEMAKER
from modelway.targets.shared.metrics import Measurement
from modelway.targets.shared.rollout_alarms import Platform, RolloutAlarms
from tests.fakes import FakeClock

QUARTER = {SAGEMAKER.metrics.platform: 250_000.0, LAMBDA.metrics.platform: 250.0, ECS.metrics.platform: 0.25}
"""250 ms as CloudWatch has them: microseconds of ModelLatency, ms of Duration, s of TargetResponseTime."""
PLATFORMS = [SAGEMAKER, LAMBDA, ECS]


class CloudWatch:
    """Answers each query with these values, and remembers what it was asked."""

    def __init__(self, values: dict[str, list[float]] | None = None, **statuses: str) -> None:
        self.values, self.statuses = values or {}, statuses
        self.alarm: dict[str, Any] = {}
        self.queries: dict[str, Any] = {}

    def put_metric_alarm(self, **asked: object) -> None:
        self.alarm = asked

    def describe_alarms(self, **_: object) -> dict[str, Any]:
        return {"MetricAlarms": [{**self.alarm, "StateValue": "OK"}] if self.alarm else []}

    def get_paginator(self, _: str) -> CloudWatch:
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as boto3 takes it
        self.queries = {query["Id"]: query["MetricStat"] for query in asked["MetricDataQueries"]}
        results = [
            {"Id": id_, "StatusCode": self.statuses.get(id_, "Complete"), "Values": self.values.get(id_, [])}
            for id_ in self.queries
        ]
        return [{"MetricDataResults": results[:2]}, {"MetricDataResults": results[2:]}]


def made(platform: Platform, metric: AlarmMetric, above: float) -> dict[str, Any]:
    """The alarm that is made for a limit."""
    cloudwatch = CloudWatch()
    wanted = [CreatedAlarm(metric=metric, above=above, period=timedelta(minutes=1))]
    alarms = RolloutAlarms(client=cloudwatch, pointer="iris", wanted=wanted, platform=platform)  # type: ignore[arg-type] # as little of a client as is needed
    alarms.make(f"alarm:{metric}", "iris-production-0a1b2c3d4e5f", {"b": "2", "a": "1"}, {"owner": "ml"})
    return cloudwatch.alarm


def compared(platform: Platform, client: CloudWatch) -> tuple[Sample, Sample]:
    """Two versions over ten minutes."""
    measurement = Measurement(client=client, metrics=platform.metrics, clock=FakeClock())  # type: ignore[arg-type] # as above
    return measurement.compare({"version": "new"}, {"version": "old"}, 600)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.metrics.namespace)
def test_a_limit_in_milliseconds_is_an_alarm_s_in_the_platform_s_unit(platform: Platform) -> None:
    alarm = made(platform, AlarmMetric.LATENCY_P95, 250)
    assert alarm["Threshold"] == QUARTER[platform.metrics.platform]
    [query] = alarm["Metrics"]
    assert query["MetricStat"]["Stat"] == "p95"
    assert query["MetricStat"]["Metric"]["Dimensions"] == [
        {"Name": "a", "Value": "1"},
        {"Name": "b", "Value": "2"},
    ]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.metrics.namespace)
def test_a_limit_in_percent_has_no_unit_of_time(platform: Platform) -> None:
    alarm = made(platform, AlarmMetric.ERROR_RATE, 5)
    assert alarm["Threshold"] == 5
    assert [query["Id"] for query in alarm["Metrics"] if query["ReturnData"]] == ["rate"]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.metrics.namespace)
@pytest.mark.parametrize("changed", [{"above": 9.1}, {"datapoints": 2}, {"period": timedelta(minutes=5)}])
def test_an_alarm_gets_the_limit_the_config_says_now(platform: Platform, changed: dict[str, Any]) -> None:
    """One of an attempt before, which a limit too strict had ended, would end the next one, too."""
    name, cloudwatch = "iris-production-0a1b2c3d4e5f", CloudWatch()

    def alarms(wanted: CreatedAlarm) -> RolloutAlarms:
        return RolloutAlarms(client=cloudwatch, pointer="iris", wanted=[wanted], platform=platform)  # type: ignore[arg-type] # as above

    for metric in AlarmMetric:
        before = CreatedAlarm(metric=metric, above=9, period=timedelta(minutes=1))
        for wanted in (before, replace(before, **changed)):
            [need] = alarms(wanted).look(name)[0]
            alarms(wanted).make(need.id, name, {"a": "1"}, {})
            assert alarms(wanted).look(name)[0] == ()


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.metrics.namespace)
def test_latencies_are_compared_in_seconds(platform: Platform) -> None:
    quarter = QUARTER[platform.metrics.platform]
    values = {
        "candidate_requests": [3.0, 4.0],
        "candidate_errors": [1.0],
        "candidate_answered0": [6.0],
        "candidate_latency": [quarter, 2 * quarter],
        "baseline_requests": [90.0],
        "baseline_answered0": [90.0],
    }
    candidate, baseline = compared(platform, CloudWatch(values))
    assert candidate == Sample(requests=7, errors=1, latency_p95=0.5)
    assert baseline == Sample(requests=90, errors=0, latency_p95=None)


def test_requests_a_target_never_answered_failed() -> None:
    """A version that hangs is no 5xx of its target group: the load balancer answers 504 in its place."""
    values = {
        "candidate_requests": [60.0, 40.0],
        "candidate_answered0": [50.0, 30.0],
        "candidate_answered2": [5.0],
        "candidate_errors": [1.0],
        "baseline_requests": [90.0],
        "baseline_answered0": [91.0],
    }
    candidate, baseline = compared(ECS, CloudWatch(values))
    assert (candidate.errors, baseline.errors) == (15, 0)
    assert compared(LAMBDA, CloudWatch(values))[0].errors == 1


def test_a_percentile_is_one_of_the_whole_span() -> None:
    """Those of its minutes cannot be added up."""
    client = CloudWatch()
    compared(LAMBDA, client)
    assert {id_: query["Period"] for id_, query in client.queries.items() if id_.startswith("candidate")} == {
        "candidate_requests": 60,
        "candidate_errors": 60,
        "candidate_latency": 600,
    }
    assert client.queries["baseline_errors"]["Metric"]["Dimensions"] == [{"Name": "version", "Value": "old"}]


def test_what_was_not_told_of_the_answered_is_no_answer() -> None:
    with pytest.raises(NotEvaluated):
        compared(ECS, CloudWatch(candidate_answered0="InternalError"))


@pytest.mark.parametrize("platform", [LAMBDA, ECS], ids=lambda each: each.metrics.namespace)
@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_errors_nobody_could_count_are_not_none(platform: Platform, status: str) -> None:
    """Otherwise a candidate whose errors CloudWatch did not tell would pass."""
    with pytest.raises(NotEvaluated, match=platform.metrics.platform) as told:
        compared(platform, CloudWatch(candidate_errors=status))
    assert told.value.seen == f"candidate_errors: {status}"


def test_what_goes_on_on_the_next_page_is_counted() -> None:
    values = {"candidate_requests": [3.0]}
    candidate, _ = compared(ECS, CloudWatch(values, candidate_requests="PartialData"))
    assert candidate.requests == 3
