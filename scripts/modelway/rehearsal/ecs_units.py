"""The containers of one revision of a service: started, checked until healthy, registered, and stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from moto.logs.models import logs_backends

from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_containers import Group, Running, start
from modelway.rehearsal.ecs_health import Patience, await_healthy
from modelway.rehearsal.ecs_limits import Limits
from modelway.rehearsal.ecs_plan import Log, Spec, specs
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.ecs_tasks import Revision, Task
from modelway.rehearsal.elb_targets import MEMBERS, Member
from modelway.rehearsal.log_lines import Line
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.streams import Source, Streams

_NO_ROOM = (
    "was unable to place a task. Reason: Capacity is unavailable at this time. "
    "Please try again later or in a different availability zone"
)
_SETTLED_SECONDS = 40
"""A task without any check counts after 40 seconds (CreateService, minimumHealthyPercent)."""


class NoRoomError(Exception):
    """ECS cannot place the tasks; its text is that of the service's event."""


@dataclass(slots=True, kw_only=True)
class Unit:
    """The containers of one revision, and the tasks they stand for."""

    revision: Revision
    group: Group = field(default_factory=Group)
    members: list[Member] = field(default_factory=list)
    volumes: Mapping[str, str] = field(default_factory=dict)
    is_healthy: bool = False

    def resize(self, tasks: list[Task]) -> None:
        """Stand for these tasks from now on."""
        for member in self.members:
            member.addresses = tuple(task.address for task in tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a unit is started for."""

    place: tuple[str, str]
    """Account and region."""
    revision: Revision
    tasks: list[Task]
    kind: str
    """Launch type or capacity provider."""
    grace: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Starts and stops units."""

    context: Context
    limits: Limits
    streams: Streams

    def start(self, order: Order, unit: Unit, check: Callable[[], None]) -> None:
        """Start the containers of a unit and wait until they are healthy.

        Raises ``NoRoomError``, ``TaskError``, and what ``check`` raises; whoever called stops the unit then.
        """
        if not self.limits.room(order.kind, len(order.tasks)):
            raise NoRoomError(_NO_ROOM)
        revision = order.revision
        planned = specs(self.context, revision.definition, revision.images, order.place)
        with self._logged(order, planned, unit):
            unit.volumes = self._volumes(planned)
            start(self.context, planned, unit.volumes, unit.group, check)
        self._register(order, unit)
        for task in order.tasks:
            task.run()
        patience = Patience(
            longest=self.limits.startup_seconds,
            grace=order.grace,
            settled=max(1.0, _SETTLED_SECONDS / self.context.clock_factor),
        )
        await_healthy(unit.group, unit.members, patience, check)
        unit.is_healthy = True

    def stop(self, unit: Unit) -> None:
        """Deregister a unit, let its requests end, and remove its containers."""
        from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

        for member in unit.members:
            MEMBERS.remove(member)
        unit.group.remove()
        unit.is_healthy = False
        for name in unit.volumes.values():
            try:
                self.context.docker().volumes.get(name).remove()
            except APIError:  # gone already, with the run
                continue

    def _volumes(self, planned: tuple[Spec, ...]) -> Mapping[str, str]:
        """A Docker volume for each the task's containers share."""
        names = sorted({name for spec in planned for name in spec.mounts})
        engine = self.context.docker() if names else None
        made = {}
        for name in names:
            if engine:
                made[name] = str(engine.volumes.create(labels=dict(self.context.labels)).name)
        return made

    def _register(self, order: Order, unit: Unit) -> None:
        """Register the tasks in their target groups."""
        balanced = objects(order.revision.settings.get("loadBalancers"))
        addresses = tuple(task.address for task in order.tasks)
        for asked, target_group in zip(balanced, order.revision.target_groups, strict=True):
            port, running = int(str(asked["containerPort"])), unit.group.running[str(asked["containerName"])]
            running.look()
            member = Member(group=target_group, url=running.url(port), port=port, addresses=addresses)
            unit.members.append(member)
            MEMBERS.add(member)

    @contextmanager
    def _logged(self, order: Order, planned: tuple[Spec, ...], unit: Unit) -> Iterator[None]:
        """Keep what the containers say, also of those that die while starting."""
        account, region = order.place
        for spec in planned:
            if spec.log:
                _check_log_group(account, region, spec.log)
        try:
            yield
        finally:
            task = order.tasks[0].identity
            for name, running in unit.group.running.items():
                if log := running.spec.log:
                    source = Source(account=account, region=log.region or region, group=log.group)
                    self.streams.add(source, _Writer(running, f"{log.prefix}/{name}/{task}"))


@dataclass(frozen=True, slots=True)
class _Writer:
    """A container, and the stream ``awslogs`` writes to: ``prefix/container/task``."""

    running: Running
    stream: str

    def lines(self) -> tuple[Line, ...]:
        """Its last lines."""
        return self.running.lines()


def _check_log_group(account: str, region: str, log: Log) -> None:
    backend = logs_backends[account][log.region or region]
    if log.group in backend.groups:
        return
    if not log.create:
        msg = (
            "ResourceInitializationError: failed to validate logger args: create stream has been retried "
            "1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: "
            "The specified log group does not exist. : exit status 1"
        )
        raise TaskError(msg)
    backend.create_log_group(log.group, {})
