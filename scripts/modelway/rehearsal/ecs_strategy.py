"""What a DeploymentConfiguration means: pure, refusing what ECS refuses.

docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.ecs_refusals import invalid, unrehearsed
from modelway.rehearsal.parameters import object_of, objects

MINUTE = 60
_DAY, _FORTNIGHT = 1440, 20160
_WHOLE = 100.0
_SHIFTING = frozenset({"BLUE_GREEN", "LINEAR", "CANARY"})
_NO_PAUSE = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
_FEWEST, _MOST = 3, 200
"""Bounds of a BOUNDED_PERCENT threshold."""


@dataclass(frozen=True, slots=True)
class Step:
    """One shift of production traffic, in per cent, and the seconds of baking after it."""

    percent: float
    bake: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A PAUSE hook."""

    stages: frozenset[str]
    timeout: int
    """Seconds until ``action`` is done by itself."""
    action: str
    """``ROLLBACK`` or ``CONTINUE``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Alarms that end a deployment."""

    names: tuple[str, ...]
    rollback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The deployment circuit breaker."""

    rollback: bool
    kind: str
    value: int

    def threshold(self, desired: int) -> int:
        """How many failed tasks trip it."""
        part = ceil(desired * self.value / 100)
        match self.kind:
            case "COUNT":
                return self.value
            case "UNBOUNDED_PERCENT":
                return max(1, part)
            case _:
                return min(_MOST, max(_FEWEST, part))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a deployment goes."""

    kind: str
    steps: tuple[Step, ...] = (Step(_WHOLE, 0),)
    bake: int = 0
    """Seconds both revisions run after the last step."""
    hooks: tuple[Hook, ...] = ()
    alarms: Alarms | None = None
    breaker: Breaker | None = None

    @property
    def shifts(self) -> bool:
        """Whether traffic is shifted between two target groups."""
        return self.kind in _SHIFTING


def strategy(config: JsonObject) -> Strategy:
    """Read a DeploymentConfiguration; raises ECS's refusal."""
    kind = str(config.get("strategy") or "ROLLING")
    if kind not in _SHIFTING | {"ROLLING"}:
        raise invalid(f"Invalid deployment strategy {kind}.")
    hooks = tuple(_hook(each) for each in objects(config.get("lifecycleHooks")))
    if hooks and kind == "ROLLING":
        raise invalid("Lifecycle hooks are not supported with the ROLLING deployment strategy.")
    if kind == "BLUE_GREEN" and config.get("bakeTimeInMinutes") is None:
        raise invalid("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
    if config.get("earlySuccessCriteria"):
        raise unrehearsed("CreateService", "earlySuccessCriteria")
    return Strategy(
        kind=kind,
        steps=_steps(kind, config),
        bake=_number(config, "bakeTimeInMinutes", 0, _DAY, 0) * MINUTE if kind in _SHIFTING else 0,
        hooks=hooks,
        alarms=_alarms(object_of(config, "alarms")),
        breaker=_breaker(object_of(config, "deploymentCircuitBreaker")),
    )


def filled(config: JsonObject) -> dict[str, Json]:
    """The configuration as it is described: with what ECS fills in."""
    kind = str(config.get("strategy") or "ROLLING")
    given = dict(config)
    if kind == "CANARY":
        canary = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}
        given["canaryConfiguration"] = {**canary, **object_of(config, "canaryConfiguration")}
    if kind == "LINEAR":
        linear = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}
        given["linearConfiguration"] = {**linear, **object_of(config, "linearConfiguration")}
    return {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": kind, **given}


def _steps(kind: str, config: JsonObject) -> tuple[Step, ...]:
    match kind:
        case "CANARY":
            canary = object_of(config, "canaryConfiguration")
            percent = _percent(canary, "canaryPercent", 0.1, 5.0)
            bake = _number(canary, "canaryBakeTimeInMinutes", 0, _DAY, 10) * MINUTE
            return (Step(percent, bake), Step(_WHOLE, 0)) if percent < _WHOLE else (Step(_WHOLE, 0),)
        case "LINEAR":
            linear = object_of(config, "linearConfiguration")
            percent = _percent(linear, "stepPercent", 3.0, 10.0)
            bake = _number(linear, "stepBakeTimeInMinutes", 0, _DAY, 6) * MINUTE
            count = ceil(_WHOLE / percent)
            shares = [min(_WHOLE, round(percent * step, 1)) for step in range(1, count + 1)]
            return tuple(Step(share, bake if share < _WHOLE else 0) for share in shares)
        case _:
            return (Step(_WHOLE, 0),)


def _hook(asked: JsonObject) -> Hook:
    if str(asked.get("targetType") or "AWS_LAMBDA") != "PAUSE":
        raise unrehearsed("CreateService", "a lifecycle hook that calls a Lambda function")
    stages = asked.get("lifecycleStages")
    named = frozenset(str(stage) for stage in stages) if isinstance(stages, list) else frozenset()
    if not named or named & _NO_PAUSE:
        raise invalid(f"A PAUSE lifecycle hook cannot be used at the stages {sorted(named & _NO_PAUSE)}.")
    timeout = object_of(asked, "timeoutConfiguration")
    minutes = _number(timeout, "timeoutInMinutes", 1, _FORTNIGHT, _DAY)
    return Hook(stages=named, timeout=minutes * MINUTE, action=str(timeout.get("action") or "ROLLBACK"))


def _alarms(asked: JsonObject) -> Alarms | None:
    names = asked.get("alarmNames")
    if not asked.get("enable") or not isinstance(names, list) or not names:
        return None
    return Alarms(names=tuple(str(name) for name in names), rollback=bool(asked.get("rollback")))


def _breaker(asked: JsonObject) -> Breaker | None:
    if not asked.get("enable"):
        return None
    threshold: Mapping[str, Json] = object_of(asked, "thresholdConfiguration")
    kind, value = str(threshold.get("type") or "BOUNDED_PERCENT"), int(str(threshold.get("value") or 50))
    return Breaker(rollback=bool(asked.get("rollback")), kind=kind, value=value)


def _percent(asked: JsonObject, name: str, low: float, default: float) -> float:
    value = asked.get(name, default)
    in_range = isinstance(value, int | float) and low <= value <= _WHOLE
    if not isinstance(value, int | float) or not in_range or round(value, 1) != value:
        raise invalid(f"{name} must be a multiple of 0.1 between {low} and {_WHOLE}.")
    return float(value)


def _number(asked: JsonObject, name: str, low: int, high: int, default: int) -> int:
    value = asked.get(name, default)
    if not isinstance(value, int) or not low <= value <= high:
        raise invalid(f"{name} must be between {low} and {high}.")
    return value
