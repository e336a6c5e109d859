"""What Lambda would refuse, found in the config: limits, architectures, strategies, variables.

Limits are botocore's, but where its model already has those of Managed Instances (aws.md of this project's
sources: memory, storage and timeout were raised there only): the guide's page gettingstarted-limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import ceil

from modelway.core import checks_settings, duration
from modelway.core.checks import Subject
from modelway.core.checks_settings import setting, wrong, wrong_key
from modelway.core.config import Environment, RolloutStrategy
from modelway.core.json import Json
from modelway.core.limits import Limit
from modelway.core.problem import Flaw

FUNCTION_NAME = "FunctionName"
_SIZES: Mapping[tuple[str, ...], str] = {
    ("memory_mb",): "MemorySize",
    ("ephemeral_storage_mb",): "EphemeralStorageSize",
    ("timeout",): "Timeout",
    ("vpc", "subnets"): "SubnetIds",
    ("vpc", "security_groups"): "SecurityGroupIds",
    ("entry_point",): "StringList",
    ("command",): "StringList",
    ("working_directory",): "WorkingDirectory",
}
SHAPES = (FUNCTION_NAME, *_SIZES.values())
"""The shapes of botocore's model whose limits ``check`` needs."""

_ORDINARY = {"memory_mb": 10_240, "ephemeral_storage_mb": 10_240, "timeout": 900}
"""The most without Managed Instances, which modelway does not use."""
_LONGEST_NAME = 64
_ENVIRONMENT = 4096
"""Bytes of all variables together (gettingstarted-limits)."""
_OURS = 400
"""Bytes to leave for what modelway sets: the version, and where the model lies."""
_RESERVED_PREFIXES = (
    "AWS_",
    "LAMBDA_",
    "_LAMBDA_",
    "MODELWAY_VERSION",
    "MODELWAY_MODEL_",
    "MODELWAY_SECRETS",
)
_MODEL_FOLDER = "SM_MODEL_DIR"
_PLATFORMS = ("linux/amd64", "linux/arm64")
_WHOLE = 100


def check(subject: Subject, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Every flaw of one Lambda environment."""
    yield from _name(subject.model, environment)
    yield from _platform(subject, environment)
    yield from _sizes(environment, limits)
    yield from _variables(subject, environment)
    yield from _owned(environment)
    yield from checks_settings.secrets(environment)
    yield from checks_settings.tags(environment)
    yield from _strategy(environment)


def _name(model: str, environment: Environment) -> Iterator[Flaw]:
    """``<model>-<environment>`` must be a name Lambda takes."""
    name = f"{model}-{environment.name}"
    if len(name) > _LONGEST_NAME:
        message = f"the function would be named {name}: {len(name)} characters, Lambda allows {_LONGEST_NAME}"
        cure = f"Shorten the environment's or the model's name by {len(name) - _LONGEST_NAME}."
        yield Flaw(path=("environments", environment.name), message=message, cure=cure, spot="key")


def _platform(subject: Subject, environment: Environment) -> Iterator[Flaw]:
    """Lambda has two architectures."""
    if subject.platform is not None and subject.platform not in _PLATFORMS:
        message = f"Lambda runs {' and '.join(_PLATFORMS)}, the image is built for {subject.platform}"
        cure = "Write image.platform: linux/amd64 or linux/arm64."
        yield Flaw(path=("environments", environment.name, "target"), message=message, cure=cure)


def _sizes(environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Numbers, lengths and times inside the API's limits."""
    for path, shape in _SIZES.items():
        size = _size(path, setting(environment, *path))
        if size is None:
            continue
        limit = limits[shape]
        if ordinary := _ORDINARY.get(path[0]):
            limit = Limit(minimum=limit.minimum, maximum=min(limit.maximum or ordinary, ordinary))
        if not limit.allows(size):
            unit = {"timeout": " seconds", "memory_mb": " MB", "ephemeral_storage_mb": " MB"}.get(path[0], "")
            message = f"{'.'.join(path)} is {size:g}{unit}; Lambda allows {limit.words()}{unit}"
            counted = path[0] in _ORDINARY  # of lists and texts the nearest length says nothing
            words = duration.of_seconds if path == ("timeout",) else "{:g}".format
            cure = limit.instead(size, words) if counted else f"Write {limit.words()}."
            yield wrong(environment, path, message, cure)


def _size(path: tuple[str, ...], value: Json) -> float | None:
    """What the limit counts: seconds of a duration, the number itself, characters or items."""
    match value:
        case str() if path == ("timeout",):
            return duration.parse(value).total_seconds()
        case str() | list() | Mapping():
            return len(value)
        case int() | float():
            return value
        case _:
            return None


def _variables(subject: Subject, environment: Environment) -> Iterator[Flaw]:
    """Variables that are not the config's to set, and how many bytes they are."""
    given = environment.settings.get("environment")
    variables = given if isinstance(given, Mapping) else {}
    secrets = environment.settings.get("secrets")
    for key in variables:
        if key.startswith(_RESERVED_PREFIXES):
            who = "modelway" if key.startswith("MODELWAY_") else "Lambda"
            message = f"variable {key} is set by {who}"
            yield wrong_key(environment, ("environment", key), message, "Use another name.")
        elif key == _MODEL_FOLDER and subject.artifact:
            message = f"variable {key} is set by modelway: it says where the model_artifact is to be unpacked"
            cure = "Remove it; the program reads the folder from it."
            yield wrong_key(environment, ("environment", key), message, cure)
    told = len(json.dumps(secrets)) if isinstance(secrets, Mapping) else 0
    size = sum(len(f"{key}{value}".encode()) for key, value in variables.items()) + told
    if size > _ENVIRONMENT - _OURS:
        message = (
            f"environment and secrets are {size} bytes; Lambda allows {_ENVIRONMENT}, modelway needs {_OURS}"
        )
        yield wrong(environment, ("environment",), message, f"Write {_ENVIRONMENT - _OURS} bytes or less.")


def _owned(environment: Environment) -> Iterator[Flaw]:
    """The role and the key are the environment's own."""
    role = str(environment.settings.get("execution_role", ""))
    if role.startswith("arn:") and role.split(":")[4] != environment.account:
        message = f"the role is of account {role.split(':')[4]}, the environment is in {environment.account}"
        yield wrong(environment, ("execution_role",), message, "Lambda takes roles of its own account only.")
    key = str(environment.settings.get("kms_key", ""))
    if key.startswith("arn:") and key.split(":")[3] != environment.region:
        message = f"the key is in {key.split(':')[3]}, the environment is in {environment.region}"
        yield wrong(environment, ("kms_key",), message, f"Name a key of {environment.region}.")


def _strategy(environment: Environment) -> Iterator[Flaw]:
    """There are no instances to replace in batches; the platform ends nothing by itself."""
    rollout, keys = environment.rollout, ("environments", environment.name, "rollout")
    if rollout.strategy is RolloutStrategy.ROLLING:
        message = "Lambda has no instances to replace in batches: rolling is not possible"
        steps = ceil(_WHOLE / rollout.step_percent)
        cure = f"Write strategy: linear (as many steps: {steps}), canary, blue_green or all_at_once."
        yield Flaw(path=(*keys, "strategy"), message=message, cure=cure)
    if rollout.max_time is not None:
        message = "max_time is for platforms that keep the clock; on Lambda modelway does"
        yield Flaw(
            path=(*keys, "max_time"), message=message, cure="Remove it; bake_time says how long a step is."
        )
