"""What SageMaker would refuse, found in the config: limits, guardrails, what serverless cannot do.

Limits are botocore's. Guardrails: CreateEndpoint's DeploymentConfig, and the guide's pages
deployment-guardrails-blue-green-canary, -linear and -rolling. Serverless: the guide's page
serverless-endpoints, "feature exclusions".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from math import ceil

from modelway.core import checks_settings, duration
from modelway.core.checks import Keys, Subject
from modelway.core.checks_settings import setting, wrong
from modelway.core.config import Environment, Rollout, RolloutStrategy
from modelway.core.duration import words
from modelway.core.json import Json
from modelway.core.limits import Limit, instead
from modelway.core.problem import Flaw

INSTANCE_TYPE = "ProductionVariantInstanceType"
INFERENCE_AMI = "ProductionVariantInferenceAmiVersion"
WAIT = "WaitIntervalInSeconds"
UPDATE_TIME = "MaximumExecutionTimeoutInSeconds"
POINTER_NAME = "EndpointName"
ALARMS = "AlarmList"
_SIZES: Mapping[tuple[str, ...], str] = {
    ("startup_timeout",): "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds",
    ("download_timeout",): "ProductionVariantModelDataDownloadTimeoutInSeconds",
    ("volume_gb",): "ProductionVariantVolumeSizeInGB",
    ("environment",): "EnvironmentMap",
    ("kms_key",): "KmsKeyId",
    ("vpc", "subnets"): "Subnets",
    ("vpc", "security_groups"): "VpcSecurityGroupIds",
    ("data_capture", "percent"): "SamplingPercentage",
    ("data_capture", "destination"): "DestinationS3Uri",
    ("memory_mb",): "ServerlessMemorySizeInMB",
    ("max_concurrency",): "ServerlessMaxConcurrency",
    ("provisioned_concurrency",): "ServerlessProvisionedConcurrency",
}
SHAPES = (INSTANCE_TYPE, INFERENCE_AMI, WAIT, UPDATE_TIME, POINTER_NAME, ALARMS, *_SIZES.values())
"""The shapes of botocore's model whose limits ``check`` needs."""

_LENGTHS = ("characters", "entries")
_ID_LENGTH = 12
_WHOLE = 100
_STEP_RANGES = {
    RolloutStrategy.CANARY: ("canary_percent", 1, 50),
    RolloutStrategy.LINEAR: ("step_percent", 10, 50),
    RolloutStrategy.ROLLING: ("step_percent", 5, 50),
}
_GRAVITON = re.compile(r"ml\.[a-z]+[0-9]+g[a-z]*\.")
"""Families whose generation is followed by g run on arm64: c7g, m6gd; not g5, which begins with it."""


