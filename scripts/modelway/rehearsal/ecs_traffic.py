"""Shifting traffic between a service's two target groups, by the rules its load balancer names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moto.elbv2.models import FakeAction

from modelway.rehearsal.ecs_tasks import Revision
from modelway.rehearsal.elb import find_rule
from modelway.rehearsal.elb_rules import forward
from modelway.rehearsal.parameters import object_of, objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """How a service's tasks are reached: one entry of its ``loadBalancers``."""

    group: str
    alternate: str
    production: str
    """ARN of the production rule; empty for a service that is only ever rolled."""
    test: str
    role: str

    @property
    def groups(self) -> tuple[str, ...]:
        """Its target groups."""
        return tuple(group for group in (self.group, self.alternate) if group)


def balanced(settings: Mapping[str, object]) -> tuple[Balanced, ...]:
    """The ``loadBalancers`` of a service's parameters."""
    listed = settings.get("loadBalancers")
    found = []
    for asked in objects(listed if isinstance(listed, list) else []):
        advanced = object_of(asked, "advancedConfiguration")
        found.append(
            Balanced(
                group=str(asked.get("targetGroupArn") or ""),
                alternate=str(advanced.get("alternateTargetGroupArn") or ""),
                production=str(advanced.get("productionListenerRule") or ""),
                test=str(advanced.get("testListenerRule") or ""),
                role=str(advanced.get("roleArn") or ""),
            )
        )
    return tuple(found)


def choose_groups(
    settings: Mapping[str, object], serving: Revision | None, *, shifts: bool
) -> tuple[str, ...]:
    """The target groups of a new revision: those the serving one has not, where traffic is to be shifted."""
    entries = balanced(settings)
    taken = serving.target_groups if serving else ()
    if shifts:
        return tuple(
            next((group for group in entry.groups if group not in taken), entry.group) for entry in entries
        )
    return tuple(next((group for group in entry.groups if group in taken), entry.group) for entry in entries)


def route(account: str, region: str, rule: str, shares: Mapping[str, float]) -> None:
    """Let a rule forward by these shares in per cent; nothing where there is no such rule any more."""
    found = find_rule(account, region, rule)
    if found is None:
        return
    whole = all(share == int(share) for share in shares.values())
    # Weights are whole numbers up to 999; shares may have one decimal.
    weights = {group: int(share if whole else share * 9.9) for group, share in shares.items()}
    found.actions = [FakeAction(dict(forward(weights)))]
