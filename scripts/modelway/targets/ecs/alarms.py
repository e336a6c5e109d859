"""The alarms that stop a release: somebody else's, and those made over a version's own target group.

ECS ignores all alarms of a deployment for its whole length if one of them is in ALARM when it begins
(docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html): then it must not begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelway.adapters.aws_errors import translated
from modelway.core.config import Alarm, AlarmMetric, CreatedAlarm, ExistingAlarm
from modelway.core.naming import alarm_name
from modelway.core.plan import Need, Obstacle
from modelway.targets.ecs import metrics

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_NEED = "alarm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one alarm says."""

    state: str
    reason: str = ""
    target_groups: frozenset[str] = frozenset()
    """The target groups it watches, as their metrics' dimension names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """The alarms of one environment's rollout."""

    client: CloudWatchClient
    service: str
    wanted: Sequence[Alarm]

    def names(self, version_name: str) -> tuple[str, ...]:
        """What they are called for a version."""
        return tuple(self._name(alarm, version_name) for alarm in self.wanted)

    def _name(self, alarm: Alarm, version_name: str) -> str:
        match alarm:
            case ExistingAlarm(name=name):
                return name
            case CreatedAlarm(metric=metric):
                return alarm_name(version_name, metric)
            case _:
                assert_never(alarm)

    def look(
        self, version_name: str, watched: Mapping[str, str] | None
    ) -> tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]:
        """What is missing, what is in the way, and which alarm is ringing.

        ``watched`` are the dimensions of the target group the version has or will have: blue and green change
        places, so an alarm of an earlier attempt may watch the other one.
        """
        if not self.wanted:
            return (), (), None
        heard = self._hear(self.names(version_name))
        needs = tuple(
            Need(
                id=f"{_NEED}{alarm.metric}",
                words=f"create the alarm {self._name(alarm, version_name)}",
            )
            for alarm in self.wanted
            if isinstance(alarm, CreatedAlarm)
            and not _watches(heard.get(self._name(alarm, version_name)), watched)
        )
        missing = tuple(
            Obstacle(
                what=f"the alarm {alarm.name} does not exist",
                seen=f"The rollout of {self.service} is to be stopped by it.",
                cure="Create it in this account and region, correct its name, or let modelway make one: "
                "alarms: [{metric: error_rate, above: 5}]",
            )
            for alarm in self.wanted
            if isinstance(alarm, ExistingAlarm) and alarm.name not in heard
        )
        ringing = [f"{name}: {one.reason}" for name, one in heard.items() if one.state == "ALARM"]
        rings = tuple(
            Obstacle(
                what=f"an alarm is already in ALARM: {text}",
                seen="ECS would ignore every alarm for this whole deployment.",
                cure="Wait until it is OK again, or correct the alarm.",
                by_config=False,
            )
            for text in ringing
        )
        return needs, (*missing, *rings), ringing[0] if ringing else None

    def _hear(self, names: Sequence[str]) -> dict[str, Heard]:
        """The alarms there are; composite ones must be asked for."""
        with translated("read alarms", service="cloudwatch"):
            answer = self.client.describe_alarms(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        heard = {
            alarm["AlarmName"]: Heard(
                state=alarm["StateValue"],
                reason=alarm.get("StateReason", ""),
                target_groups=frozenset(
                    dimension["Value"]
                    for one in alarm.get("Metrics", [])
                    for dimension in one.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
                    if dimension["Name"] == "TargetGroup"
                ),
            )
            for alarm in answer.get("MetricAlarms", [])
        }
        return heard | {
            alarm["AlarmName"]: Heard(state=alarm["StateValue"], reason=alarm.get("StateReason", ""))
            for alarm in answer.get("CompositeAlarms", [])
        }

    def make(self, need: str, version_name: str, watched: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Create the alarm a need names; making it twice changes nothing."""
        metric = AlarmMetric(need.removeprefix(_NEED))
        wanted = next(a for a in self.wanted if isinstance(a, CreatedAlarm) and a.metric is metric)
        name = alarm_name(version_name, metric)
        with translated(f"create the alarm {name}", service="cloudwatch"):
            self.client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"modelway: {metric} of {version_name} above {wanted.above:g}",
                Metrics=_queries(metric, watched, int(wanted.period.total_seconds())),
                EvaluationPeriods=wanted.datapoints,
                DatapointsToAlarm=wanted.datapoints,
                # The config's milliseconds are the load balancer's seconds.
                Threshold=wanted.above if metric is AlarmMetric.ERROR_RATE else wanted.above / 1000,
                ComparisonOperator="GreaterThanThreshold",
                # Error counts are published only when there are errors, and nothing without requests.
                TreatMissingData="notBreaching",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )

    def delete(self, version_name: str) -> None:
        """Remove the alarms made for a version."""
        made = [self._name(a, version_name) for a in self.wanted if isinstance(a, CreatedAlarm)]
        if made:
            with translated(f"delete the alarms of {version_name}", service="cloudwatch"):
                self.client.delete_alarms(AlarmNames=made)


def _watches(heard: Heard | None, watched: Mapping[str, str] | None) -> bool:
    """Whether an alarm is there and looks at the target group it should."""
    return heard is not None and (watched is None or heard.target_groups == {watched["TargetGroup"]})


def _queries(metric: AlarmMetric, watched: Mapping[str, str], period: int) -> list[MetricDataQueryTypeDef]:
    """What the alarm computes, over the version's own target group only.

    So errors of the version in service do not ring it while the two are in different groups.
    """
    match metric:
        case AlarmMetric.ERROR_RATE:
            return [
                {"Id": "rate", "Expression": "100*FILL(errors,0)/requests", "ReturnData": True},
                {**metrics.query("errors", metrics.ERRORS, "Sum", period, watched), "ReturnData": False},
                {**metrics.query("requests", metrics.REQUESTS, "Sum", period, watched), "ReturnData": False},
            ]
        case AlarmMetric.LATENCY_P95:
            return [{**metrics.query("latency", metrics.LATENCY, "p95", period, watched), "ReturnData": True}]
        case _:
            assert_never(metric)
