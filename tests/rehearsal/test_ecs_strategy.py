"""What a DeploymentConfiguration means, and what ECS would refuse."""

from __future__ import annotations

import pytest

from modelway.core.json import JsonObject
from modelway.rehearsal.ecs_refusals import invalid
from modelway.rehearsal.ecs_strategy import Breaker, Step, filled, strategy
from modelway.rehearsal.wire import NotRehearsed

Refused = type(invalid(""))


def canary(percent: float, bake: int) -> JsonObject:
    configured: JsonObject = {"canaryPercent": percent, "canaryBakeTimeInMinutes": bake}
    return {"strategy": "CANARY", "canaryConfiguration": configured}


def test_a_canary_has_its_share_bakes_and_then_gets_all() -> None:
    assert strategy(canary(12.5, 3)).steps == (Step(12.5, 180), Step(100, 0))
    assert strategy({"strategy": "CANARY"}).steps == (Step(5, 600), Step(100, 0))


def test_linear_steps_are_equal_and_the_last_one_does_not_bake() -> None:
    linear: JsonObject = {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1}
    told = strategy({"strategy": "LINEAR", "linearConfiguration": linear})
    assert told.steps == (Step(40, 60), Step(80, 60), Step(100, 0))


def test_rolling_is_what_nobody_asks_for() -> None:
    told = strategy({})
    assert (told.kind, told.shifts, told.breaker, told.alarms) == ("ROLLING", False, None, None)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"strategy": "BLUE_GREEN"}, "bakeTimeInMinutes is required"),
        (canary(0.05, 1), "multiple of 0.1"),
        (canary(5, 1441), "between 0 and 1440"),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}}, "between 3.0"),
        ({"strategy": "SLOWLY"}, "Invalid deployment strategy"),
        (
            {
                "strategy": "CANARY",
                "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}],
            },
            "cannot be used at the stages",
        ),
        (
            {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}]},
            "not supported with the ROLLING",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(config: JsonObject, words: str) -> None:
    with pytest.raises(Refused, match=words):
        strategy(config)


def test_hooks_that_call_functions_are_not_rehearsed() -> None:
    hook: JsonObject = {"hookTargetArn": "arn", "lifecycleStages": ["POST_SCALE_UP"]}
    with pytest.raises(NotRehearsed, match="Lambda"):
        strategy({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]})


@pytest.mark.parametrize(
    ("kind", "value", "desired", "threshold"),
    [
        ("BOUNDED_PERCENT", 50, 2, 3),
        ("BOUNDED_PERCENT", 50, 20, 10),
        ("BOUNDED_PERCENT", 50, 1000, 200),
        ("UNBOUNDED_PERCENT", 50, 1, 1),
        ("COUNT", 7, 100, 7),
    ],
)
def test_the_circuit_breaker_trips_at_its_threshold(
    kind: str, value: int, desired: int, threshold: int
) -> None:
    assert Breaker(rollback=True, kind=kind, value=value).threshold(desired) == threshold


def test_what_is_described_has_what_ecs_fills_in() -> None:
    told = filled({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 20.0}})
    assert told["canaryConfiguration"] == {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 10}
    assert (told["maximumPercent"], told["minimumHealthyPercent"]) == (200, 100)
