"""IAM policies as values: statements, how they are merged, and the documents AWS takes.

Grammar: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from modelway.core.json import Json, JsonObject

VERSION = "2012-10-17"
MANAGED_LIMIT, INLINE_LIMIT, TRUST_LIMIT = 6_144, 10_240, 2_048
"""Characters without white space of a managed policy, of all inline policies of a role, of a trust policy
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Condition:
    """One test of a request, as in ``StringEquals iam:PassedToService sagemaker.amazonaws.com``."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Statement:
    """Actions that are allowed on resources."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    conditions: tuple[Condition, ...] = ()


Statements: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What a place needs of its account."""

    plan: Statements
    """To look."""
    deploy: Statements
    """To act, beside what looking needs."""
    retire: Statements
    """To remove the model for good, beside what looking needs."""


def allow(*actions: str, on: Iterable[str] = ("*",), when: Iterable[Condition] = ()) -> Statement:
    """A statement, its parts in order."""
    return Statement(
        actions=tuple(sorted(actions)), resources=tuple(sorted(set(on))), conditions=tuple(sorted(when))
    )


def equals(key: str, *values: str) -> Condition:
    """The request's value is one of these."""
    return Condition(operator="StringEquals", key=key, values=values)


def merged(statements: Iterable[Statement]) -> Statements:
    """The same permissions in fewer statements: never an action on a resource it was not allowed on."""
    actions: dict[tuple[tuple[str, ...], tuple[Condition, ...]], set[str]] = defaultdict(set)
    by_action: dict[tuple[str, tuple[Condition, ...]], set[str]] = defaultdict(set)
    for statement in statements:
        for action in statement.actions:
            by_action[action, statement.conditions].update(statement.resources)
    for (action, conditions), resources in by_action.items():
        narrowed = ("*",) if "*" in resources else tuple(sorted(resources))
        actions[narrowed, conditions].add(action)
    return tuple(
        sorted(
            Statement(actions=tuple(sorted(names)), resources=resources, conditions=conditions)
            for (resources, conditions), names in actions.items()
        )
    )


def document(statements: Iterable[Statement]) -> JsonObject:
    """The policy AWS takes."""
    return {"Version": VERSION, "Statement": [statement_json(one) for one in statements]}


def statement_json(statement: Statement) -> JsonObject:
    """One statement as AWS writes it."""
    told: dict[str, Json] = {
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
    }
    if statement.conditions:
        told["Condition"] = conditions_json(statement.conditions)
    return told


def conditions_json(conditions: Iterable[Condition]) -> JsonObject:
    """Conditions by operator and key."""
    told: dict[str, dict[str, Json]] = defaultdict(dict)
    for condition in conditions:
        values = condition.values
        told[condition.operator][condition.key] = values[0] if len(values) == 1 else list(values)
    return dict(told)


def size(policy: JsonObject) -> int:
    """Characters AWS counts: white space does not."""
    return len(json.dumps(policy, separators=(",", ":")))


def allows(statements: Iterable[Statement], action: str, resource: str) -> bool:
    """Whether a policy lets an action on a resource pass, its conditions taken as met."""
    return any(covers(statement, action, resource) for statement in statements)


def covers(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement is about this action on this resource; ``*`` and ``?`` are IAM's own signs."""
    return action in statement.actions and any(
        fnmatchcase(resource, pattern.replace("[", "[[]")) for pattern in statement.resources
    )
