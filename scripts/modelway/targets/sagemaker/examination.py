"""What ``doctor`` looks at for an endpoint: its execution role, its alarms, its quota. Reads only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ModelConfig, RolloutStrategy
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.naming import pointer_name, role_arn
from modelway.errors import Unavailable
from modelway.targets.sagemaker import settings as settings_
from modelway.targets.sagemaker.alarms import PLATFORM
from modelway.targets.sagemaker.settings import Mode, Settings
from modelway.targets.shared import examination as shared
from modelway.targets.shared.examination import Looks

_SERVICE = "sagemaker.amazonaws.com"


def examinations(config: ModelConfig, place: Environment, look: Look) -> Iterator[Examination]:
    """One environment of one model."""
    yield from shared.examinations(place, _looks(config, place, look))


def _looks(config: ModelConfig, place: Environment, look: Look) -> Looks:
    """What is looked at, and how."""
    settings = settings_.parse(place.settings)
    role = role_arn(settings.execution_role, place.account, place.region)
    yield f"execution role of {config.name}", partial(shared.role, look, place, role, _SERVICE)
    yield from shared.alarms(look, place, PLATFORM.seen)
    yield f"quota for {pointer_name(config, place)}", partial(_quota, look, place, settings)


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
