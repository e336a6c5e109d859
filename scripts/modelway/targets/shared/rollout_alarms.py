"""The alarms that stop a rollout: those somebody else keeps, and those modelway makes for a version.

What a platform measures differs; that an alarm must be there and must not ring already does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelway.adapters.aws_errors import translated
from modelway.core.config import Alarm, AlarmMetric, CreatedAlarm, ExistingAlarm
from modelway.core.naming import alarm_name
from modelway.core.plan import Need, Obstacle

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        CompositeAlarmTypeDef,
        MetricAlarmTypeDef,
    )

    from modelway.targets.shared.metrics import Metrics

    Looked = tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]

NEED = "alarm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What is a platform's own about its alarms."""

    seen: str
    """What it would do with a release that begins while an alarm is in ALARM."""
    metrics: Metrics
    making: str = "create the alarm {name}"
    """What a plan says of making one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutAlarms:
    """The alarms of one environment's rollout. A version is named as its resources: ``iris-staging-<id>``."""

    client: CloudWatchClient
    pointer: str
    wanted: Sequence[Alarm]
    platform: Platform

    def names(self, version: str) -> tuple[str, ...]:
        """What they are called for a version."""
        return tuple(_name(alarm, version) for alarm in self.wanted)

    def look(self, version: str, *, watches: Callable[[MetricAlarmTypeDef], bool] = lambda _: True) -> Looked:
        """What is missing, what is in the way, and which alarm is ringing.

        ``watches`` says whether an alarm of ours that is there watches what it should.
        """
        if not self.wanted:
            return (), (), None
        metric, composite = self._there(self.names(version))
        right = {name: alarm for name, alarm in metric.items() if watches(alarm)}
        needs = tuple(
            Need(id=f"{NEED}{alarm.metric}", words=self.platform.making.format(name=_name(alarm, version)))
            for alarm in self.wanted
            if isinstance(alarm, CreatedAlarm) and not self._rings_as(alarm, right.get(_name(alarm, version)))
        )
        ringing = [
            f"{alarm['AlarmName']}: {alarm.get('StateReason', '')}"
            for alarm in (*metric.values(), *composite.values())
            if alarm["StateValue"] == "ALARM"
        ]
        obstacles = (*self._missing({*metric, *composite}), *map(self._rings, ringing))
        return needs, obstacles, ringing[0] if ringing else None

    def _rings_as(self, wanted: CreatedAlarm, found: MetricAlarmTypeDef | None) -> bool:
        """Whether an alarm of ours is there and has the limit that the config says now."""
        if found is None:
            return False
        limit = self.platform.metrics.threshold(wanted.metric, wanted.above)
        periods = {one["MetricStat"]["Period"] for one in found.get("Metrics", []) if "MetricStat" in one}
        return (
            math.isclose(found.get("Threshold", math.nan), limit)
            and found.get("EvaluationPeriods") == wanted.datapoints
            and periods == {int(wanted.period.total_seconds())}
        )

    def _there(
        self, names: Sequence[str]
    ) -> tuple[dict[str, MetricAlarmTypeDef], dict[str, CompositeAlarmTypeDef]]:
        """The alarms there are; composite ones must be asked for."""
        with translated("read alarms", service="cloudwatch"):
            answer = self.client.describe_alarms(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        return (
            {alarm["AlarmName"]: alarm for alarm in answer.get("MetricAlarms", [])},
            {alarm["AlarmName"]: alarm for alarm in answer.get("CompositeAlarms", [])},
        )

    def _missing(self, there: set[str]) -> Iterable[Obstacle]:
        for alarm in self.wanted:
            if isinstance(alarm, ExistingAlarm) and alarm.name not in there:
                yield Obstacle(
                    what=f"the alarm {alarm.name} does not exist",
                    seen=f"The rollout of {self.pointer} is to be stopped by it.",
                    cure="Create it in this account and region, correct its name, or let modelway make one: "
                    "alarms: [{metric: error_rate, above: 5}]",
                )

    def _rings(self, text: str) -> Obstacle:
        return Obstacle(
            what=f"an alarm is already in ALARM: {text}",
            seen=self.platform.seen,
            cure="Wait until it is OK again, or correct the alarm.",
            by_config=False,
        )

    def make(self, need: str, version: str, watched: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Create the alarm a need names over the dimensions; making it twice changes nothing."""
        metric = AlarmMetric(need.removeprefix(NEED))
        wanted = next(a for a in self.wanted if isinstance(a, CreatedAlarm) and a.metric is metric)
        name, metrics = alarm_name(version, metric), self.platform.metrics
        with translated(f"create the alarm {name}", service="cloudwatch"):
            self.client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"modelway: {metric} of {version} above {wanted.above:g}",
                Metrics=metrics.alarm(metric, int(wanted.period.total_seconds()), watched),
                EvaluationPeriods=wanted.datapoints,
                DatapointsToAlarm=wanted.datapoints,
                Threshold=metrics.threshold(metric, wanted.above),
                ComparisonOperator="GreaterThanThreshold",
                # Error counts are published only when there are errors, and nothing without requests.
                TreatMissingData="notBreaching",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )

    def delete(self, version: str) -> None:
        """Remove the alarms made for a version."""
        made = [_name(alarm, version) for alarm in self.wanted if isinstance(alarm, CreatedAlarm)]
        if made:
            with translated(f"delete the alarms of {version}", service="cloudwatch"):
                self.client.delete_alarms(AlarmNames=made)


def _name(alarm: Alarm, version: str) -> str:
    match alarm:
        case ExistingAlarm(name=name):
            return name
        case CreatedAlarm(metric=metric):
            return alarm_name(version, metric)
        case _:
            assert_never(alarm)
