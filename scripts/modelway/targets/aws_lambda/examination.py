"""What ``doctor`` looks at for a function: its execution role, its alarms, its concurrency. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.naming import pointer_name, role_arn
from modelway.errors import Unavailable
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.alarms import PLATFORM
from modelway.targets.shared import examination as shared
from modelway.targets.shared.examination import Looks

_SERVICE = "lambda.amazonaws.com"
_ALWAYS_FREE = 100
"""Executions that Lambda keeps unreserved in every account and region."""


def examinations(config: ModelConfig, place: Environment, look: Look) -> Iterator[Examination]:
    """One environment of one model."""
    yield from shared.examinations(place, _looks(config, place, look))


def _looks(config: ModelConfig, place: Environment, look: Look) -> Looks:
    """What is looked at, and how."""
    settings = settings_.parse(place.settings)
    role = role_arn(settings.execution_role, place.account, place.region)
    yield f"execution role of {config.name}", partial(shared.role, look, place, role, _SERVICE)
    yield from shared.alarms(look, place, PLATFORM.seen)
    yield f"concurrency for {pointer_name(config, place)}", partial(_concurrency, look, place)


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
