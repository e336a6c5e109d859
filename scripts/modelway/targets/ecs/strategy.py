"""A rollout as ECS is told it: strategy, waits, alarms, and the stops at which modelway asks first.

ECS keeps the clock of a native strategy. Where a person or an analysis has to agree, or the version is asked
before it has traffic, ECS pauses before every share, and goes on when it is told to
(botocore ``ecs#DeploymentConfiguration``; ``PRE_PRODUCTION_TRAFFIC_SHIFT`` comes before each step).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from modelway.core.config import Rollout, RolloutStrategy
from modelway.targets.ecs.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentConfigurationUnionTypeDef, DeploymentLifecycleHookTypeDef

LONGEST_PAUSE = timedelta(days=1)
"""How long a paused deployment waits for a person where the config says nothing; then ECS takes it back."""


class Strategy(StrEnum):
    """ECS's own names."""

    ROLLING = "ROLLING"
    BLUE_GREEN = "BLUE_GREEN"
    CANARY = "CANARY"
    LINEAR = "LINEAR"


def strategy(rollout: Rollout, settings: Settings) -> Strategy:
    """Which of ECS's strategies carries the rollout out.

    ``all_at_once`` is a whole second fleet that takes all traffic at once where there are two target groups
    to move it between; with one or none, ECS replaces all tasks in one batch, started before others stop.
    """
    match rollout.strategy:
        case RolloutStrategy.ALL_AT_ONCE:
            return Strategy.BLUE_GREEN if settings.shifts else Strategy.ROLLING
        case RolloutStrategy.ROLLING:
            return Strategy.ROLLING
        case RolloutStrategy.BLUE_GREEN:
            return Strategy.BLUE_GREEN
        case RolloutStrategy.CANARY:
            return Strategy.CANARY
        case RolloutStrategy.LINEAR:
            return Strategy.LINEAR
        case _:
            assert_never(rollout.strategy)


def paused(rollout: Rollout, settings: Settings) -> bool:
    """Whether ECS stops before each share: for a person, an analysis, or to be asked before any traffic."""
    if strategy(rollout, settings) is Strategy.ROLLING:
        return False
    return rollout.pause or rollout.analysis is not None or settings.shows


def deployment(
    rollout: Rollout, settings: Settings, alarms: Sequence[str]
) -> DeploymentConfigurationUnionTypeDef:
    """The ``deploymentConfiguration`` of a release."""
    chosen, stops = strategy(rollout, settings), paused(rollout, settings)
    # Said also where there is none: what an update leaves out may stay as the last release left it.
    config: DeploymentConfigurationUnionTypeDef = {
        "strategy": chosen.value,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "alarms": {"alarmNames": [*alarms], "enable": bool(alarms), "rollback": bool(alarms)},
        "lifecycleHooks": [_pause(rollout)] if stops else [],
    }
    if chosen is Strategy.ROLLING:
        if rollout.strategy is RolloutStrategy.ROLLING:
            config["maximumPercent"] = 100 + rollout.step_percent
        return config
    bake = minutes(rollout.bake_time)
    config["bakeTimeInMinutes"] = bake
    # While it is paused modelway keeps the clock: the wait belongs to the share that has the traffic.
    step = 0 if stops else bake
    if chosen is Strategy.CANARY:
        config["canaryConfiguration"] = {
            "canaryPercent": rollout.canary_percent,
            "canaryBakeTimeInMinutes": step,
        }
    if chosen is Strategy.LINEAR:
        config["linearConfiguration"] = {
            "stepPercent": rollout.step_percent,
            "stepBakeTimeInMinutes": step,
        }
    return config


def urgently(settings: Settings) -> DeploymentConfigurationUnionTypeDef:
    """The way back: all at once, waiting for nothing, trusting no alarm, and never back to what was left."""
    config: DeploymentConfigurationUnionTypeDef = {
        "strategy": "BLUE_GREEN" if settings.shifts else "ROLLING",
        "deploymentCircuitBreaker": {"enable": True, "rollback": False},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "alarms": {"alarmNames": [], "enable": False, "rollback": False},
        "lifecycleHooks": [],
    }
    if settings.shifts:
        config["bakeTimeInMinutes"] = 0
    return config


def minutes(wait: timedelta) -> int:
    """A wait as ECS counts it; a part of a minute is a whole one."""
    return -(-int(wait.total_seconds()) // 60)


def _pause(rollout: Rollout) -> DeploymentLifecycleHookTypeDef:
    """A stop before each share, or all of it; nobody's answer takes the deployment back, never forward.

    While it stops, the bake and the comparison of the share before are under way, too.
    """
    watched = rollout.bake_time + (rollout.analysis.max_wait if rollout.analysis else timedelta(0))
    longest = rollout.max_time or LONGEST_PAUSE + watched
    return {
        "targetType": "PAUSE",
        "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {
            "timeoutInMinutes": minutes(longest),
            "action": "ROLLBACK",
        },
    }
