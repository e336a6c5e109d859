"""What runs of a service: its units are started, scaled, stopped, and replaced when they die."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread

from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_health import answers
from modelway.rehearsal.ecs_model import Service
from modelway.rehearsal.ecs_placement import launch_kind, launch_type
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.ecs_tasks import Revision, Task
from modelway.rehearsal.ecs_units import NoRoomError, Order, Starter, Unit

_LOOK_EVERY = 1.0
_STOP_SECONDS = 10
_DEPLOYMENT = "Scaling activity initiated by (deployment {})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs the services of all accounts."""

    starter: Starter
    services: list[Service] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """The cloud it is part of."""
        return self.starter.context

    def spawn(self, work: Callable[[], None]) -> None:
        """Do something beside answering; waited for when the cloud stops."""
        thread = Thread(target=work, name="service", daemon=True)
        self._threads[:] = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Start no more containers, and wait for what is being done: the cloud removes containers next."""
        self.stopped.set()
        for service in self.services:
            service.gone.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def start(self, service: Service, revision: Revision, deployment: str, check: Callable[[], None]) -> None:
        """Start a revision's tasks once; raises ``TaskError``, ``NoRoomError``, what ``check`` raises.

        Nothing is left of an attempt that failed but its stopped tasks.
        """
        unit = Unit(revision=revision)
        if not service.desired:
            return
        tasks = [self._task(service, unit, deployment) for _ in range(service.desired)]
        order = Order(
            place=(service.account, service.region),
            revision=revision,
            tasks=tasks,
            kind=launch_kind(revision.settings),
            grace=float(str(service.request.get("healthCheckGracePeriodSeconds") or 0)),
        )
        with service.lock:
            service.units[revision.arn] = unit
            service.tasks.extend(tasks)
        try:
            self.starter.start(order, unit, check)
        except BaseException as error:
            self._drop(service, unit)
            if isinstance(error, NoRoomError):  # never placed, so never there
                service.tasks[:] = [task for task in service.tasks if task not in tasks]
            failure = (
                error
                if isinstance(error, TaskError)
                else TaskError("Task stopped", "ServiceSchedulerInitiated")
            )
            for task in tasks:
                task.fail(failure)
            raise
        named = " ".join(f"(task {task.identity})" for task in tasks)
        service.say(f"has started {len(tasks)} tasks: {named}.")
        for member in unit.members:
            service.say(f"registered {len(tasks)} targets in (target-group {member.group})")

    def start_until_healthy(self, service: Service, revision: Revision, deployment: str) -> None:
        """Start a revision that ran before, as often as it takes; gives up only when the service goes."""
        while not service.gone.is_set():
            try:
                self.start(service, revision, deployment, lambda: None)
            except (TaskError, NoRoomError) as error:
                service.say(str(error))
                service.gone.wait(_LOOK_EVERY)
            else:
                return

    def stop(self, service: Service, revision: Revision) -> None:
        """Stop a revision's tasks, if it has any."""
        unit = service.unit(revision)
        if unit is None:
            return
        stopping = [task for task in service.tasks if task.containers is unit.group and not task.stopped]
        for member in unit.members:
            service.say(f"deregistered {len(stopping)} targets in (target-group {member.group})")
        self._drop(service, unit)
        for task in stopping:
            task.stop("ServiceSchedulerInitiated", _DEPLOYMENT.format(task.deployment))
        if stopping:
            named = " ".join(f"(task {task.identity})" for task in stopping)
            service.say(f"has stopped {len(stopping)} running tasks: {named}.")

    def return_to(self, service: Service, revision: Revision) -> None:
        """Let the service be what it was with this revision."""
        service.primary = revision
        service.request.update(revision.settings)

    def scale(self, service: Service, count: int) -> None:
        """Run so many tasks of what runs; containers start or stop only from and to none."""
        with service.lock:
            before, service.desired = service.desired, count
            running = [unit for unit in service.units.values() if unit.is_healthy]
            for unit in running:
                self._resize(service, unit, count)
        if count and not before and service.primary and service.current and service.current.is_over:
            revision, deployment = service.primary, service.current.identity
            self.spawn(lambda: self.start_until_healthy(service, revision, deployment))
        elif not count:
            for unit in running:
                revision = unit.revision
                self.spawn(lambda revision=revision: self.stop(service, revision))  # type: ignore[misc]  # a default binds it now

    def keep(self) -> None:
        """Replace what dies, until the cloud stops."""
        while not self.stopped.wait(_LOOK_EVERY):
            for service in list(self.services):
                try:
                    self._look(service)
                except Exception:  # noqa: BLE001 - a bug met by one service must not stop the others
                    traceback.print_exc()

    def _look(self, service: Service) -> None:
        for unit in [each for each in list(service.units.values()) if each.is_healthy]:
            failure = unit.group.look()
            for member in unit.members:
                if member.state in {"healthy", "unhealthy"}:
                    member.state = "healthy" if answers(member) else "unhealthy"
            if failure:
                self._replace(service, unit, failure)

    def _replace(self, service: Service, unit: Unit, failure: TaskError) -> None:
        stopping = [task for task in service.tasks if task.containers is unit.group and not task.stopped]
        for task in stopping:
            task.fail(failure)
        deployment = stopping[0].deployment if stopping else ""
        revision = unit.revision
        if self._drop(service, unit):
            self.spawn(lambda: self.start_until_healthy(service, revision, deployment))

    def _resize(self, service: Service, unit: Unit, count: int) -> None:
        """Let a unit stand for so many tasks."""
        live = [task for task in service.tasks if task.containers is unit.group and not task.stopped]
        for task in live[max(1, count) :] if count else ():
            task.stop("ServiceSchedulerInitiated", _DEPLOYMENT.format(task.deployment))
        more = (
            [self._task(service, unit, live[0].deployment) for _ in range(count - len(live))] if live else []
        )
        for task in more:
            task.run()
        service.tasks.extend(more)
        if count:
            unit.resize([*live, *more][:count])

    def _drop(self, service: Service, unit: Unit) -> bool:
        """Stop a unit; whether it was still the service's: nobody replaces what is being stopped."""
        with service.lock:
            there = service.units.get(unit.revision.arn) is unit
            if there:
                del service.units[unit.revision.arn]
        self.starter.stop(unit)
        return there

    def _task(self, service: Service, unit: Unit, deployment: str) -> Task:
        return Task(
            arn=f"{service.cluster_arn.replace(':cluster/', ':task/')}/{secrets.token_hex(16)}",
            cluster=service.cluster_arn,
            group=f"service:{service.name}",
            revision=unit.revision,
            launch_type=launch_type(unit.revision.settings),
            deployment=deployment,
            containers=unit.group,
        )