def check(subject: Subject, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Every flaw of one SageMaker environment."""
    keys: Keys = ("environments", environment.name)
    yield from _name(subject.model, environment, limits)
    yield from _sizes(environment, limits)
    yield from _role(environment)
    yield from checks_settings.tags(environment)
    yield from _watching(environment.rollout, (*keys, "rollout"))
    if environment.settings.get("mode") == "serverless":
        yield from _serverless(environment)
        return
    yield from _instance(subject, environment, limits)
    yield from _steps(environment, (*keys, "rollout"))
    yield from _times(environment.rollout, (*keys, "rollout"), limits)


def _name(model: str, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """``<model>-<environment>-<id>`` must be a name SageMaker takes."""
    longest = limits[POINTER_NAME].maximum or 63
    name = f"{model}-{environment.name}-{'0' * _ID_LENGTH}"
    if len(name) > longest:
        message = f"resources would be named {name}: {len(name)} characters, SageMaker allows {longest}"
        cure = f"Shorten the environment's or the model's name by {len(name) - longest}."
        yield Flaw(path=("environments", environment.name), message=message, cure=cure, spot="key")


def _sizes(environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Numbers, lengths and waits inside the API's limits."""
    for path, shape in _SIZES.items():
        value = setting(environment, *path)
        size = _size(path, value)
        if size is not None and not limits[shape].allows(size):
            unit = _unit(path, value)
            range_ = f"{limits[shape].words()} {unit}".strip()
            message = f"{'.'.join(path)} is {size:g} {unit}".strip()
            words = duration.of_seconds if unit == "seconds" else "{:g}".format
            counted = unit in _LENGTHS  # of texts and lists the nearest length says nothing
            cure = f"Write {range_}." if counted else limits[shape].instead(size, words)
            yield wrong(environment, path, f"{message}; SageMaker allows {range_}", cure)


def _unit(path: tuple[str, ...], value: Json) -> str:
    """What ``_size`` counted."""
    if path[0].endswith("_timeout"):
        return "seconds"
    match value:
        case str():
            return "characters"
        case list() | Mapping():
            return "entries"
        case _:
            return ""


def _size(path: tuple[str, ...], value: Json) -> float | None:
    """What the limit counts: seconds of a duration, the number itself, characters or items."""
    match value:
        case str() if path[0].endswith("_timeout"):
            return duration.parse(value).total_seconds()
        case str() | list() | Mapping():
            return len(value)
        case int() | float():
            return value
        case _:
            return None


def _role(environment: Environment) -> Iterator[Flaw]:
    """The role and the key are the environment's own."""
    role = str(environment.settings.get("execution_role", ""))
    if role.startswith("arn:") and role.split(":")[4] != environment.account:
        message = f"the role is of account {role.split(':')[4]}, the environment is in {environment.account}"
        yield wrong(
            environment, ("execution_role",), message, "SageMaker takes roles of its own account only."
        )
    key = str(environment.settings.get("kms_key", ""))
    if key.startswith("arn:") and key.split(":")[3] != environment.region:
        message = f"the key is in {key.split(':')[3]}, the environment is in {environment.region}"
        yield wrong(environment, ("kms_key",), message, f"Name a key of {environment.region}.")


def _instance(subject: Subject, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Instances and machine images that exist, and run what was built."""
    chosen = str(environment.settings.get("instance_type", ""))
    yield from _option(environment, "instance_type", limits[INSTANCE_TYPE])
    yield from _option(environment, "inference_ami_version", limits[INFERENCE_AMI])
    wanted = "linux/arm64" if _GRAVITON.match(chosen) else "linux/amd64"
    if (
        subject.platform is not None
        and chosen in limits[INSTANCE_TYPE].options
        and subject.platform != wanted
    ):
        message = f"{chosen} runs {wanted}, the image is built for {subject.platform}"
        cure = f"Write image.platform: {wanted}, or choose another instance type."
        yield wrong(environment, ("instance_type",), message, cure)


def _option(environment: Environment, key: str, limit: Limit) -> Iterator[Flaw]:
    """A value the API lists."""
    value = environment.settings.get(key)
    if not isinstance(value, str) or value in limit.options:
        return
    near = get_close_matches(value, limit.options, 3)
    cure = (
        f"Did you mean {' or '.join(near)}?" if near else "See the list in SageMaker's CreateEndpointConfig."
    )
    message = (
        f"SageMaker has no {key.replace('_', ' ')} {value} (the installed boto3 knows {len(limit.options)})"
    )
    yield wrong(environment, (key,), message, cure)


def _watching(rollout: Rollout, keys: Keys) -> Iterator[Flaw]:
    """The guardrails keep the clock: nobody can stop them for a person or a comparison."""
    able = "or use a target where modelway keeps the clock: lambda, ecs."
    if rollout.pause:
        message = "SageMaker cannot pause a rollout: its guardrails go on by themselves"
        yield Flaw(path=(*keys, "pause"), message=message, cure=f"Remove pause, {able}", spot="key")
    if rollout.analysis:
        message = "SageMaker cannot compare two versions: its guardrails ask alarms only"
        cure = f"Write alarms instead of analysis, {able}"
        yield Flaw(path=(*keys, "analysis"), message=message, cure=cure, spot="key")


def _steps(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """Shares of capacity are whole instances, at least one, at most half of them."""
    rollout = environment.rollout
    if rollout.strategy not in _STEP_RANGES:
        return
    key, least, most = _STEP_RANGES[rollout.strategy]
    percent = rollout.canary_percent if key == "canary_percent" else rollout.step_percent
    path = (*keys, key)
    if not least <= percent <= most:
        message = (
            f"{key} {percent} is outside of what SageMaker allows for {rollout.strategy}: {least} to {most}"
        )
        yield Flaw(path=path, message=message, cure=instead(percent, least, most))
        return
    scaling = environment.capacity.autoscaling
    instances = scaling.min if scaling else environment.capacity.instances
    if instances * percent < _WHOLE:
        yield Flaw(
            path=path,
            message=f"{percent} % of {instances} instance{'s' * (instances > 1)} is less than one instance",
            cure=_enough(key, percent, instances),
        )


def _enough(key: str, percent: int, instances: int) -> str:
    """The smallest changes that make the share one instance."""
    if instances == 1:
        return f"Run 2 instances and write {key}: 50, or choose strategy all_at_once."
    least = ceil(_WHOLE / instances)
    return f"Write {key}: {least} or more, or run at least {ceil(_WHOLE / percent)} instances."


def _times(rollout: Rollout, keys: Keys, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Waits that SageMaker takes, one by one and in all."""
    bake, total = rollout.bake_time, rollout.bake_time * waits(rollout)
    if not limits[WAIT].allows(bake.total_seconds()):
        message = (
            f"bake_time {words(bake)} is too long; SageMaker allows {limits[WAIT].words()} seconds a step"
        )
        yield Flaw(path=(*keys, "bake_time"), message=message, cure="Write 1h or less.")
        return
    given = rollout.max_time
    if given is not None and not limits[UPDATE_TIME].allows(given.total_seconds()):
        cure = limits[UPDATE_TIME].instead(given.total_seconds(), duration.of_seconds)
        message = f"max_time {words(given)} is outside of SageMaker's {limits[UPDATE_TIME].words()} seconds"
        yield Flaw(path=(*keys, "max_time"), message=message, cure=cure)
        return
    longest = given or timedelta(seconds=limits[UPDATE_TIME].maximum or 28800)
    if total >= longest:
        waiting = f"{waits(rollout)} waits of {words(bake)} are {words(total)}"
        message = f"{waiting}; SageMaker gives up after {words(longest)}"
        cure = "Write a shorter bake_time or larger steps."
        yield Flaw(path=(*keys, "bake_time"), message=message, cure=cure)


def waits(rollout: Rollout) -> int:
    """How many times the guardrails wait for ``bake_time``; the last time with all traffic moved."""
    match rollout.strategy:
        case RolloutStrategy.ALL_AT_ONCE | RolloutStrategy.BLUE_GREEN:
            return 1
        case RolloutStrategy.CANARY:
            return 2
        case RolloutStrategy.LINEAR | RolloutStrategy.ROLLING:
            return ceil(_WHOLE / rollout.step_percent)


def _serverless(environment: Environment) -> Iterator[Flaw]:
    """Serverless has no instances, hence no steps, no autoscaling of ours and no guardrails."""
    keys: Keys = ("environments", environment.name)
    rollout, capacity = environment.rollout, environment.capacity
    if rollout.strategy is not RolloutStrategy.ALL_AT_ONCE:
        message = f"serverless updates at once; {rollout.strategy} needs instances"
        yield Flaw(
            path=(*keys, "rollout", "strategy"),
            message=message,
            cure="Write strategy: all_at_once, or mode: realtime.",
        )
    elif rollout.bake_time or rollout.alarms or rollout.max_time:
        message = "serverless has no guardrails: bake_time, alarms and max_time do nothing"
        yield Flaw(
            path=(*keys, "rollout"), message=message, cure="Remove them, or write mode: realtime.", spot="key"
        )
    if capacity.autoscaling is not None or capacity.instances != 1:
        message = "serverless has no instances to count or scale"
        cure = "Remove capacity; max_concurrency and provisioned_concurrency in settings say how much runs."
        yield Flaw(path=(*keys, "capacity"), message=message, cure=cure, spot="key")
    most, always = (environment.settings.get(key) for key in ("max_concurrency", "provisioned_concurrency"))
    if isinstance(most, int) and isinstance(always, int) and always > most:
        message = f"provisioned_concurrency {always} is more than max_concurrency {most}"
        yield wrong(environment, ("provisioned_concurrency",), message, f"Write {most} or less.")
