"""What ``doctor`` looks at alike for every target: roles AWS's services take, and the alarms of a rollout."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ExistingAlarm
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok

Looks: TypeAlias = Iterator[tuple[str, Callable[[], Diagnosis]]]
"""What is looked at, and how."""


def examinations(place: Environment, looks: Looks) -> Iterator[Examination]:
    """Under the environment's heading."""
    for subject, look in looks:
        yield Examination(area=f"{place.name} ({place.account})", subject=subject, look=look)


def role(look: Look, place: Environment, arn: str, service: str) -> Diagnosis:
    """There, and the service may take it."""
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
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    document = f"'{json.dumps(trust)}'"
    if found is None:
        cure = f"aws iam create-role --role-name {name} --assume-role-policy-document {document}"
        return missing(f"{arn} does not exist in {place.account}", cure)
    policy: str | Mapping[str, object] = found["Role"].get("AssumeRolePolicyDocument", "")
    if f'"{service}"' not in (policy if isinstance(policy, str) else json.dumps(policy)):
        cure = f"aws iam update-assume-role-policy --role-name {name} --policy-document {document}"
        return missing(f"{arn} does not trust {service}", cure)
    return ok(arn)


def alarms(look: Look, place: Environment, ringing: str) -> Looks:
    """The alarms somebody else keeps; ``ringing`` says what comes of a release begun while one rings."""
    for alarm in place.rollout.alarms:
        if isinstance(alarm, ExistingAlarm):
            yield f"alarm {alarm.name}", partial(_alarm, look, place, alarm.name, ringing)


def _alarm(look: Look, place: Environment, name: str, ringing: str) -> Diagnosis:
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
        return missing(seen, f"wait until it is OK again, or correct it. {ringing}")
    return ok(found[0]["StateValue"])
