"""What ``doctor`` looks at for an endpoint: its execution role, its alarms, its quota. Reads only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ExistingAlarm, ModelConfig, RolloutStrategy
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.naming import pointer_name, role_arn
from modelway.errors import Unavailable
from modelway.targets.sagemaker import settings as settings_
from modelway.targets.sagemaker.settings import Mode, Settings

_SERVICE = "sagemaker.amazonaws.com"


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
                area=area,
                subject=f"alarm {alarm.name}",
                look=partial(_alarm, look, place, alarm.name),
            )
    yield Examination(
        area=area,
        subject=f"quota for {pointer_name(config, place)}",
        look=partial(_quota, look, place, settings),
    )


def _role(look: Look, place: Environment, arn: str) -> Diagnosis:
    """There, and SageMaker may use it."""
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
    state = found[0]["StateValue"]
    if state == "ALARM":
        seen = f"it is in ALARM: {found[0].get('StateReason', '')}"
        return missing(seen, "wait until it is OK again, or correct it: SageMaker would take a release back")
    return ok(state)


def _quota(look: Look, place: Environment, settings: Settings) -> Diagnosis:
    """Room for the instances, those of an update included."""
    if settings.mode is Mode.SERVERLESS:
        what = "quotas of serverless endpoints are not compared"
        cure = f"look at the quotas of Amazon SageMaker in Service Quotas, {place.region}"
        raise Unavailable(what, cure=cure)
    session = look.place(place)
    client = look.making(lambda: session.client("service-quotas", config=patient()))
    name = f"{settings.instance_type} for endpoint usage"
    pages = read(
        "list SageMaker's quotas",
        "servicequotas",
        lambda: [*client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")],
    )
    quotas = [quota for page in pages or [] for quota in page["Quotas"]]
    found = next((quota for quota in quotas if quota.get("QuotaName") == name), None)
    if found is None:
        raise Unavailable(f"there is no quota called {name!r}", seen=f"{len(quotas)} quotas were listed.")
    value, needed = found.get("Value", 0), _needed(place)
    if value >= needed:
        return ok(f"{name}: {value:g}, an update needs {needed}")
    cure = (
        "aws service-quotas request-service-quota-increase --service-code sagemaker"
        f" --quota-code {found.get('QuotaCode', '')} --desired-value {needed} --region {place.region}"
    )
    return missing(f"{name}: {value:g}, an update needs {needed}", cure)


def _needed(place: Environment) -> int:
    """Instances at the most: a blue/green update runs both fleets, a rolling one a batch more.

    docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html and -rolling.html.
    """
    scaling = place.capacity.autoscaling
    most = max(place.capacity.instances, scaling.max if scaling else 0)
    if place.rollout.strategy is RolloutStrategy.ROLLING:
        return most + max(1, math.ceil(most * place.rollout.step_percent / 100))
    return 2 * most
