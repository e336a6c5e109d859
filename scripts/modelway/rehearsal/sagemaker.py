"""SageMaker's control plane where moto's differs from AWS: models, endpoint configs, endpoints, tags.

What moto answers instead is shown by ``tests/rehearsal/test_sagemaker.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from moto.core.responses import ActionResult
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import model_data, updates
from modelway.rehearsal.context import Context
from modelway.rehearsal.deployments import Deployer, Wish
from modelway.rehearsal.endpoint_configs import EndpointConfig, check, check_name, objects
from modelway.rehearsal.endpoints import Answer, Endpoint
from modelway.rehearsal.launches import Limits, check_image, container_of
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.scalable import forget_targets
from modelway.rehearsal.streams import Streams
from modelway.rehearsal.wire import not_rehearsed

_PRETENDED = (
    "create_training_job",
    "create_transform_job",
    "create_processing_job",
    "create_hyper_parameter_tuning_job",
    "create_auto_ml_job_v2",
    "create_compilation_job",
    "start_pipeline_execution",
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/?[a-zA-Z_0-9+=,.@\-_/]+")


def install(context: Context) -> None:
    """Replace and add operations of moto's SageMaker; stop every container when the cloud stops."""
    limits, streams = Limits(), Streams()
    deployer = Deployer(context=context, limits=limits, streams=streams)
    operations = Operations(context, deployer)
    for name in _PRETENDED:
        setattr(SageMakerResponse, name, _pretended(name))
    for name in Operations.NAMES:
        setattr(SageMakerResponse, name, _method(name, getattr(operations, name)))
    streams.install(context)
    context.on_shutdown(deployer.stop)
    context.control("endpoints", lambda payload: _control(limits, payload))


def _method(
    name: str, operation: Callable[[SageMakerModelBackend, JsonObject], Mapping[str, object]]
) -> Callable[[SageMakerResponse], ActionResult]:
    def answer(self: SageMakerResponse) -> ActionResult:
        return ActionResult(operation(self.sagemaker_backend, self.params))

    answer.__name__ = name
    return answer


def _pretended(name: str) -> Callable[[SageMakerResponse], ActionResult]:
    """moto says that these were done, and does nothing: better an error than a false success."""

    def answer(_: SageMakerResponse) -> ActionResult:
        raise not_rehearsed("sagemaker", name.title().replace("_", ""))

    answer.__name__ = name
    return answer


def _control(limits: Limits, payload: JsonObject) -> Json:
    """``{"capacity": {"ml.m5.large": 0}, "startup_seconds": 5, "silent_rollback": true}``."""
    match payload:
        case {"capacity": Mapping() as capacity}:
            limits.capacity = {kind: n for kind, n in capacity.items() if isinstance(n, int)}
        case {"startup_seconds": int() | float() as seconds}:
            limits.startup_seconds = float(seconds)
        case {"silent_rollback": bool() as silent}:
            limits.silent_rollback = silent
        case _:
            msg = f"expected one of capacity, startup_seconds, silent_rollback; got {sorted(payload)}"
            raise ValueError(msg)
    return {
        "capacity": dict(limits.capacity),
        "startup_seconds": limits.startup_seconds,
        "silent_rollback": limits.silent_rollback,
    }


