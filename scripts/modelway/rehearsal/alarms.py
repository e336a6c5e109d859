"""CloudWatch alarms that really evaluate, their periods compressed by the clock factor.

Alarms do nothing but change state: no action is carried out. Deployment guardrails read the state.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import floor
from threading import Event, Thread

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from modelway.core.json import JsonObject
from modelway.rehearsal.context import Context
from modelway.rehearsal.evaluation import Rule, Verdict, look
from modelway.rehearsal.metric_math import NotRehearsedError
from modelway.rehearsal.metrics import Store, point, statistic
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.queries import rule_of
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.wire import not_rehearsed

_LOOK_EVERY = 0.1
_STATES = ("INSUFFICIENT_DATA", "ALARM", "OK")
_PAGE = 50


@dataclass(slots=True, kw_only=True)
class Alarm:
    """moto keeps it in its dictionary of alarms, and deletes and disables it by the public names here."""

    name: str
    alarm_arn: str
    request: JsonObject
    """PutMetricAlarm's parameters."""
    rule: Rule
    actions_enabled: bool = True
    state_value: str = "INSUFFICIENT_DATA"
    state_reason: str = "Unchecked: Initial alarm creation"
    state_reason_data: str = "{}"
    state_updated: datetime = field(default_factory=utcnow)
    configured: datetime = field(default_factory=utcnow)
    history: list[Mapping[str, object]] = field(default_factory=list)
    looked_at: int = -1

    def update_state(self, reason: str, reason_data: str, state_value: str) -> None:
        """Enter a state, and remember it."""
        if state_value != self.state_value:
            self._remember("StateUpdate", f"Alarm updated from {self.state_value} to {state_value}")
        self.state_reason, self.state_reason_data = reason, reason_data
        self.state_value, self.state_updated = state_value, utcnow()

    def reconfigured(self) -> None:
        """Remember that PutMetricAlarm was called."""
        self._remember("ConfigurationUpdate", f'Alarm "{self.name}" created or updated')

    def evaluate(self, store: Store, now: float) -> None:
        """Look once a period: a state set by hand lasts until then, as on AWS."""
        index = floor(now / self.rule.period)
        if index == self.looked_at:
            return
        self.looked_at = index
        verdict = look(self.rule, store, now)
        if verdict.state not in {None, self.state_value}:
            self.update_state(
                _reason(self.rule, verdict),
                json.dumps({"recentDatapoints": verdict.values}),
                str(verdict.state),
            )

    def describe(self) -> Mapping[str, object]:
        """As in DescribeAlarms."""
        asked = {name: value for name, value in self.request.items() if name != "Tags"}
        lists = {
            name: asked.get(name) or [] for name in ("OKActions", "AlarmActions", "InsufficientDataActions")
        }
        return {
            **asked,
            **lists,
            "Dimensions": asked.get("Dimensions") or [],
            "AlarmArn": self.alarm_arn,
            "ActionsEnabled": self.actions_enabled,
            "AlarmConfigurationUpdatedTimestamp": self.configured,
            "StateValue": self.state_value,
            "StateReason": self.state_reason,
            "StateReasonData": self.state_reason_data,
            "StateUpdatedTimestamp": self.state_updated,
            "StateTransitionedTimestamp": self.state_updated,
        }

    def _remember(self, kind: str, summary: str) -> None:
        self.history.append(
            {
                "AlarmName": self.name,
                "AlarmType": "MetricAlarm",
                "Timestamp": utcnow(),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": "{}",
            }
        )


def install(context: Context) -> None:
    """Replace and add operations of moto's CloudWatch; evaluate every alarm until the cloud stops."""

    def put(backend: CloudWatchBackend, asked: JsonObject) -> Mapping[str, object]:
        return put_metric_alarm(backend, asked, context.clock_factor)

    operations = {
        "put_metric_alarm": put,
        "describe_alarms": describe_alarms,
        "describe_alarms_for_metric": describe_alarms_for_metric,
        "describe_alarm_history": describe_alarm_history,
        "set_alarm_state": set_alarm_state,
    }
    for name, operation in operations.items():
        setattr(CloudWatchResponse, name, _method(name, operation))
    stopped = Event()
    context.on_shutdown(stopped.set)
    Thread(target=_evaluate, args=(stopped,), name="alarms", daemon=True).start()


def _method(
    name: str, operation: Callable[[CloudWatchBackend, JsonObject], Mapping[str, object]]
) -> Callable[[CloudWatchResponse], ActionResult]:
    def answer(self: CloudWatchResponse) -> ActionResult:
        return ActionResult(operation(self.cloudwatch_backend, self.params))

    answer.__name__ = name
    return answer


def alarms_of(account: str, region: str) -> Mapping[str, Alarm]:
    """The alarms of one account and region by name."""
    kept: Mapping[str, object] = cloudwatch_backends[account][region].alarms
    return {name: alarm for name, alarm in list(kept.items()) if isinstance(alarm, Alarm)}


def _evaluate(stopped: Event) -> None:
    while not stopped.wait(_LOOK_EVERY):
        now = time.time()
        for account, backends in list(cloudwatch_backends.items()):
            for region in list(backends):
                for alarm in alarms_of(account, region).values():
                    _look(alarm, store_of(account, region), now)


