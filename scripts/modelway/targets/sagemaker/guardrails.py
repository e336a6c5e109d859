"""A rollout as SageMaker's deployment guardrails are told it.

SageMaker keeps the clock: one ``UpdateEndpoint`` carries the whole strategy, and alarms are the only
thing that stops it. Ranges: botocore ``sagemaker#DeploymentConfig``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from modelway.core.config import Rollout, RolloutStrategy

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import (
        AutoRollbackConfigTypeDef,
        BlueGreenUpdatePolicyTypeDef,
        DeploymentConfigTypeDef,
        TrafficRoutingConfigTypeDef,
    )

SHORTEST_EXECUTION, LONGEST_EXECUTION = 600, 28800
"""Seconds allowed for ``MaximumExecutionTimeoutInSeconds``."""
_PROVISIONING = 3600
"""Seconds left for instances to start, beside the waits the config asks for."""


def deployment(rollout: Rollout, alarms: Sequence[str], *, urgent: bool) -> DeploymentConfigTypeDef:
    """The ``DeploymentConfig`` of an update; the urgent way back waits for nothing and trusts no alarm."""
    if urgent:
        return {"BlueGreenUpdatePolicy": _all_at_once(0)}
    wait = int(rollout.bake_time.total_seconds())
    config: DeploymentConfigTypeDef = {}
    match rollout.strategy:
        case RolloutStrategy.ROLLING:
            config["RollingUpdatePolicy"] = {
                "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": rollout.step_percent},
                "WaitIntervalInSeconds": wait,
                "MaximumExecutionTimeoutInSeconds": execution_timeout(rollout),
            }
        case RolloutStrategy.ALL_AT_ONCE | RolloutStrategy.BLUE_GREEN:  # a second fleet in both
            config["BlueGreenUpdatePolicy"] = _all_at_once(wait, execution_timeout(rollout))
        case RolloutStrategy.CANARY:
            routing: TrafficRoutingConfigTypeDef = {
                "Type": "CANARY",
                "WaitIntervalInSeconds": wait,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": rollout.canary_percent},
            }
            config["BlueGreenUpdatePolicy"] = _blue_green(routing, rollout)
        case RolloutStrategy.LINEAR:
            routing = {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": wait,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": rollout.step_percent},
            }
            config["BlueGreenUpdatePolicy"] = _blue_green(routing, rollout)
        case _:
            assert_never(rollout.strategy)
    if alarms:
        rollback: AutoRollbackConfigTypeDef = {"Alarms": [{"AlarmName": name} for name in alarms]}
        config["AutoRollbackConfiguration"] = rollback
    return config


def waits(rollout: Rollout) -> timedelta:
    """How long the strategy waits in all."""
    steps = {
        RolloutStrategy.ALL_AT_ONCE: 1,
        RolloutStrategy.BLUE_GREEN: 1,
        RolloutStrategy.CANARY: 2,
        RolloutStrategy.LINEAR: -(-100 // rollout.step_percent),
        RolloutStrategy.ROLLING: -(-100 // rollout.step_percent),
    }
    return rollout.bake_time * steps[rollout.strategy]


def execution_timeout(rollout: Rollout) -> int:
    """Seconds until SageMaker gives up: what the config says, else the waits and time to start."""
    limit = rollout.max_time or waits(rollout) + timedelta(seconds=_PROVISIONING)
    return max(SHORTEST_EXECUTION, min(LONGEST_EXECUTION, int(limit.total_seconds())))


def _all_at_once(wait: int, timeout: int | None = None) -> BlueGreenUpdatePolicyTypeDef:
    """All traffic moves together; the old fleet stays for the wait."""
    policy: BlueGreenUpdatePolicyTypeDef = {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": wait},
        "TerminationWaitInSeconds": 0,
    }
    if timeout:
        policy["MaximumExecutionTimeoutInSeconds"] = timeout
    return policy


def _blue_green(routing: TrafficRoutingConfigTypeDef, rollout: Rollout) -> BlueGreenUpdatePolicyTypeDef:
    """Traffic moves in steps to a whole second fleet."""
    return {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": 0,
        "MaximumExecutionTimeoutInSeconds": execution_timeout(rollout),
    }
