"""The real containers of one task: started in the order of their dependencies, watched, and stopped.

They stand for every task of a revision; a laptop has no room for more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.rehearsal.bridge import bridge_of
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_plan import Spec
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.log_lines import Line, lines

if TYPE_CHECKING:
    from docker.models.containers import Container

_LOOK_EVERY = 0.1
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_ESSENTIAL = "Essential container in task exited"
_STOP_SECONDS = 2


@dataclass(slots=True, kw_only=True)
class Running:
    """One container that was started."""

    spec: Spec
    container: Container
    status: str = "RUNNING"
    exit_code: int | None = None
    reason: str = ""
    health: str = "UNKNOWN"
    _last_lines: tuple[Line, ...] | None = None

    def look(self) -> None:
        """Notice that it has ended."""
        from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

        if self.status == "STOPPED":
            return
        try:
            self.container.reload()
        except APIError:
            self.status = "STOPPED"
            return
        if self.container.status in {"exited", "dead"}:
            state = self.container.attrs["State"]
            self.status, self.exit_code = "STOPPED", int(state["ExitCode"])
            self.reason = _OUT_OF_MEMORY if state.get("OOMKilled") else ""

    def url(self, port: int) -> str:
        """Where this machine reaches a port of it; empty until there is one."""
        bound = self.container.ports.get(f"{port}/tcp")
        return f"http://{bound[0]['HostIp']}:{bound[0]['HostPort']}" if bound else ""

    def lines(self) -> tuple[Line, ...]:
        """Its last log lines, also after it is gone."""
        return lines(self.container) if self._last_lines is None else self._last_lines

    def remove(self) -> None:
        """Ask it to end, keep its last lines and its exit code, remove it."""
        from docker.errors import APIError  # noqa: PLC0415 - as above

        if self._last_lines is not None:
            return
        try:
            self.container.stop(timeout=_STOP_SECONDS)
        except APIError:
            self.status = "STOPPED"
        self.look()
        self._last_lines = lines(self.container)
        discard(self.container)


@dataclass(slots=True)
class Group:
    """All containers of one task."""

    running: dict[str, Running] = field(default_factory=dict)

    def look(self) -> TaskError | None:
        """Look at all; an error once an essential one has ended."""
        for each in self.running.values():
            each.look()
            if each.spec.essential and each.status == "STOPPED":
                return TaskError(_ESSENTIAL, "EssentialContainerExited")
            if each.health == "UNHEALTHY" and each.spec.essential:
                return TaskError("Task failed container health checks", "ServiceSchedulerInitiated")
        return None

    def remove(self) -> None:
        """Stop and remove all, the last started first."""
        for each in reversed(list(self.running.values())):
            each.remove()


def start(
    context: Context,
    specs: tuple[Spec, ...],
    volumes: Mapping[str, str],
    group: Group,
    check: Callable[[], None],
) -> None:
    """Start every container into the group; ``volumes`` are Docker's names of the task's.

    ``check`` is called while waiting, and may raise. Raises ``TaskError``.
    """
    for spec in specs:
        for name, condition in spec.depends_on.items():
            _await(group, group.running[name], condition, check)
        group.running[spec.name] = Running(spec=spec, container=_run(context, spec, volumes))


def _await(group: Group, other: Running, condition: str, check: Callable[[], None]) -> None:
    """Wait for what a container depends on; raises ``TaskError`` where that cannot come any more."""
    while True:
        check()
        failure = group.look()
        ended = other.status == "STOPPED"
        if condition == "START" or (condition == "HEALTHY" and other.health == "HEALTHY"):
            return
        if ended and (condition == "COMPLETE" or (condition == "SUCCESS" and other.exit_code == 0)):
            return
        if failure or ended:
            # What exactly ECS says here is not documented; the exit code is in the container.
            raise (
                failure
                if failure and failure.code != "EssentialContainerExited"
                else TaskError("Task failed to start")
            )
        time.sleep(_LOOK_EVERY)


def _run(context: Context, spec: Spec, volumes: Mapping[str, str]) -> Container:
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - as above

    engine = context.docker()
    try:
        try:
            engine.images.get(spec.pull)
        except ImageNotFound:
            engine.images.pull(spec.pull)
        container = engine.containers.create(
            spec.pull,
            list(spec.command) if spec.command is not None else None,
            entrypoint=list(spec.entry_point) if spec.entry_point is not None else None,
            environment=dict(spec.environment),
            labels=dict(context.labels),
            ports={f"{port}/tcp": (context.host, 0) for port in spec.ports},
            volumes={volumes[name]: dict(mount) for name, mount in spec.mounts.items()},
            network=bridge_of(context).network,
            mem_limit=f"{spec.memory}m" if spec.memory else None,
            read_only=spec.read_only,
            user=spec.user or None,
            working_dir=spec.folder or None,
        )
    except APIError as error:
        msg = (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
            f"failed to resolve ref {spec.image}: {error.explanation}"
        )
        raise TaskError(msg) from error
    try:
        container.start()
    except APIError as error:
        discard(container)
        msg = f"CannotStartContainerError: Error response from daemon: {error.explanation}"
        raise TaskError(msg) from error
    return container


def discard(container: Container) -> None:
    """Remove a container that may be gone already."""
    from docker.errors import APIError  # noqa: PLC0415 - as above

    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in {404, 409}:  # gone, or going
            raise