def _look(alarm: Alarm, store: Store, now: float) -> None:
    try:
        alarm.evaluate(store, now)
    except Exception:  # noqa: BLE001 - a bug met by one alarm must not silence the others
        traceback.print_exc()


def put_metric_alarm(backend: CloudWatchBackend, asked: JsonObject, faster: float) -> Mapping[str, object]:
    """PutMetricAlarm: an update leaves the state; moto starts again, and starts OK."""
    name, rule = str(asked["AlarmName"]), rule_of(asked, faster)
    try:
        look(rule, Store(), 0.0)
        for query in rule.queries:
            if query.metric is not None:
                statistic(query.stat, [point(0, 0)])
    except NotRehearsedError as error:
        raise not_rehearsed("cloudwatch", "PutMetricAlarm", str(error)) from error
    enabled = asked.get("ActionsEnabled") is not False
    alarm = alarms_of(backend.account_id, backend.region_name).get(name)
    if alarm:
        alarm.request, alarm.rule, alarm.actions_enabled = dict(asked), rule, enabled
        alarm.configured, alarm.looked_at = utcnow(), -1
    else:
        arn = f"arn:{backend.partition}:cloudwatch:{backend.region_name}:{backend.account_id}:alarm:{name}"
        alarm = Alarm(name=name, alarm_arn=arn, request=dict(asked), rule=rule, actions_enabled=enabled)
        backend.alarms[name] = alarm  # type: ignore[assignment]  # it has what moto asks of its own
    alarm.reconfigured()
    tags = [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in objects(asked.get("Tags"))]
    if tags:
        backend.tagger.tag_resource(alarm.alarm_arn, tags)
    return {}


def describe_alarms(backend: CloudWatchBackend, asked: JsonObject) -> Mapping[str, object]:
    """DescribeAlarms: all filters at once, a page at a time."""
    kinds, names = asked.get("AlarmTypes") or ["MetricAlarm"], asked.get("AlarmNames")
    prefix, state = str(asked.get("AlarmNamePrefix") or ""), asked.get("StateValue")
    found = [
        alarm.describe()
        for name, alarm in sorted(alarms_of(backend.account_id, backend.region_name).items())
        if isinstance(kinds, list)
        and "MetricAlarm" in kinds
        and (not isinstance(names, list) or name in names)
        and name.startswith(prefix)
        and state in {None, alarm.state_value}
    ]
    first, size = int(str(asked.get("NextToken") or 0)), int(str(asked.get("MaxRecords") or _PAGE))
    following = {"NextToken": str(first + size)} if first + size < len(found) else {}
    return {"MetricAlarms": found[first : first + size], "CompositeAlarms": [], **following}


def describe_alarms_for_metric(backend: CloudWatchBackend, asked: JsonObject) -> Mapping[str, object]:
    """DescribeAlarmsForMetric, by namespace and name."""
    wanted = (asked["Namespace"], asked["MetricName"])
    found = [
        alarm.describe()
        for alarm in alarms_of(backend.account_id, backend.region_name).values()
        if (alarm.request.get("Namespace"), alarm.request.get("MetricName")) == wanted
    ]
    return {"MetricAlarms": found}


def describe_alarm_history(backend: CloudWatchBackend, asked: JsonObject) -> Mapping[str, object]:
    """DescribeAlarmHistory, which moto does not have: changes of state and of configuration."""
    there = alarms_of(backend.account_id, backend.region_name)
    name, kind = asked.get("AlarmName"), asked.get("HistoryItemType")
    items = [
        item
        for alarm in there.values()
        for item in alarm.history
        if name in {None, alarm.name} and kind in {None, item["HistoryItemType"]}
    ]
    newest_first = asked.get("ScanBy") != "TimestampAscending"
    return {"AlarmHistoryItems": list(reversed(items)) if newest_first else items}


def set_alarm_state(backend: CloudWatchBackend, asked: JsonObject) -> Mapping[str, object]:
    """SetAlarmState: until the next evaluation."""
    alarm = alarms_of(backend.account_id, backend.region_name).get(str(asked["AlarmName"]))
    if alarm is None:
        raise refusal("The named resource does not exist.", "ResourceNotFound")
    if asked["StateValue"] not in _STATES:
        message = f"Value '{asked['StateValue']}' at 'stateValue' failed to satisfy constraint: {_STATES}"
        raise refusal(message, "ValidationError")
    alarm.update_state(
        str(asked["StateReason"]), str(asked.get("StateReasonData") or "{}"), str(asked["StateValue"])
    )
    return {}


def _reason(rule: Rule, verdict: Verdict) -> str:
    present = [value for value in verdict.values if value is not None]
    if not present:
        return f"{len(verdict.values)} datapoint(s) were unknown (TreatMissingData: {rule.missing})."
    return (
        f"Threshold Crossed: {len(present)} datapoint(s) {present} compared with {rule.comparison} "
        f"{rule.threshold}; {rule.to_alarm} of {rule.periods} make an alarm."
    )
