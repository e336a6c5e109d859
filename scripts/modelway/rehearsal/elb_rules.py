"""Which rule of a listener a request meets, and what that does: pure, over what ELB's API keeps.

docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.parameters import object_of, objects

FIELDS = frozenset({"path-pattern", "host-header", "http-header", "http-request-method"})
"""Conditions a request can be told by here."""
ACTIONS = frozenset({"forward", "fixed-response"})
"""What a rule can do here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What of a request rules look at."""

    method: str
    path: str
    """Without its query."""
    host: str
    headers: Mapping[str, str]
    """By lower-case name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as ELB keeps it."""

    arn: str
    priority: int | None
    """``None`` for the default rule, which comes last."""
    conditions: Sequence[JsonObject]
    action: JsonObject


@dataclass(frozen=True, slots=True)
class Fixed:
    """An answer of the balancer's own."""

    status: int
    content_type: str
    body: str


def first_match(rules: Sequence[Rule], question: Question) -> Rule | None:
    """The rule of the lowest priority whose conditions all hold."""
    last = float("inf")
    in_order = sorted(rules, key=lambda rule: last if rule.priority is None else rule.priority)
    matching = (rule for rule in in_order if all(_holds(each, question) for each in rule.conditions))
    return next(matching, None)


def weights(action: JsonObject) -> Mapping[str, int]:
    """The weight of each target group a forward action names; one that is alone has it all."""
    listed = objects(object_of(action, "ForwardConfig").get("TargetGroups"))
    if listed:
        return {str(each["TargetGroupArn"]): int(str(each.get("Weight", 1))) for each in listed}
    return {str(action["TargetGroupArn"]): 1} if action.get("TargetGroupArn") else {}


def fixed(action: JsonObject) -> Fixed | None:
    """The answer of a fixed-response action; ``None`` for any other."""
    if action.get("Type") != "fixed-response":
        return None
    said = object_of(action, "FixedResponseConfig")
    return Fixed(
        int(str(said["StatusCode"])),
        str(said.get("ContentType") or "text/plain"),
        str(said.get("MessageBody") or ""),
    )


def forward(shares: Mapping[str, int]) -> JsonObject:
    """A forward action with these weights."""
    groups: Json = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in shares.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def _holds(condition: JsonObject, question: Question) -> bool:
    match condition.get("Field"):
        case "path-pattern":
            return _any_like(_values(condition, "PathPatternConfig"), question.path, any_case=False)
        case "host-header":
            return _any_like(_values(condition, "HostHeaderConfig"), question.host, any_case=True)
        case "http-request-method":
            return question.method in _values(condition, "HttpRequestMethodConfig")
        case "http-header":
            name = str(object_of(condition, "HttpHeaderConfig")["HttpHeaderName"]).lower()
            said = question.headers.get(name)
            wanted = _values(condition, "HttpHeaderConfig")
            return said is not None and _any_like(wanted, said, any_case=True)
        case _:
            return False


def _values(condition: JsonObject, config: str) -> list[str]:
    values = object_of(condition, config).get("Values") or condition.get("Values")
    return [str(value) for value in values] if isinstance(values, list) else []


def _any_like(patterns: Sequence[str], text: str, *, any_case: bool) -> bool:
    """Whether one of the patterns, with ``*`` and ``?``, is this text."""
    flags = re.IGNORECASE if any_case else re.NOFLAG
    wild = {"*": ".*", "?": "."}
    expressions = ("".join(wild.get(char, re.escape(char)) for char in pattern) for pattern in patterns)
    return any(re.fullmatch(expression, text, flags) for expression in expressions)
