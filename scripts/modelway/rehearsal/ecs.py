"""ECS where moto's differs from AWS: services whose tasks are real containers, and how they are deployed.

What moto answers instead is shown by ``tests/rehearsal/test_ecs.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Thread

from moto.core.responses import ActionResult
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from modelway.core.json import JsonObject
from modelway.rehearsal import ecs_definitions
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_deployment_operations import DeploymentOperations
from modelway.rehearsal.ecs_limits import Limits
from modelway.rehearsal.ecs_operations import ServiceOperations
from modelway.rehearsal.ecs_refusals import unrehearsed
from modelway.rehearsal.ecs_runner import Runner
from modelway.rehearsal.ecs_units import Starter
from modelway.rehearsal.streams import Streams

_PRETENDED = (
    *("run_task", "start_task", "stop_task"),
    *("create_task_set", "update_task_set", "delete_task_set", "update_service_primary_task_set"),
)
"""moto says that these were done, and does nothing."""


def install(context: Context) -> None:
    """Replace and add operations of moto's ECS; stop deploying when the cloud stops."""
    limits, streams = Limits(), Streams()
    runner = Runner(starter=Starter(context=context, limits=limits, streams=streams))
    ecs_definitions.install()
    for operations in (ServiceOperations(runner), DeploymentOperations()):
        for name in operations.NAMES:
            setattr(EC2ContainerServiceResponse, name, _method(name, getattr(operations, name)))
    for name in _PRETENDED:
        setattr(EC2ContainerServiceResponse, name, _pretended(name))
    streams.install(context)
    context.on_shutdown(runner.end)
    context.control("services", limits.set)
    Thread(target=runner.keep, name="services", daemon=True).start()


def _method(
    name: str, operation: Callable[[EC2ContainerServiceBackend, JsonObject], Mapping[str, object]]
) -> Callable[[EC2ContainerServiceResponse], ActionResult]:
    def answer(self: EC2ContainerServiceResponse) -> ActionResult:
        return ActionResult(operation(self.ecs_backend, self.params))

    answer.__name__ = name
    return answer


def _pretended(name: str) -> Callable[[EC2ContainerServiceResponse], ActionResult]:
    """Better an error than a false success."""

    def answer(_: EC2ContainerServiceResponse) -> ActionResult:
        raise unrehearsed(name.title().replace("_", ""))

    answer.__name__ = name
    return answer
