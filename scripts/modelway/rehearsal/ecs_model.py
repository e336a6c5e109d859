"""Services and their deployments as ECS keeps them: state, and what describing says of it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, RLock

from moto.core.utils import utcnow

from modelway.core.json import JsonObject
from modelway.rehearsal.ecs_strategy import Strategy
from modelway.rehearsal.ecs_tasks import Revision, Task
from modelway.rehearsal.ecs_units import Unit
from modelway.rehearsal.endpoints import Answer

_EVENTS = 100
FINAL = frozenset({"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"})
"""States a service deployment stays in."""


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A PAUSE hook that was met."""

    identity: str = field(default_factory=lambda: f"ecs-pause-{secrets.token_urlsafe(32)}")
    status: str = "AWAITING_ACTION"
    expires: datetime
    timeout_action: str

    def describe(self) -> Answer:
        """As in ``lifecycleHookDetails``."""
        return {
            "hookId": self.identity,
            "targetType": "PAUSE",
            "status": self.status,
            "expiresAt": self.expires,
            "timeoutAction": self.timeout_action,
        }


@dataclass(slots=True, kw_only=True)
class Deployment:
    """A service deployment."""

    arn: str
    strategy: Strategy
    config: JsonObject
    """Its DeploymentConfiguration."""
    target: Revision
    sources: tuple[Revision, ...]
    identity: str = field(default_factory=lambda: f"ecs-svc/{secrets.randbelow(10**19):019d}")
    """What the tasks it starts are started by."""
    created: datetime = field(default_factory=utcnow)
    updated: datetime = field(default_factory=utcnow)
    started: datetime | None = None
    finished: datetime | None = None
    status: str = "PENDING"
    reason: str = ""
    stage: str = ""
    hooks: list[Waiting] = field(default_factory=list)
    production: Mapping[str, float] = field(default_factory=dict)
    """Share of production traffic in per cent, by revision."""
    test: Mapping[str, float] = field(default_factory=dict)
    failed_tasks: int = 0
    threshold: int = 0
    breaker_status: str = "DISABLED"
    alarm_status: str = "DISABLED"
    triggered: tuple[str, ...] = ()
    rollback: Answer = field(default_factory=dict)
    superseded: Event = field(default_factory=Event)
    done: Event = field(default_factory=Event)
    """Its thread has ended."""

    @property
    def is_over(self) -> bool:
        """Whether it stays as it is."""
        return self.status in FINAL

    def move(self, status: str, reason: str = "") -> None:
        """Enter a state."""
        now = utcnow()
        self.status, self.updated = status, now
        self.reason = reason or self.reason
        self.started = self.started or now
        if self.is_over:
            self.finished = now

    def enter(self, stage: str) -> None:
        """Enter a lifecycle stage."""
        self.stage, self.updated = stage, utcnow()

    def expect(self, seconds: float, action: str) -> Waiting:
        """Wait at a PAUSE hook, so many seconds of the wall's."""
        hook = Waiting(expires=utcnow() + timedelta(seconds=seconds), timeout_action=action)
        self.hooks.append(hook)
        return hook


@dataclass(slots=True, kw_only=True)
class Service:
    """A service. moto keeps it in its dictionary of services, and tags it by the public names here."""

    account: str
    region: str
    name: str
    arn: str
    cluster_name: str
    cluster_arn: str
    created_by: str
    request: dict[str, object]
    """CreateService's parameters, as UpdateService has changed them."""
    tags: list[dict[str, str]]
    desired: int
    rescale: Callable[[Service, int], None]
    """Changes the desired count."""
    status: str = "ACTIVE"
    created: datetime = field(default_factory=utcnow)
    events: deque[Answer] = field(default_factory=lambda: deque(maxlen=_EVENTS))
    deployments: list[Deployment] = field(default_factory=list)
    """Oldest first."""
    primary: Revision | None = None
    """What it is to run."""
    completed: Revision | None = None
    """What the last successful deployment brought, or went back to."""
    units: dict[str, Unit] = field(default_factory=dict)
    """Running containers by revision."""
    tasks: list[Task] = field(default_factory=list)
    """All that ever were, oldest first."""
    gone: Event = field(default_factory=Event)
    lock: RLock = field(default_factory=RLock)

    @property
    def physical_resource_id(self) -> str:
        """What moto's tagging API calls it."""
        return self.arn

    @property
    def current(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[-1] if self.deployments else None

    def scale(self, count: int) -> None:
        """Run so many tasks from now on."""
        self.rescale(self, count)

    def say(self, text: str) -> None:
        """Add an event."""
        identity = (
            f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
        )
        message = f"(service {self.name}) {text}"
        self.events.appendleft({"id": identity, "createdAt": utcnow(), "message": message})

    def unit(self, revision: Revision | None) -> Unit | None:
        """The containers of a revision, if they run."""
        return self.units.get(revision.arn) if revision else None

    def count(self, status: str, revision: str | None = None) -> int:
        """How many tasks are so, of one revision or of all."""
        return sum(
            task.status == status and revision in {None, task.revision.arn} for task in list(self.tasks)
        )
