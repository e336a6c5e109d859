"""The timeline of an endpoint update: which share of the traffic is on the new fleet, and for how long.

Pure: seconds are AWS's, and nothing here waits. From botocore's sagemaker model (DeploymentConfig) and
docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from modelway.core.json import Json, JsonObject

_DEFAULT_LIMIT = 28800
_WHOLE = Fraction(1)


class RefusedError(ValueError):
    """SageMaker would not take this request."""


@dataclass(frozen=True, slots=True)
class Step:
    """One shift of traffic, and the seconds of baking after it."""

    share: Fraction
    wait: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What an update does once the new fleet is healthy."""

    steps: tuple[Step, ...] = (Step(_WHOLE, 0),)
    termination_wait: int = 0
    """Seconds the old fleet is kept after the last step."""
    limit: int = _DEFAULT_LIMIT
    """Seconds after which the update is taken back."""
    alarms: tuple[str, ...] = ()
    """Alarms that take the update back while it bakes."""

    @property
    def waits(self) -> int:
        """Seconds of waiting in all."""
        return sum(step.wait for step in self.steps) + self.termination_wait


AT_ONCE = Timeline()
"""What SageMaker does without a DeploymentConfig, and always for serverless."""


def timeline(config: JsonObject, instances: Mapping[str, int]) -> Timeline:
    """Read a DeploymentConfig for variants of so many instances; raises ``RefusedError``."""
    blue_green, rolling = _object(config, "BlueGreenUpdatePolicy"), _object(config, "RollingUpdatePolicy")
    if blue_green and rolling:
        msg = "DeploymentConfig takes one of BlueGreenUpdatePolicy and RollingUpdatePolicy, not both."
        raise RefusedError(msg)
    policy = rolling or blue_green
    steps = _rolling(rolling, instances) if rolling else _blue_green(blue_green, instances)
    planned = Timeline(
        steps=steps,
        termination_wait=_number(policy, "TerminationWaitInSeconds", 0, 3600, 0),
        limit=_number(policy, "MaximumExecutionTimeoutInSeconds", 600, 28800, _DEFAULT_LIMIT),
        alarms=_alarms(_object(config, "AutoRollbackConfiguration")),
    )
    if planned.waits >= planned.limit:
        msg = (
            f"MaximumExecutionTimeoutInSeconds ({planned.limit}) must be greater than the sum of the wait "
            f"intervals and TerminationWaitInSeconds ({planned.waits})."
        )
        raise RefusedError(msg)
    return planned


def _blue_green(policy: JsonObject, instances: Mapping[str, int]) -> tuple[Step, ...]:
    routing = _object(policy, "TrafficRoutingConfiguration")
    if not routing:
        return AT_ONCE.steps
    wait = _number(routing, "WaitIntervalInSeconds", 0, 3600)
    match routing.get("Type"):
        case "ALL_AT_ONCE":
            return (Step(_WHOLE, wait),)
        case "CANARY":
            size = _object(routing, "CanarySize")
            if not size:
                msg = "CanarySize is required when the traffic routing type is CANARY."
                raise RefusedError(msg)
            return Step(_share("CanarySize", size, instances), wait), Step(_WHOLE, wait)
        case "LINEAR":
            size = _object(routing, "LinearStepSize")
            if not size:
                msg = "LinearStepSize is required when the traffic routing type is LINEAR."
                raise RefusedError(msg)
            return _stairs(_share("LinearStepSize", size, instances), wait)
        case other:
            msg = (
                f"Value '{other}' at 'trafficRoutingConfiguration.type' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ALL_AT_ONCE, CANARY, LINEAR]"
            )
            raise RefusedError(msg)


def _rolling(policy: JsonObject, instances: Mapping[str, int]) -> tuple[Step, ...]:
    batch = _share("MaximumBatchSize", _object(policy, "MaximumBatchSize"), instances)
    return _stairs(batch, _number(policy, "WaitIntervalInSeconds", 0, 3600))


def _stairs(share: Fraction, wait: int) -> tuple[Step, ...]:
    """Steps of one size up to everything."""
    return tuple(Step(min(share * step, _WHOLE), wait) for step in range(1, ceil(_WHOLE / share) + 1))


def _share(name: str, size: JsonObject, instances: Mapping[str, int]) -> Fraction:
    """The share of all instances in one batch: a whole number of instances of each variant, at most half.

    How SageMaker rounds a percentage is not documented; rounding up never yields an empty batch.
    """
    value = _number(size, "Value", 1, 10**6)
    batch = 0
    for variant, count in instances.items():
        mine = value if size.get("Type") == "INSTANCE_COUNT" else ceil(Fraction(value * count, 100))
        if mine * 2 > count:
            msg = (
                f"{name} must be less than or equal to 50% of the variant's total instance count: "
                f"{mine} of the {count} instance(s) of variant {variant}."
            )
            raise RefusedError(msg)
        batch += mine
    return Fraction(batch, sum(instances.values()))


def _alarms(rollback: JsonObject) -> tuple[str, ...]:
    alarms = rollback.get("Alarms")
    if not isinstance(alarms, list):
        return ()
    return tuple(str(alarm["AlarmName"]) for alarm in alarms if isinstance(alarm, dict))


def _object(parent: JsonObject, name: str) -> JsonObject:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _number(parent: JsonObject, name: str, low: int, high: int, default: int | None = None) -> int:
    value: Json = parent.get(name, default)
    if not isinstance(value, int) or not low <= value <= high:
        msg = f"Value '{value}' at '{name}' failed to satisfy constraint: Member must be in [{low}, {high}]"
        raise RefusedError(msg)
    return value
