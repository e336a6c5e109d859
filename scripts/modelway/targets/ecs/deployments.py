"""ECS's service deployments as values: how far one has come, what it replaces, and how it ended.

The stock waiter is not used anywhere: ``services_stable`` is true after a rollback, and of a service scaled
to zero. What counts is which revision a deployment left serving.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from modelway.core.plan import FULL

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DeploymentConfigurationOutputTypeDef,
        ServiceDeploymentTypeDef,
        ServiceRevisionSummaryTypeDef,
    )

ACTIVE = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
SUCCESSFUL, ROLLED_BACK = "SUCCESSFUL", "ROLLBACK_SUCCESSFUL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One service revision in a deployment."""

    revision: str
    """ARN of the service revision."""
    weight: float = 0.0
    """Percent of the production traffic it is to have."""
    running: int = 0
    requested: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A stop in a deployment."""

    id: str
    status: str
    """``AWAITING_ACTION`` until somebody says whether it goes on; then how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One service deployment."""

    arn: str
    status: str
    created: datetime
    stage: str = ""
    reason: str = ""
    """Why it is as it is, in ECS's words."""
    started: datetime | None = None
    updated: datetime | None = None
    finished: datetime | None = None
    target: Side | None = None
    sources: tuple[Side, ...] = ()
    hooks: tuple[Hook, ...] = ()
    restored: str | None = None
    """ARN of the revision it was rolled back to."""
    tripped: bool = False
    """The circuit breaker ended it."""
    alarms: tuple[str, ...] = ()
    """The alarms that ended it."""
    bake: int = 0
    """Minutes both revisions ran on with all traffic moved."""
    shares: tuple[int, ...] = ()
    """Percent of the traffic the new revision gets, one after the other: ECS keeps to what it began with.

    Empty where nobody knows.
    """

    @property
    def active(self) -> bool:
        """Whether it is under way."""
        return self.status in ACTIVE

    @property
    def waiting(self) -> Hook | None:
        """The stop at which it waits to be told to go on."""
        if self.status != "IN_PROGRESS":
            return None
        return next((hook for hook in self.hooks if hook.status == "AWAITING_ACTION"), None)

    @property
    def judged(self) -> bool:
        """Whether ECS itself says in fields, not only in words, what ended it."""
        return self.tripped or bool(self.alarms) or any(hook.status == "TIMED_OUT" for hook in self.hooks)

    @property
    def modified(self) -> str:
        """When it began, once it has ended when it ended: a deployment taken back is another moment."""
        ended = self.finished if not self.active else None
        return (ended or self.created).isoformat()

    @property
    def share(self) -> int:
        """Percent of the traffic the new revision has."""
        return round(self.target.weight) if self.target else 0

    @property
    def following(self) -> int:
        """The share the new revision gets next; 0 where nobody knows."""
        return next((share for share in self.shares if share > self.share), 0)

    @property
    def source(self) -> str | None:
        """The one revision it replaces."""
        return self.sources[0].revision if len(self.sources) == 1 else None

    @property
    def serving(self) -> str | None:
        """The revision that has all traffic now that it has ended; nobody knows after a broken rollback."""
        if self.status == SUCCESSFUL:
            return self.target.revision if self.target else None
        return (self.restored or self.source) if self.status == ROLLED_BACK else None


def read(raw: ServiceDeploymentTypeDef) -> Deployment:
    """A deployment as ``DescribeServiceDeployments`` tells it; what ECS leaves out is not there."""
    # The stubs promise every member; ECS leaves out what does not apply.
    breaker = raw.get("deploymentCircuitBreaker") or {}
    alarms = raw.get("alarms") or {}
    rollback = raw.get("rollback") or {}
    configured: DeploymentConfigurationOutputTypeDef = raw.get("deploymentConfiguration") or {}
    return Deployment(
        arn=raw["serviceDeploymentArn"],
        status=raw["status"],
        created=raw["createdAt"],
        stage=raw.get("lifecycleStage", ""),
        reason=": ".join(_said(raw.get("statusReason"), rollback.get("reason"))),
        started=raw.get("startedAt"),
        updated=raw.get("updatedAt"),
        finished=raw.get("finishedAt") or raw.get("stoppedAt"),
        target=_side(raw["targetServiceRevision"]) if raw.get("targetServiceRevision") else None,
        sources=tuple(_side(one) for one in raw.get("sourceServiceRevisions", [])),
        hooks=tuple(
            Hook(id=hook.get("hookId", ""), status=hook.get("status", ""))
            for hook in raw.get("lifecycleHookDetails", [])
        ),
        restored=rollback.get("serviceRevisionArn"),
        tripped=breaker.get("status") == "TRIGGERED",
        alarms=tuple(alarms.get("triggeredAlarmNames", [])),
        bake=configured.get("bakeTimeInMinutes") or 0,
        shares=_shares(configured),
    )


def _shares(configured: DeploymentConfigurationOutputTypeDef) -> tuple[int, ...]:
    """Where a deployment stops on its way to all of the traffic; nothing where ECS does not say."""
    canary, linear = configured.get("canaryConfiguration", {}), configured.get("linearConfiguration", {})
    match configured.get("strategy"):
        case "CANARY" if percent := canary.get("canaryPercent"):
            return (round(percent), FULL)
        case "LINEAR" if step := linear.get("stepPercent"):
            return (*(round(step * count) for count in range(1, ceil(FULL / step))), FULL)
        case "BLUE_GREEN" | "ROLLING":
            return (FULL,)
        case _:
            return ()


def _side(raw: ServiceRevisionSummaryTypeDef) -> Side:
    """One revision's part."""
    return Side(
        revision=raw["arn"],
        weight=raw.get("requestedProductionTrafficWeight", 0.0),
        running=raw.get("runningTaskCount", 0),
        requested=raw.get("requestedTaskCount", 0),
    )


def _said(*texts: str | None) -> Iterator[str]:
    """What was said, each once."""
    told: set[str] = set()
    for text in texts:
        if text and text not in told:
            told.add(text)
            yield text


def progress(service: str, deployment: Deployment) -> str:
    """What ECS is doing, in its own words."""
    target = deployment.target
    details = [deployment.stage] if deployment.stage else []
    if target:
        details.append(f"{target.running} of {target.requested} new tasks run")
        if target.weight:
            details.append(f"{target.weight:g} % of the traffic")
    detail = f" ({', '.join(details)})" if details else ""
    return f"service {service}: {deployment.status}{detail}"
