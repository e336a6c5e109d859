"""Who stands behind target groups: real containers, their health, and the requests they are at.

One container stands for all tasks of a revision, so one member stands for as many targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Literal, TypeAlias

State: TypeAlias = Literal["initial", "healthy", "unhealthy", "draining"]

_DRAIN_SECONDS = 10
_SAID: Mapping[State, tuple[str, str]] = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}


@dataclass(slots=True, kw_only=True)
class Member:
    """One container in one target group."""

    group: str
    """ARN of the target group."""
    url: str
    """``http://host:port`` of the container's port."""
    port: int
    """The port inside the container, as the target group's targets have it."""
    addresses: tuple[str, ...]
    """The tasks' private addresses it stands for."""
    state: State = "initial"
    reason: str = ""
    _asked: int = 0
    _idle: Condition = field(default_factory=Condition)

    def enter(self) -> None:
        """A request is on its way; the container stays until ``leave``."""
        with self._idle:
            self._asked += 1

    def leave(self) -> None:
        """The request was answered."""
        with self._idle:
            self._asked -= 1
            self._idle.notify_all()

    def drain(self) -> None:
        """Take no more requests, and let those under way end."""
        self.state = "draining"
        with self._idle:
            self._idle.wait_for(lambda: self._asked <= 0, timeout=_DRAIN_SECONDS)

    def describe(self, check_port: str) -> Iterator[dict[str, object]]:
        """The TargetHealthDescription of every task it stands for."""
        reason, description = _SAID.get(self.state, ("", ""))
        health: dict[str, object] = {"State": self.state}
        if reason:
            health |= {"Reason": self.reason or reason, "Description": description}
        for address in self.addresses:
            target = {"Id": address, "Port": self.port}
            yield {"Target": target, "HealthCheckPort": check_port, "TargetHealth": health}


@dataclass(frozen=True, slots=True)
class Members:
    """The members of all target groups of all accounts."""

    _members: list[Member] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, member: Member) -> None:
        """Register a container."""
        with self._lock:
            self._members.append(member)

    def remove(self, member: Member) -> None:
        """Deregister it: no new request, those under way end, then it is gone."""
        member.drain()
        with self._lock:
            self._members[:] = [each for each in self._members if each is not member]

    def of(self, group: str) -> Sequence[Member]:
        """The members of one target group."""
        with self._lock:
            return [member for member in self._members if member.group == group]

    def serving(self, group: str) -> Sequence[Member]:
        """Those of one group that requests go to: the healthy ones, or all if none is (ELB fails open)."""
        there = [member for member in self.of(group) if member.state != "draining"]
        return [member for member in there if member.state == "healthy"] or there


MEMBERS = Members()
"""Those of this process's load balancers."""


def matches(matcher: str, status: int) -> bool:
    """Whether a status is one of a matcher, as ``200-299,404``."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False
