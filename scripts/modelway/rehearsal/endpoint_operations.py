"""SageMaker's endpoint configs and endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from moto.sagemaker.models import SageMakerModelBackend

from modelway.core.json import JsonObject
from modelway.rehearsal import updates
from modelway.rehearsal.deployments import Deployer, Wish
from modelway.rehearsal.endpoint_configs import EndpointConfig, check, check_name
from modelway.rehearsal.endpoints import Answer, Endpoint
from modelway.rehearsal.parameters import arn_of, object_of, objects, tags_of
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.scalable import forget_targets


@dataclass(frozen=True, slots=True)
class EndpointOperations:
    """One method an operation; what they return is the operation's output."""

    deployer: Deployer

    NAMES = (
        "create_endpoint_config",
        "describe_endpoint_config",
        "create_endpoint",
        "describe_endpoint",
        "update_endpoint",
        "update_endpoint_weights_and_capacities",
        "delete_endpoint",
    )

    def create_endpoint_config(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateEndpointConfig; what moto would drop is kept."""
        name = str(asked["EndpointConfigName"])
        check_name(name, "endpointConfigName")
        arn = arn_of(backend, "endpoint-config", name)
        if name in backend.endpoint_configs:
            message = f'Cannot create already existing endpoint configuration "{arn}".'
            raise refusal(message)
        check(asked, backend._models, arn_of(backend, "model"))  # noqa: SLF001 - moto keeps them there
        config = EndpointConfig(endpoint_config_name=name, arn=arn, request=dict(asked), tags=tags_of(asked))
        backend.endpoint_configs[name] = config  # type: ignore[assignment]  # it has what moto asks of its own
        return {"EndpointConfigArn": arn}

    def describe_endpoint_config(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DescribeEndpointConfig."""
        return config_of(backend, str(asked["EndpointConfigName"])).describe()

    def create_endpoint(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateEndpoint: the containers start, and the state follows them."""
        name, config = str(asked["EndpointName"]), config_of(backend, str(asked["EndpointConfigName"]))
        check_name(name, "endpointName")
        arn = arn_of(backend, "endpoint", name.lower())
        if name.lower() in {there.lower() for there in backend.endpoints}:
            message = f'Cannot create already existing endpoint "{arn}".'
            raise refusal(message)
        endpoint = Endpoint(
            account=backend.account_id,
            region=backend.region_name,
            endpoint_name=name,
            arn=arn_of(backend, "endpoint", name),
            endpoint_config_name=config.endpoint_config_name,
            tags=tags_of(asked),
            variants=config.variants(),
            data_capture=object_of(config.request, "DataCaptureConfig"),
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
            endpoint.data_capture = object_of(config.request, "DataCaptureConfig")
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


def _forget(backend: SageMakerModelBackend, endpoint: Endpoint) -> None:
    backend.endpoints.pop(endpoint.endpoint_name, None)


def endpoint_of(backend: SageMakerModelBackend, name: str) -> Endpoint:
    """The endpoint, or SageMaker's refusal."""
    endpoint: object = backend.endpoints.get(name)
    if not isinstance(endpoint, Endpoint):
        message = f'Could not find endpoint "{arn_of(backend, "endpoint", name)}".'
        raise refusal(message)
    return endpoint


def config_of(backend: SageMakerModelBackend, name: str) -> EndpointConfig:
    """The endpoint config, or SageMaker's refusal."""
    config: object = backend.endpoint_configs.get(name)
    if not isinstance(config, EndpointConfig):
        message = f'Could not find endpoint configuration "{arn_of(backend, "endpoint-config", name)}".'
        raise refusal(message)
    return config


def config_of_endpoint(backend: SageMakerModelBackend, endpoint: Endpoint) -> EndpointConfig | None:
    """The config an endpoint has, unless it was deleted under it."""
    config: object = backend.endpoint_configs.get(endpoint.endpoint_config_name)
    return config if isinstance(config, EndpointConfig) else None
