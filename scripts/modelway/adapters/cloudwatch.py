"""What every target asks of CloudWatch alike: the alarms modelway made, and how often a model was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.config import AlarmMetric
from modelway.core.naming import alarm_name, version_name
from modelway.core.version import VersionId
from modelway.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_MINUTE = 60
_AT_ONCE = 100
"""Alarms one DeleteAlarms takes."""
_ANY = "0" * 12


def made_alarms(client: CloudWatchClient, pointer: str) -> tuple[str, ...]:
    """The alarms modelway made for versions behind a pointer, also of configs long gone.

    By name and by the description modelway writes: somebody else's of a like name stays out.
    """
    names = "|".join(
        re.escape(alarm_name(version_name(pointer, VersionId(_ANY)), metric)).replace(_ANY, "[0-9a-f]{12}")
        for metric in AlarmMetric
    )
    with translated(f"list the alarms of {pointer}", service="cloudwatch"):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{pointer}-", AlarmTypes=["MetricAlarm"]
        )
        found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return tuple(
        sorted(
            alarm["AlarmName"]
            for alarm in found
            if re.fullmatch(names, alarm["AlarmName"])
            and alarm.get("AlarmDescription", "").startswith("modelway: ")
        )
    )


def delete_alarms(client: CloudWatchClient, names: list[str]) -> None:
    """Delete alarms; those that are gone already are no error."""
    for at in range(0, len(names), _AT_ONCE):
        with translated("delete alarms", service="cloudwatch"):
            client.delete_alarms(AlarmNames=names[at : at + _AT_ONCE])


def total(
    client: CloudWatchClient,
    clock: Clock,
    metric: tuple[str, str],
    places: Iterable[Mapping[str, str]],
    seconds: float,
) -> int:
    """A count, as (namespace, name), added up over the last seconds and over sets of dimensions."""
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": f"place{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric[0],
                    "MetricName": metric[1],
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": _MINUTE,
                "Stat": "Sum",
            },
        }
        for number, dimensions in enumerate(places)
    ]
    if not queries:
        return 0
    with translated(f"read {metric[0]} {metric[1]}", service="cloudwatch"):
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=clock.ago(seconds), EndTime=clock.now()
        )
        return round(sum(sum(result["Values"]) for page in pages for result in page["MetricDataResults"]))
