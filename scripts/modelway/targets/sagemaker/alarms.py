"""The alarms that stop a rollout: those somebody else keeps, and those modelway makes for a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from modelway.adapters.aws_errors import translated
from modelway.core.config import Alarm, AlarmMetric, CreatedAlarm, ExistingAlarm
from modelway.core.naming import alarm_name
from modelway.core.plan import Need, Obstacle
from modelway.targets.sagemaker.settings import VARIANT

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

_NEED = "alarm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """The alarms of one environment's rollout."""

    client: CloudWatchClient
    endpoint: str
    wanted: Sequence[Alarm]

    def names(self, config_name: str) -> tuple[str, ...]:
        """What they are called for the version with this endpoint config."""
        return tuple(self._name(alarm, config_name) for alarm in self.wanted)

    def _name(self, alarm: Alarm, config_name: str) -> str:
        match alarm:
            case ExistingAlarm(name=name):
                return name
            case CreatedAlarm(metric=metric):
                return alarm_name(config_name, metric)
            case _:
                assert_never(alarm)

    def look(self, config_name: str) -> tuple[tuple[Need, ...], tuple[Obstacle, ...], str | None]:
        """What is missing, what is in the way, and which alarm is ringing."""
        if not self.wanted:
            return (), (), None
        states = self._states(self.names(config_name))
        needs = tuple(
            Need(
                id=f"{_NEED}{alarm.metric}",
                words=f"create the alarm {self._name(alarm, config_name)}",
            )
            for alarm in self.wanted
            if isinstance(alarm, CreatedAlarm) and self._name(alarm, config_name) not in states
        )
        missing = tuple(
            Obstacle(
                what=f"the alarm {alarm.name} does not exist",
                seen=f"The rollout of {self.endpoint} is to be stopped by it.",
                cure="Create it in this account and region, correct its name, or let modelway make one: "
                "alarms: [{metric: error_rate, above: 5}]",
            )
            for alarm in self.wanted
            if isinstance(alarm, ExistingAlarm) and alarm.name not in states
        )
        ringing = [f"{name}: {reason}" for name, (state, reason) in states.items() if state == "ALARM"]
        rings = tuple(
            Obstacle(
                what=f"an alarm is already in ALARM: {text}",
                seen="SageMaker would take the new version back at once.",
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

    def make(self, need: str, config_name: str, tags: dict[str, str]) -> None:
        """Create the alarm a need names; making it twice changes nothing."""
        metric = AlarmMetric(need.removeprefix(_NEED))
        wanted = next(a for a in self.wanted if isinstance(a, CreatedAlarm) and a.metric is metric)
        period = int(wanted.period.total_seconds())
        with translated(f"create the alarm {alarm_name(config_name, metric)}", service="cloudwatch"):
            self.client.put_metric_alarm(
                AlarmName=alarm_name(config_name, metric),
                AlarmDescription=f"modelway: {metric} of {config_name} above {wanted.above:g}",
                Metrics=self._queries(metric, config_name, period),
                EvaluationPeriods=wanted.datapoints,
                DatapointsToAlarm=wanted.datapoints,
                Threshold=wanted.above if metric is AlarmMetric.ERROR_RATE else wanted.above * 1000,
                ComparisonOperator="GreaterThanThreshold",
                # Error counts are published only when there are errors, and nothing without requests.
                TreatMissingData="notBreaching",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )

    def delete(self, config_name: str) -> None:
        """Remove the alarms made for a version."""
        made = [self._name(a, config_name) for a in self.wanted if isinstance(a, CreatedAlarm)]
        if made:
            with translated(f"delete the alarms of {config_name}", service="cloudwatch"):
                self.client.delete_alarms(AlarmNames=made)

    def _queries(self, metric: AlarmMetric, config_name: str, period: int) -> list[MetricDataQueryTypeDef]:
        """What the alarm computes, over the version's own fleet only.

        During and after a guarded update SageMaker publishes the new fleet's metrics under the
        endpoint config's name too, so errors of the version in service do not ring it.
        """
        dimensions: list[DimensionTypeDef] = [
            {"Name": "EndpointName", "Value": self.endpoint},
            {"Name": "VariantName", "Value": VARIANT},
            {"Name": "EndpointConfigName", "Value": config_name},
        ]

        def query(id_: str, name: str, statistic: str, *, returned: bool) -> MetricDataQueryTypeDef:
            return {
                "Id": id_,
                "ReturnData": returned,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions},
                    "Period": period,
                    "Stat": statistic,
                },
            }

        match metric:
            case AlarmMetric.ERROR_RATE:
                return [
                    {"Id": "rate", "Expression": "100*FILL(errors,0)/requests", "ReturnData": True},
                    query("errors", "Invocation5XXErrors", "Sum", returned=False),
                    query("requests", "Invocations", "Sum", returned=False),
                ]
            case AlarmMetric.LATENCY_P95:
                # Microseconds: AWS/SageMaker ModelLatency.
                return [query("latency", "ModelLatency", "p95", returned=True)]
            case _:
                assert_never(metric)
