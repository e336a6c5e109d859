"""CloudWatch in the rehearsal, and what moto answers by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, REGION, STAGING, Clients
from tests.rehearsal.models import checked, unique

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        DimensionTypeDef,
        MetricDataQueryTypeDef,
        MetricDataResultTypeDef,
    )

pytestmark = pytest.mark.rehearsal

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SPACE = "Test"
DIMENSIONS: list[DimensionTypeDef] = [{"Name": "EndpointName", "Value": "e"}]


@pytest.fixture(scope="module")
def ours(cloud: Cloud, clients: Clients) -> CloudWatchClient:
    session = clients.session(STAGING)
    return checked(session.client("cloudwatch", endpoint_url=cloud.endpoint, config=ONCE))


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWatchClient]:
    """What moto answers by itself, in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.client("cloudwatch", region_name=REGION)


def put(client: CloudWatchClient, name: str, *values: float, minute: int = 0) -> None:
    """Put values into a minute after noon."""
    stamp = NOON + timedelta(minutes=minute, seconds=5)
    datum = {"MetricName": name, "Dimensions": DIMENSIONS, "Timestamp": stamp, "Values": list(values)}
    client.put_metric_data(Namespace=SPACE, MetricData=[datum])  # type: ignore[list-item]  # as JSON


def stat(query: str, name: str, statistic: str, *, returned: bool = True) -> MetricDataQueryTypeDef:
    metric = {"Namespace": SPACE, "MetricName": name, "Dimensions": DIMENSIONS}
    asked = {"Metric": metric, "Period": 60, "Stat": statistic}
    return {"Id": query, "MetricStat": asked, "ReturnData": returned}  # type: ignore[typeddict-item]  # as JSON


def ask(client: CloudWatchClient, *queries: MetricDataQueryTypeDef) -> list[MetricDataResultTypeDef]:
    """Ask about the hour after noon."""
    hour = NOON + timedelta(hours=1)
    answer = client.get_metric_data(StartTime=NOON, EndTime=hour, MetricDataQueries=queries)
    return answer["MetricDataResults"]


