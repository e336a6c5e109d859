"""The alarms that end a rollout: those somebody else keeps, and those modelway makes for a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelway.adapters.aws_errors import translated
from modelway.core.config import Alarm, AlarmMetric, CreatedAlarm, ExistingAlarm
from modelway.core.naming import alarm_name, version_name
from modelway.core.plan import Need, Obstacle
from modelway.core.version import VersionId
from modelway.targets.aws_lambda.measurement import dimensions_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

NEED = "alarm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """The alarms of one environment's rollout."""

    client: CloudWatchClient
    function: str
    wanted: Sequence[Alarm]

    def _name(self, alarm: Alarm, version: VersionId) -> str:
        match alarm:
            case ExistingAlarm(name=name):
                return name
            case CreatedAlarm(metric=metric):
                return alarm_name(version_name(self.function, version), metric)
            case _:
                assert_never(alarm)

    def look(self, version: VersionId) -> tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]:
        """What is missing, what is in the way, and which alarm is ringing."""
        if not self.wanted:
            return (), (), None
        names = {self._name(alarm, version): alarm for alarm in self.wanted}
        states = self._states(list(names))
        needs = tuple(
            # The alarm needs the number that publishing gives: making it stages the version, too.
            Need(
                id=f"{NEED}{alarm.metric}",
                words=f"publish version {version}, unless it is, and create the alarm {name}",
            )
            for name, alarm in names.items()
            if isinstance(alarm, CreatedAlarm) and name not in states
        )
        missing = tuple(
            Obstacle(
                what=f"the alarm {name} does not exist",
                seen=f"The rollout of {self.function} is to be stopped by it.",
                cure="Create it in this account and region, correct its name, or let modelway make one: "
                "alarms: [{metric: error_rate, above: 5}]",
            )
            for name, alarm in names.items()
            if isinstance(alarm, ExistingAlarm) and name not in states
        )
        ringing = [f"{name}: {reason}" for name, (state, reason) in states.items() if state == "ALARM"]
        rings = tuple(
            Obstacle(
                what=f"an alarm is already in ALARM: {text}",
                seen="The new version would be taken back at once.",
                cure="Wait until it is OK again, or correct the alarm.",
                by_config=False,
            )
            for text in ringing
        )
        return needs, (*missing, *rings), ringing[0] if ringing else None

    def _states(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """State and reason of the alarms there are; composite ones must be asked for."""
        with translated("read alarms", service="cloudwatch"):
            answer = self.client.describe_alarms(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        return {a["AlarmName"]: (a["StateValue"], a.get("StateReason", "")) for a in found}

    def make(self, need: str, version: VersionId, number: str, tags: dict[str, str]) -> None:
        """Create the alarm a need names; making it twice changes nothing."""
        metric = AlarmMetric(need.removeprefix(NEED))
        wanted = next(a for a in self.wanted if isinstance(a, CreatedAlarm) and a.metric is metric)
        name = self._name(wanted, version)
        with translated(f"create the alarm {name}", service="cloudwatch"):
            self.client.put_metric_alarm(
                AlarmName=name,
                AlarmDescription=f"modelway: {metric} of version {version} above {wanted.above:g}",
                Metrics=self._queries(metric, number, int(wanted.period.total_seconds())),
                EvaluationPeriods=wanted.datapoints,
                DatapointsToAlarm=wanted.datapoints,
                Threshold=wanted.above,  # Lambda's Duration is in milliseconds, as the config's
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",  # nothing is published without requests
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )

    def delete(self, version: VersionId) -> None:
        """Remove the alarms made for a version."""
        made = [self._name(a, version) for a in self.wanted if isinstance(a, CreatedAlarm)]
        if made:
            with translated(f"delete the alarms of version {version}", service="cloudwatch"):
                self.client.delete_alarms(AlarmNames=made)

    def _queries(self, metric: AlarmMetric, number: str, period: int) -> list[MetricDataQueryTypeDef]:
        """What the alarm computes, over this version's own share of the alias."""

        def query(id_: str, name: str, statistic: str, *, returned: bool) -> MetricDataQueryTypeDef:
            dimensions = dimensions_of(self.function, number)
            return {
                "Id": id_,
                "ReturnData": returned,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
                    "Period": period,
                    "Stat": statistic,
                },
            }

        match metric:
            case AlarmMetric.ERROR_RATE:
                return [
                    {"Id": "rate", "Expression": "100*FILL(errors,0)/requests", "ReturnData": True},
                    query("errors", "Errors", "Sum", returned=False),
                    query("requests", "Invocations", "Sum", returned=False),
                ]
            case AlarmMetric.LATENCY_P95:
                return [query("latency", "Duration", "p95", returned=True)]
            case _:
                assert_never(metric)
