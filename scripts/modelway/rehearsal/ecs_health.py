"""Whether a task is healthy: its containers' own checks, and those of its target groups."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

import urllib3
from moto.elbv2.models import FakeTargetGroup, elbv2_backends

from modelway.core.json import Json
from modelway.rehearsal.ecs_containers import Group, Running
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.elb_targets import Member, matches

_LOOK_EVERY = 0.1
_http = urllib3.PoolManager(maxsize=16, num_pools=64, retries=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a task may take, in seconds of the wall: containers start as fast as they do."""

    longest: float
    grace: float
    """``healthCheckGracePeriodSeconds``."""
    settled: float
    """How long a task without any check has to run until it counts."""

    def seconds(self, group: Group, members: Sequence[Member]) -> float:
        """Until it is given up."""
        waits = [self.grace, *(_container_wait(each) for each in group.running.values())]
        waits += [_group_wait(target_group(member.group)) for member in members]
        return min(self.longest, max(waits))


def await_healthy(
    group: Group, members: Sequence[Member], patience: Patience, check: Callable[[], None]
) -> None:
    """Wait until all checks pass; raises ``TaskError`` where they do not, and what ``check`` raises."""
    began, pause = time.monotonic(), Event()
    checked = [each for each in group.running.values() if each.spec.check]
    is_checked = bool(checked or members)
    seconds = patience.seconds(group, members) if is_checked else patience.settled
    while True:
        check()
        if failure := group.look():
            raise failure
        _look(checked, members)
        late = time.monotonic() - began > seconds
        if _all_pass(checked, members) if is_checked else late:
            return
        if late:
            raise _unhealthy(checked, members)
        pause.wait(_LOOK_EVERY)


def _look(checked: Sequence[Running], members: Sequence[Member]) -> None:
    for each in checked:
        if each.status == "RUNNING" and each.health != "HEALTHY" and _passes(each):
            each.health = "HEALTHY"
    for member in members:
        if member.state != "healthy" and answers(member):
            member.state = "healthy"


def _all_pass(checked: Sequence[Running], members: Sequence[Member]) -> bool:
    essential = all(each.health == "HEALTHY" for each in checked if each.spec.essential)
    return essential and all(member.state == "healthy" for member in members)


def answers(member: Member) -> bool:
    """Whether a container passes the check of its target group now."""
    group = target_group(member.group)
    if group is None:
        return False
    timeout = float(group.health_check_timeout_seconds)
    try:
        answer = _http.request("GET", member.url + (group.health_check_path or "/"), timeout=timeout)
    except urllib3.exceptions.TimeoutError:
        member.reason = "Target.Timeout"
        return False
    except urllib3.exceptions.HTTPError:
        member.reason = "Target.FailedHealthChecks"
        return False
    member.reason = "Target.ResponseCodeMismatch"
    return matches(str(group.matcher.get("HttpCode", "200")), answer.status)


def target_group(arn: str) -> FakeTargetGroup | None:
    """The target group, if there is one."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return elbv2_backends[account][region].target_groups.get(arn)


def _unhealthy(checked: Sequence[Running], members: Sequence[Member]) -> TaskError:
    for each in checked:
        if each.health != "HEALTHY":
            each.health = "UNHEALTHY"
            return TaskError("Task failed container health checks", "ServiceSchedulerInitiated")
    for member in members:
        if member.state != "healthy":
            member.state = "unhealthy"
    sick = next(member.group for member in members if member.state == "unhealthy")
    return TaskError(f"Task failed ELB health checks in (target-group {sick})", "ServiceSchedulerInitiated")


def _passes(running: Running) -> bool:
    """Run a container's own check in it, as ``HEALTHCHECK`` does."""
    from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

    match running.spec.check.get("command"):
        case ["CMD-SHELL", str(line)]:
            command = ["/bin/sh", "-c", line]
        case ["CMD", *words]:
            command = [str(word) for word in words]
        case _:
            return False
    try:
        return running.container.exec_run(command).exit_code == 0
    except APIError:  # it ended meanwhile
        return False


def _container_wait(running: Running) -> float:
    check = running.spec.check
    if not check:
        return 0.0
    period, interval, retries = (
        _number(check.get(name), default)
        for name, default in (("startPeriod", 0), ("interval", 30), ("retries", 3))
    )
    return period + interval * retries


def _group_wait(group: FakeTargetGroup | None) -> float:
    if group is None:
        return 0.0
    return float(group.health_check_interval_seconds) * float(group.unhealthy_threshold_count)


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