def test_percentiles(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto says the values are ``null``; its server answers 500."""
    name = unique("latency")
    for client in (ours, theirs):
        put(client, name, *range(1, 101))
    assert ask(ours, stat("p", name, "p99"))[0]["Values"] == [pytest.approx(99.01)]
    with pytest.raises(TypeError):
        ask(theirs, stat("p", name, "p99"))


def test_percentiles_of_statistics(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto leaves them out."""
    name = unique("latency")
    for client, expected in ((ours, {"p50": 50.5}), (theirs, None)):
        put(client, name, *range(1, 101))
        answer = client.get_metric_statistics(
            Namespace=SPACE,
            MetricName=name,
            Dimensions=DIMENSIONS,
            StartTime=NOON,
            EndTime=NOON + timedelta(hours=1),
            Period=60,
            Statistics=["Average"],
            ExtendedStatistics=["p50"],
        )
        assert answer["Datapoints"][0]["Average"] == 50.5
        assert answer["Datapoints"][0].get("ExtendedStatistics") == expected


def test_metric_math(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto evaluates nothing but a bare id."""
    errors, requests = unique("errors"), unique("requests")
    rate: MetricDataQueryTypeDef = {"Id": "rate", "Expression": "100*FILL(e,0)/r"}
    queries = (rate, stat("e", errors, "Sum", returned=False), stat("r", requests, "Sum", returned=False))
    for client in (ours, theirs):
        put(client, errors, 1, 1)
        put(client, requests, 25, 25)
        put(client, requests, 10, minute=1)
    (result,) = ask(ours, *queries)
    assert (result["Id"], result["Values"], result["StatusCode"]) == ("rate", [0, 4], "Complete")
    assert result["Timestamps"] == [NOON + timedelta(minutes=1), NOON]
    assert ask(theirs, *queries)[0]["Values"] == []


def test_math_that_is_not_rehearsed_is_said_at_once(ours: CloudWatchClient) -> None:
    band: MetricDataQueryTypeDef = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(e)"}
    with pytest.raises(ClientError, match="ANOMALY_DETECTION_BAND") as caught:
        ask(ours, band, stat("e", unique("errors"), "Sum"))
    assert caught.value.response["Error"]["Code"] == "NotRehearsed"
    assert "cloudwatch:GetMetricData" in str(caught.value)


def test_dimensions_are_matched_exactly(ours: CloudWatchClient) -> None:
    """One more dimension is another metric."""
    name = unique("requests")
    more = [*DIMENSIONS, {"Name": "EndpointConfigName", "Value": "c"}]
    datum = {"MetricName": name, "Dimensions": more, "Timestamp": NOON, "Value": 1.0}
    ours.put_metric_data(Namespace=SPACE, MetricData=[datum])  # type: ignore[list-item]  # as JSON
    assert ask(ours, stat("r", name, "Sum"))[0]["Values"] == []
    listed = ours.list_metrics(Namespace=SPACE, MetricName=name, Dimensions=[{"Name": "EndpointName"}])[
        "Metrics"
    ]
    assert [len(metric["Dimensions"]) for metric in listed] == [2]


def put_alarm(client: CloudWatchClient, metric: str = "nothing", /, **changes: object) -> str:
    """An alarm on a sum above five in a minute, which passes in a second here."""
    asked: dict[str, object] = {
        "AlarmName": unique("alarm"),
        "Namespace": SPACE,
        "MetricName": metric,
        "Dimensions": DIMENSIONS,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **changes,
    }
    given = {key: value for key, value in asked.items() if value is not None}
    client.put_metric_alarm(**given)  # type: ignore[arg-type]  # as JSON
    return str(asked["AlarmName"])


def state_of(client: CloudWatchClient, name: str) -> str:
    return client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def wait_for(client: CloudWatchClient, name: str, state: str, keep: Callable[[], object] = int) -> None:
    """Wait for a state, doing something meanwhile."""
    end = time.monotonic() + 60
    while state_of(client, name) != state:
        assert time.monotonic() < end, f"{name} is {state_of(client, name)}, not {state}"
        keep()
        time.sleep(0.1)


def test_an_alarm_starts_without_data(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto's starts OK."""
    assert state_of(ours, put_alarm(ours)) == "INSUFFICIENT_DATA"
    assert state_of(theirs, put_alarm(theirs)) == "OK"


def test_an_alarm_follows_its_metric(ours: CloudWatchClient) -> None:
    """moto's never move."""
    metric = unique("errors")
    name = put_alarm(ours, metric, TreatMissingData="notBreaching")
    wait_for(ours, name, "OK")

    def fail() -> None:
        datum = {"MetricName": metric, "Dimensions": DIMENSIONS, "Value": 9.0}
        ours.put_metric_data(Namespace=SPACE, MetricData=[datum])  # type: ignore[list-item]  # as JSON

    wait_for(ours, name, "ALARM", fail)
    wait_for(ours, name, "OK")
    items = ours.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    summaries = [item["HistorySummary"] for item in items]
    assert summaries[:2] == ["Alarm updated from ALARM to OK", "Alarm updated from OK to ALARM"]


def test_an_alarm_on_math_follows_it(ours: CloudWatchClient) -> None:
    requests, errors = unique("requests"), unique("errors")
    metrics = [
        {"Id": "rate", "Expression": "100*FILL(e,0)/r"},
        stat("e", errors, "Sum", returned=False),
        stat("r", requests, "Sum", returned=False),
    ]
    name = unique("alarm")
    ours.put_metric_alarm(
        AlarmName=name,
        Metrics=metrics,  # type: ignore[arg-type]  # as JSON
        EvaluationPeriods=1,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
    )

    def use() -> None:
        data = [(requests, 10.0), (errors, 1.0)]
        ours.put_metric_data(
            Namespace=SPACE,
            MetricData=[{"MetricName": m, "Dimensions": DIMENSIONS, "Value": v} for m, v in data],
        )

    wait_for(ours, name, "ALARM", use)


def test_an_update_of_an_alarm_keeps_its_state(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto starts again."""
    for client, state in ((ours, "ALARM"), (theirs, "OK")):
        name = put_alarm(client, TreatMissingData="ignore")
        client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
        put_alarm(client, AlarmName=name, TreatMissingData="ignore", Threshold=7.0)
        assert state_of(client, name) == state
        assert client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["Threshold"] == 7.0


def test_a_state_set_by_hand_lasts_until_the_next_evaluation(ours: CloudWatchClient) -> None:
    """As AWS documents for metric alarms (SetAlarmState)."""
    name = put_alarm(ours, TreatMissingData="notBreaching")
    wait_for(ours, name, "OK")
    ours.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    wait_for(ours, name, "OK")


def test_alarms_are_filtered_by_everything_at_once(ours: CloudWatchClient, theirs: CloudWatchClient) -> None:
    """moto looks at one filter only, and at no page."""
    for client, found in ((ours, [[1], [1]]), (theirs, [[2]])):
        prefix = unique("prefix")
        for number in range(2):
            put_alarm(client, AlarmName=f"{prefix}-{number}", TreatMissingData="ignore")
        put_alarm(client, AlarmName=f"{prefix}-x", TreatMissingData="notBreaching")
        client.set_alarm_state(AlarmName=f"{prefix}-x", StateValue="ALARM", StateReason="test")
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=[f"{prefix}-0", f"{prefix}-1"],
            AlarmTypes=["MetricAlarm"],
            PaginationConfig={"PageSize": 1},
        )
        assert [[len(page["MetricAlarms"])] for page in pages] == found
        client.delete_alarms(AlarmNames=[f"{prefix}-0", f"{prefix}-1", f"{prefix}-x"])


UNTAKEN: dict[str, dict[str, object]] = {
    "tm90": {"Statistic": None, "ExtendedStatistic": "tm90"},
    "one period": {"Period": 45},
    "ThresholdMetricId": {"ThresholdMetricId": "band"},
}


@pytest.mark.parametrize("message", UNTAKEN)
def test_an_alarm_of_another_kind_is_not_taken(ours: CloudWatchClient, message: str) -> None:
    """It would never ring."""
    with pytest.raises(ClientError, match=message):
        put_alarm(ours, **UNTAKEN[message])


def test_an_alarm_that_cannot_be_evaluated_is_not_taken(ours: CloudWatchClient) -> None:
    metrics = [{"Id": "a", "Expression": "RATE(e)"}, stat("e", "errors", "Sum", returned=False)]
    with pytest.raises(ClientError, match=r"RATE\(e\)") as caught:
        ours.put_metric_alarm(
            AlarmName=unique("alarm"),
            Metrics=metrics,  # type: ignore[arg-type]  # as JSON
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
    assert caught.value.response["Error"]["Code"] == "NotRehearsed"


def test_a_deleted_alarm_is_gone(ours: CloudWatchClient) -> None:
    name = put_alarm(ours)
    ours.delete_alarms(AlarmNames=[name])
    assert ours.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []
