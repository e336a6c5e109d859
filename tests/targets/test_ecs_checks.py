"""Waits of a rollout on ECS that cannot all be kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from modelway.core.checks import Subject
from modelway.core.config import Analysis, Rollout, RolloutStrategy
from modelway.core.json import JsonObject
from modelway.core.limits import Limit
from modelway.core.problem import Level
from modelway.targets import ecs_checks
from tests.targets.ecs_models import CANARY, SHIFTING, SHOWING, production

COMPARED = replace(CANARY, analysis=Analysis(error_rate_increase=1))
GREEN = replace(CANARY, strategy=RolloutStrategy.BLUE_GREEN, pause=True)


@pytest.mark.parametrize(
    ("settings", "rollout", "longest", "level"),
    [
        (SHOWING, CANARY, 10, Level.ERROR),  # its bake is waited for at the stop before the next share
        (SHOWING, CANARY, 11, None),
        (SHIFTING, CANARY, 10, None),  # ECS bakes by itself
        (SHIFTING, replace(CANARY, pause=True), 10, Level.ERROR),
        (SHIFTING, COMPARED, 20, Level.WARNING),
        (SHIFTING, COMPARED, 21, None),
        (SHOWING, GREEN, 10, None),  # it stops before any traffic only
        (SHOWING, CANARY, None, None),
    ],
)
def test_a_stop_is_long_enough_for_what_is_watched_meanwhile(
    settings: JsonObject, rollout: Rollout, longest: int | None, level: Level | None
) -> None:
    rollout = replace(rollout, max_time=None if longest is None else timedelta(minutes=longest))
    subject = Subject(model="iris", platform="linux/amd64")
    limits = {name: Limit(minimum=1, maximum=20160) for name in ecs_checks.SHAPES}
    found = ecs_checks.check(subject, production(settings, rollout=rollout), limits)
    assert [flaw.level for flaw in found if "max_time" in flaw.path] == ([level] if level else [])