@dataclass(frozen=True, slots=True)
class Operations:
    """One method an operation; what they return is the operation's output."""

    context: Context
    deployer: Deployer

    NAMES = (
        "create_model",
        "describe_model",
        "list_models",
        "create_endpoint_config",
        "describe_endpoint_config",
        "create_endpoint",
        "describe_endpoint",
        "update_endpoint",
        "update_endpoint_weights_and_capacities",
        "delete_endpoint",
        "add_tags",
    )

    def create_model(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateModel, refusing what SageMaker refuses about name, role, image and artifact."""
        name, role = str(asked["ModelName"]), str(asked.get("ExecutionRoleArn"))
        check_name(name, "modelName")
        if name in backend._models:  # noqa: SLF001 - moto keeps them there
            message = f'Cannot create already existing model "{_arn(backend, "model", name)}".'
            raise refusal(message)
        self._check_role(backend, role)
        container = container_of(asked)
        check_image(self.context, str(container["Image"]), role)
        url = container.get("ModelDataUrl")
        if url and not model_data.exists(str(url)):
            message = f"Could not find model data at {url}."
            raise refusal(message)
        model = backend.create_model(
            name,
            role,
            primary_container=dict(container),
            vpc_config=_object(asked, "VpcConfig"),
            containers=[],
            tags=_tags(asked),
        )
        model.enable_network_isolation = bool(asked.get("EnableNetworkIsolation"))
        return {"ModelArn": model.arn}

    def describe_model(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DescribeModel, without the empty structures moto adds."""
        model = backend._models.get(str(asked["ModelName"]))  # noqa: SLF001 - moto keeps them there
        if model is None:
            message = f'Could not find model "{_arn(backend, "model", str(asked["ModelName"]))}".'
            raise refusal(message)
        told: Answer = model.response_object
        return {name: value for name, value in told.items() if name != "Tags" and value not in ({}, [])}

    def list_models(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """ListModels: filtered and a page at a time (moto does neither)."""
        part = str(asked.get("NameContains") or "")
        found = [model for name, model in sorted(backend._models.items()) if part in name]  # noqa: SLF001
        first, size = int(str(asked.get("NextToken") or 0)), int(str(asked.get("MaxResults") or 10))
        summaries = [
            {"ModelName": model.model_name, "ModelArn": model.arn, "CreationTime": model.creation_time}
            for model in found[first : first + size]
        ]
        following: Answer = {"NextToken": str(first + size)} if first + size < len(found) else {}
        return {"Models": summaries, **following}

    def create_endpoint_config(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateEndpointConfig; what moto would drop is kept."""
        name = str(asked["EndpointConfigName"])
        check_name(name, "endpointConfigName")
        arn = _arn(backend, "endpoint-config", name)
        if name in backend.endpoint_configs:
            message = f'Cannot create already existing endpoint configuration "{arn}".'
            raise refusal(message)
        check(asked, backend._models, _arn(backend, "model"))  # noqa: SLF001 - moto keeps them there
        config = EndpointConfig(endpoint_config_name=name, arn=arn, request=dict(asked), tags=_tags(asked))
        backend.endpoint_configs[name] = config  # type: ignore[assignment]  # it has what moto asks of its own
        return {"EndpointConfigArn": arn}

    def describe_endpoint_config(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DescribeEndpointConfig."""
        return config_of(backend, str(asked["EndpointConfigName"])).describe()

    def create_endpoint(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateEndpoint: the containers start, and the state follows them."""
        name, config = str(asked["EndpointName"]), config_of(backend, str(asked["EndpointConfigName"]))
        check_name(name, "endpointName")
        arn = _arn(backend, "endpoint", name.lower())
        if name.lower() in {there.lower() for there in backend.endpoints}:
            message = f'Cannot create already existing endpoint "{arn}".'
            raise refusal(message)
        endpoint = Endpoint(
            account=backend.account_id,
            region=backend.region_name,
            endpoint_name=name,
            arn=_arn(backend, "endpoint", name),
            endpoint_config_name=config.endpoint_config_name,
            tags=_tags(asked),
            variants=config.variants(),
            data_capture=_object(config.request, "DataCaptureConfig"),
        )
        backend.endpoints[name] = endpoint  # type: ignore[assignment]  # it has what moto asks of its own
        wish = Wish(
            config=config.endpoint_config_name,
            production=config.production_variants,
            variants=config.variants(),
        )
        self.deployer.create(backend, endpoint, wish)
        return {"EndpointArn": endpoint.arn}

    def describe_endpoint(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DescribeEndpoint."""
        return endpoint_of(backend, str(asked["EndpointName"])).response_object

    def update_endpoint(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """UpdateEndpoint, which moto does not have."""
        endpoint = endpoint_of(backend, str(asked["EndpointName"]))
        config = config_of(backend, str(asked["EndpointConfigName"]))
        with endpoint.lock:
            wish, timeline = updates.check(endpoint, config, config_of_endpoint(backend, endpoint), asked)
            endpoint.data_capture = _object(config.request, "DataCaptureConfig")
            self.deployer.update(backend, endpoint, wish, timeline)
        return {"EndpointArn": endpoint.arn}

    def update_endpoint_weights_and_capacities(
        self, backend: SageMakerModelBackend, asked: JsonObject
    ) -> Answer:
        """UpdateEndpointWeightsAndCapacities: what is not named stays (moto wipes it)."""
        endpoint = endpoint_of(backend, str(asked["EndpointName"]))
        with endpoint.lock:
            change = updates.capacity(endpoint, objects(asked.get("DesiredWeightsAndCapacities")))
            self.deployer.scale(endpoint, change)
        return {"EndpointArn": endpoint.arn}

    def delete_endpoint(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DeleteEndpoint; its scalable targets go with it."""
        endpoint = endpoint_of(backend, str(asked["EndpointName"]))
        with endpoint.lock:
            if endpoint.endpoint_status in updates.BUSY:
                message = f'Cannot update in-progress endpoint "{endpoint.arn}".'
                raise refusal(message)
            forget_targets(endpoint)
            self.deployer.delete(endpoint, lambda: _forget(backend, endpoint))
        return {}

    def add_tags(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """AddTags: a key has one value (moto keeps both)."""
        resource = backend._get_resource_from_arn(str(asked["ResourceArn"]))  # noqa: SLF001 - moto's lookup
        if resource is None:
            message = f'Could not find resource "{asked["ResourceArn"]}".'
            raise refusal(message)
        merged = {tag["Key"]: tag["Value"] for tag in [*resource.tags, *_tags(asked)]}
        resource.tags[:] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": resource.tags}

    def _check_role(self, backend: SageMakerModelBackend, role: str) -> None:
        found = _ROLE.fullmatch(role)
        if not found:
            message = (
                f"1 validation error detected: Value '{role}' at 'executionRoleArn' failed to satisfy "
                f"constraint: Member must satisfy regular expression pattern: {_ROLE.pattern}"
            )
            raise refusal(message)
        if found["account"] != backend.account_id:
            raise refusal("Cross-account pass role is not allowed.")


def _forget(backend: SageMakerModelBackend, endpoint: Endpoint) -> None:
    backend.endpoints.pop(endpoint.endpoint_name, None)


def endpoint_of(backend: SageMakerModelBackend, name: str) -> Endpoint:
    """The endpoint, or SageMaker's refusal."""
    endpoint: object = backend.endpoints.get(name)
    if not isinstance(endpoint, Endpoint):
        message = f'Could not find endpoint "{_arn(backend, "endpoint", name)}".'
        raise refusal(message)
    return endpoint


def config_of(backend: SageMakerModelBackend, name: str) -> EndpointConfig:
    """The endpoint config, or SageMaker's refusal."""
    config: object = backend.endpoint_configs.get(name)
    if not isinstance(config, EndpointConfig):
        message = f'Could not find endpoint configuration "{_arn(backend, "endpoint-config", name)}".'
        raise refusal(message)
    return config


def config_of_endpoint(backend: SageMakerModelBackend, endpoint: Endpoint) -> EndpointConfig | None:
    """The config an endpoint has, unless it was deleted under it."""
    config: object = backend.endpoint_configs.get(endpoint.endpoint_config_name)
    return config if isinstance(config, EndpointConfig) else None


def _arn(backend: SageMakerModelBackend, kind: str, name: str = "") -> str:
    stem = f"arn:{backend.partition}:sagemaker:{backend.region_name}:{backend.account_id}:{kind}"
    return f"{stem}/{name}" if name else stem


def _object(asked: JsonObject, name: str) -> dict[str, Json]:
    value = asked.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _tags(asked: JsonObject) -> list[dict[str, str]]:
    return [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in objects(asked.get("Tags"))]
