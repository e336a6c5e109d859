"""How requests reach somebody else's service: its target groups, and the listener rule that names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import translated
from modelway.core.adoption import Site
from modelway.core.json import Json
from modelway.core.naming import role_name

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecs.type_defs import LoadBalancerTypeDef
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import RuleTypeDef

    _Rank = tuple[int, bool, int, str]

_APPLICATION = ":loadbalancer/app/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The way of requests, in a config's terms."""

    settings: dict[str, Json] = field(default_factory=dict)
    port: int | None = None
    """The container's that is asked."""
    shifts: bool = False
    """Whether there are two target groups."""
    unsaid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def balancing(session: boto3.Session, site: Site, listed: Sequence[LoadBalancerTypeDef]) -> Routes:
    """What of it a config says, and what none does."""
    if not listed:
        note = "It has no load balancer: write the address to ask in settings.url."
        return Routes(notes=(note,))
    if len(listed) > 1:
        return Routes(unsaid=(f"{len(listed)} load balancers of one service",))
    [one] = listed
    group, port = one.get("targetGroupArn", ""), one.get("containerPort")
    if not group:
        return Routes(port=port, unsaid=("a Classic Load Balancer",))
    more = one.get("advancedConfiguration")
    if more:
        told: dict[str, Json] = {
            "target_groups": [group, more.get("alternateTargetGroupArn", "")],
            "listener_rule": more.get("productionListenerRule", ""),
            "infrastructure_role": role_name(more.get("roleArn", ""), site.account),
        }
        if test := more.get("testListenerRule"):
            told["test_listener_rule"] = test
        return Routes(settings={"load_balancer": told}, port=port, shifts=True)
    return _looked_for(session.client("elbv2", config=patient()), group, port)


def _looked_for(client: ElasticLoadBalancingv2Client, group: str, port: int | None) -> Routes:
    """The rule that sends requests to the group: the service does not name it."""
    with translated(f"look for the listener rules of {group}", service="elasticloadbalancing"):
        rules = [*_rules(client, group)]
    name = group.split("/")[1]
    if not rules:
        return Routes(
            port=port, unsaid=(f"the target group {name} behind no Application Load Balancer's rule",)
        )
    _, first = rules[0]
    if others := _targets(first) - {group}:
        shared = ", ".join(sorted(other.split("/")[1] for other in others))
        return Routes(port=port, unsaid=(f"traffic of {name} that is shared with {shared}",))
    told: dict[str, Json] = {"target_groups": [group], "listener_rule": first.get("RuleArn", "")}
    chosen = f"{len(rules)} listener rules lead to it; it is asked by {first.get('RuleArn', '')}."
    return Routes(settings={"load_balancer": told}, port=port, notes=(chosen,) if rules[1:] else ())


def _rules(client: ElasticLoadBalancingv2Client, group: str) -> Iterator[tuple[_Rank, RuleTypeDef]]:
    """Every rule that leads to the group, in the order of port and priority, a listener's default last."""
    found = client.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    balancers = [arn for one in found for arn in one.get("LoadBalancerArns", []) if _APPLICATION in arn]
    rules = []
    for balancer in balancers:
        pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=balancer)
        for listener in (each for page in pages for each in page["Listeners"]):
            listed = client.get_paginator("describe_rules").paginate(ListenerArn=listener["ListenerArn"])
            rules += [
                (_rank(listener.get("Port", 0), rule), rule)
                for page in listed
                for rule in page["Rules"]
                if group in _targets(rule)
            ]
    yield from sorted(rules, key=lambda each: each[0])


def _rank(port: int, rule: RuleTypeDef) -> _Rank:
    """A default rule's priority is a word."""
    text, arn = rule.get("Priority", ""), rule.get("RuleArn", "")
    return port, rule.get("IsDefault", False), int(text) if text.isdigit() else 0, arn


def _targets(rule: RuleTypeDef) -> set[str]:
    """The groups a rule sends requests to; one of weight 0 gets none."""
    found = set()
    for action in rule.get("Actions", []):
        forward = (action.get("ForwardConfig") or {}).get("TargetGroups", [])
        found |= {one.get("TargetGroupArn", "") for one in forward if one.get("Weight", 1)}
        if not forward and action.get("TargetGroupArn"):
            found.add(action["TargetGroupArn"])
    return found
