"""What a place's permissions allow, held against the calls that were made: both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from modelway.core.iam import Permissions, allows

ROLES = {"modelway-deploy", "modelway-plan", "modelway-retire"}
SCALING_ALARMS = "alarm:TargetTracking-"
"""Application Auto Scaling makes and deletes them in the caller's name; the rehearsal does so itself."""

Call: TypeAlias = Mapping[str, Any]
Needed: TypeAlias = Callable[[Call], Iterator[tuple[str, str]]]
"""Actions and resources that a call needs."""


def by_roles(calls: Sequence[Call]) -> list[Call]:
    """Those of one of the three roles."""
    return [call for call in calls if any(f"assumed-role/{role}/" in call["principal"] for role in ROLES)]


def refused(granted: Permissions, calls: Sequence[Call], needed: Needed) -> set[tuple[str, str, str]]:
    """Role, action and resource of what was called and is not allowed; every role has to have called."""
    policies = {
        "modelway-deploy": (*granted.deploy, *granted.plan),
        "modelway-plan": granted.plan,
        "modelway-retire": (*granted.retire, *granted.plan),
    }
    assert len(calls) > 100
    assert {call["principal"].split("/")[1] for call in calls} == ROLES
    return {
        (role, action, resource)
        for call in calls
        for action, resource in needed(call)
        if not allows(policies[role := call["principal"].split("/")[1]], action, resource)
    }


def unused(
    granted: Permissions, calls: Sequence[Call], needed: Needed, besides: Mapping[str, str]
) -> set[tuple[str, tuple[str, ...]]]:
    """What is allowed and no call needed, besides the actions that are not rehearsed."""
    by = {
        role: {action for call in calls if f"/{role}/" in call["principal"] for action, _ in needed(call)}
        for role in ROLES
    }
    acting = {**by, "modelway-deploy": by["modelway-deploy"] | by["modelway-plan"]}
    return {
        (action, statement.resources)
        for role, statements in (
            ("modelway-deploy", (*granted.deploy, *granted.plan)),
            ("modelway-retire", granted.retire),
        )
        for statement in statements
        for action in statement.actions
        if action not in acting[role]
        and action not in besides
        and SCALING_ALARMS not in statement.resources[0]
    }
