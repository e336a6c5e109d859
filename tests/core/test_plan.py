"""Given this state and this wish, these steps: the cases are data in ``tests/cases/plan``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelway.core.config import Analysis, Autoscaling, Capacity
from modelway.core.plan import (
    Blame,
    Goal,
    Need,
    Setback,
    Standing,
    State,
    Waypoint,
    plan,
    plan_back,
    standing,
)
from modelway.core.record import Analysed, Attempt, Checked, Failed, Inconclusive, Passed, Record, Withdrawn
from modelway.core.version import VersionId
from modelway.core.words import describe

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['case']}")
    for path in sorted((Path(__file__).parents[1] / "cases" / "plan").glob("*.yml"))
    for case in yaml.safe_load_all(path.read_text())
]


def _record(name: str, about: Mapping[str, Any]) -> Record:
    attempt, passed = about.get("attempt"), about.get("passed")
    failed, withdrawn = about.get("failed"), about.get("withdrawn")
    analysed, inconclusive = about.get("analysed"), about.get("inconclusive")
    return Record(
        id=VersionId(name),
        digest="sha256:" + "0" * 64,
        attempt=Attempt(number=attempt[0], at=str(attempt[1]), pointer=attempt[2]) if attempt else None,
        passed=Passed(attempt=passed[0], at=str(passed[1]), contract=passed[2]) if passed else None,
        failed=Failed(attempt=failed[0], reason=failed[1]) if failed else None,
        checked=Checked(contract=about["checked"]) if "checked" in about else None,
        analysed=Analysed(attempt=analysed[0], percent=analysed[1]) if analysed else None,
        inconclusive=Inconclusive(attempt=inconclusive[0], reason=inconclusive[1]) if inconclusive else None,
        withdrawn=Withdrawn(reason=withdrawn) if withdrawn else None,
    )


def _capacity(about: Mapping[str, Any] | None) -> Capacity | None:
    if about is None:
        return None
    scaling = about.get("autoscaling")
    return Capacity(instances=about["instances"], autoscaling=scaling and Autoscaling(**scaling))


def _state(about: Mapping[str, Any]) -> State:
    setback = about.get("setback")
    return State(
        records={VersionId(n): _record(n, r or {}) for n, r in about.get("records", {}).items()},
        traffic=about.get("traffic", {}),
        settled=about.get("settled", True),
        modified=about.get("modified"),
        needs=tuple(Need(id=n, words=f"make {n}") for n in about.get("needs", [])),
        setback=Setback(blame=Blame(setback[0]), reason=setback[1]) if setback else None,
        capacity=_capacity(about.get("capacity")),
        soaked=about.get("soaked", 0.0),
        leftovers=tuple(VersionId(n) for n in about.get("leftovers", [])),
    )


def _waypoint(percent: int, soak: float = 0, more: Mapping[str, Any] | None = None) -> Waypoint:
    least = (more or {}).get("analysis")
    analysis = Analysis(error_rate_increase=1, min_requests=least) if least else None
    return Waypoint(percent=percent, soak=soak, analysis=analysis, pause=bool(more and more.get("pause")))


def _goal(about: Mapping[str, Any]) -> Goal:
    points = about.get("waypoints", [[100]])
    return Goal(
        version=VersionId(about["version"]),
        contract=about.get("contract"),
        waypoints=tuple(_waypoint(*point) for point in points),
        go_on=about.get("go_on", False),
        early=about.get("early", False),
        capacity=_capacity(about.get("capacity")),
        keep=about.get("keep"),
    )


@pytest.mark.parametrize("case", CASES)
def test_given_this_state_and_this_wish_these_steps(case):
    state, goal = _state(case["state"]), _goal(case["goal"])
    assert [describe(step) for step in plan(goal, state)] == case["steps"]
    if "back" in case:
        assert [describe(step) for step in plan_back(goal, state)] == case["back"]
    assert standing(goal.version, state) == Standing(case.get("standing", "new"))


def test_what_belongs_to_the_pointer_is_changed_once_the_version_has_passed() -> None:
    """A URL that a version takes away is not missed by the callers of the one that serves, if it fails."""
    needs = (Need(id="url", words="remove the URL", late=True), Need(id="artifact", words="copy it"))
    goal = Goal(version=VersionId("new"), contract="c", early=True, capacity=Capacity(instances=2))
    told = [describe(step) for step in plan(goal, State(needs=needs))]
    assert told[0] == "copy it"
    assert told[-2] == "remove the URL"
    assert "contract tests" in told[-3]
    assert "capacity" in told[-1]
