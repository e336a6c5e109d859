"""What ``doctor`` looks at for a function: its execution role, its alarms, its concurrency. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ExistingAlarm, ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.naming import pointer_name, role_arn
from modelway.errors import Unavailable
from modelway.targets.aws_lambda import settings as settings_

_SERVICE = "lambda.amazonaws.com"
_ALWAYS_FREE = 100
"""Executions that Lambda keeps unreserved in every account and region."""


def examinations(config: ModelConfig, place: Environment, look: Look) -> Iterator[Examination]:
    """One environment of one model."""
    settings = settings_.parse(place.settings)
    area = f"{place.name} ({place.account})"
    role = role_arn(settings.execution_role, place.account, place.region)
    yield Examination(
        area=area, subject=f"execution role of {config.name}", look=partial(_role, look, place, role)
    )
    for alarm in place.rollout.alarms:
        if isinstance(alarm, ExistingAlarm):
            yield Examination(
                area=area, subject=f"alarm {alarm.name}", look=partial(_alarm, look, place, alarm.name)
            )
    yield Examination(
        area=area,
        subject=f"concurrency for {pointer_name(config, place)}",
        look=partial(_concurrency, look, place),
    )


def _role(look: Look, place: Environment, arn: str) -> Diagnosis:
    """There, and Lambda may use it."""
    name = arn.rpartition("/")[2]
    session = look.place(place)
    client = look.making(lambda: session.client("iam", config=patient()))
    found = read(
        f"look at the role {name}",
        "iam",
        lambda: client.get_role(RoleName=name),
        none=frozenset({"NoSuchEntity", "NoSuchEntityException"}),
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": _SERVICE}, "Action": "sts:AssumeRole"}],
    }
    document = f"'{json.dumps(trust)}'"
    if found is None:
        cure = f"aws iam create-role --role-name {name} --assume-role-policy-document {document}"
        return missing(f"{arn} does not exist in {place.account}", cure)
    policy: str | Mapping[str, object] = found["Role"].get("AssumeRolePolicyDocument", "")
    if _SERVICE not in (policy if isinstance(policy, str) else json.dumps(policy)):
        cure = f"aws iam update-assume-role-policy --role-name {name} --policy-document {document}"
        return missing(f"{arn} does not trust {_SERVICE}", cure)
    return ok(arn)


def _alarm(look: Look, place: Environment, name: str) -> Diagnosis:
    """There, and not ringing."""
    session = look.place(place)
    client = look.making(lambda: session.client("cloudwatch", config=patient()))
    answer = read(
        f"read the alarm {name}",
        "cloudwatch",
        lambda: client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]),
    )
    found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])] if answer else []
    if not found:
        cure = "create it, correct its name, or have one made: alarms: [{metric: error_rate, above: 5}]"
        return missing(f"it does not exist in {place.account}, {place.region}", cure)
    if found[0]["StateValue"] == "ALARM":
        seen = f"it is in ALARM: {found[0].get('StateReason', '')}"
        return missing(seen, "wait until it is OK again, or correct it: a release would be taken back")
    return ok(found[0]["StateValue"])


def _concurrency(look: Look, place: Environment) -> Diagnosis:
    """Room for what is to be provisioned, beside what Lambda keeps free."""
    session = look.place(place)
    client = look.making(lambda: session.client("lambda", config=patient()))
    answer = read("read Lambda's limits", "lambda", client.get_account_settings)
    if answer is None:
        raise Unavailable("Lambda tells no limits")
    scaling = place.capacity.autoscaling
    wanted = scaling.max if scaling else place.capacity.instances
    free = answer["AccountLimit"]["UnreservedConcurrentExecutions"]
    seen = f"{free} executions are unreserved, {wanted} are to be provisioned, {_ALWAYS_FREE} stay free"
    if free - wanted >= _ALWAYS_FREE or not wanted:
        return ok(seen)
    cure = (
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384"
        f" --desired-value {wanted + _ALWAYS_FREE} --region {place.region}"
    )
    return missing(seen, cure)
