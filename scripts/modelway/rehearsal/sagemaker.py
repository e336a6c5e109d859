"""SageMaker's control plane where moto's differs from AWS: models, endpoint configs, endpoints, tags.

What moto answers instead is shown by ``tests/rehearsal/test_sagemaker.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from moto.core.responses import ActionResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from modelway.core.json import JsonObject
from modelway.rehearsal.context import Context
from modelway.rehearsal.deployments import Deployer
from modelway.rehearsal.endpoint_operations import EndpointOperations
from modelway.rehearsal.limits import Limits
from modelway.rehearsal.model_operations import ModelOperations
from modelway.rehearsal.streams import Streams
from modelway.rehearsal.wire import not_rehearsed

_LISTS = {name: getattr(SageMakerResponse, name) for name in ("list_endpoint_configs", "list_endpoints")}
_PRETENDED = (
    "create_training_job",
    "create_transform_job",
    "create_processing_job",
    "create_hyper_parameter_tuning_job",
    "create_auto_ml_job_v2",
    "create_compilation_job",
    "start_pipeline_execution",
)


def install(context: Context) -> None:
    """Replace and add operations of moto's SageMaker; stop deploying when the cloud stops."""
    limits, streams = Limits(), Streams()
    deployer = Deployer(context=context, limits=limits, streams=streams)
    for operations in (ModelOperations(context), EndpointOperations(deployer)):
        for name in operations.NAMES:
            setattr(SageMakerResponse, name, _method(name, getattr(operations, name)))
    for name in _LISTS:
        setattr(SageMakerResponse, name, _newest_first(name))
    for name in _PRETENDED:
        setattr(SageMakerResponse, name, _pretended(name))
    streams.install(context)
    context.on_shutdown(deployer.stop)
    context.control("endpoints", limits.set)


def _method(
    name: str, operation: Callable[[SageMakerModelBackend, JsonObject], Mapping[str, object]]
) -> Callable[[SageMakerResponse], ActionResult]:
    def answer(self: SageMakerResponse) -> ActionResult:
        return ActionResult(operation(self.sagemaker_backend, self.params))

    answer.__name__ = name
    return answer


def _newest_first(name: str) -> Callable[[SageMakerResponse], ActionResult]:
    """SageMaker's default ``SortOrder`` is descending (its API reference); moto's is ascending."""

    def answer(self: SageMakerResponse) -> ActionResult:
        self.params.setdefault("SortOrder", "Descending")
        told: ActionResult = _LISTS[name](self)
        return told

    answer.__name__ = name
    return answer


def _pretended(name: str) -> Callable[[SageMakerResponse], ActionResult]:
    """moto says that these were done, and does nothing: better an error than a false success."""

    def answer(_: SageMakerResponse) -> ActionResult:
        raise not_rehearsed("sagemaker", name.title().replace("_", ""))

    answer.__name__ = name
    return answer
