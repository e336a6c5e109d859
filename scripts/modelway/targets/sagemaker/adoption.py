"""Reading an endpoint somebody else made, in a config's terms. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import code, translated
from modelway.core.adoption import Found, Site
from modelway.core.config import Autoscaling
from modelway.core.image import Digest, Image
from modelway.core.json import Json
from modelway.core.naming import role_name
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.targets.sagemaker.scaling import Scaling
from modelway.targets.sagemaker.settings import VARIANT

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        DescribeEndpointConfigOutputTypeDef,
        DescribeEndpointOutputTypeDef,
        DescribeModelOutputTypeDef,
        ProductionVariantOutputTypeDef,
    )

_OF_CONFIG = {"AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants", "MetricsConfig"}
_OF_VARIANT = {
    *("AcceleratorType", "CapacityReservationConfig", "CoreDumpConfig", "EnableSSMAccess"),
    *("ManagedInstanceScaling", "RoutingConfig"),
}
_OF_MODEL = {"Containers", "InferenceExecutionConfig"}
_OF_CONTAINER = {
    *("AdditionalModelDataSources", "ImageConfig", "InferenceSpecificationName", "ModelPackageName"),
    *("ModelDataSource", "MultiModelConfig"),
}
"""What a config has no words for: an endpoint with one of these would lose it with its first release."""


def find(session: boto3.Session, site: Site) -> tuple[Found, str]:
    """What serves, and where its weights lie, if it has any; raises what keeps it from being adopted."""
    client = session.client("sagemaker", config=patient())
    with translated(f"read the endpoint {site.name}", service="sagemaker"):
        endpoint = _endpoint(client, site.name)
        config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        variant = _only_variant(site.name, config)
        model = client.describe_model(ModelName=variant["ModelName"])
    container = cast("Mapping[str, object]", model.get("PrimaryContainer", {}))
    _refuse(site.name, config, variant, model, container)
    settings = {**_running(variant), **_around(config, model, site), **_containing(container)}
    scaling = Scaling(
        client=session.client("application-autoscaling", config=patient()),
        endpoint=site.name,
        variant=variant["VariantName"],
    )
    found = Found(
        name=endpoint["EndpointConfigName"],
        image=_image(site.name, endpoint, str(container.get("Image", ""))),
        settings=settings,
        capacity=_capacity(endpoint, scaling.found() if "InstanceType" in variant else None),
        alarms=_alarms(endpoint),
        notes=tuple(_notes(variant, settings)),
    )
    return found, str(container.get("ModelDataUrl") or "")


def _endpoint(client: SageMakerClient, name: str) -> DescribeEndpointOutputTypeDef:
    try:
        found = client.describe_endpoint(EndpointName=name)
    except client.exceptions.ClientError as error:
        if code(error) != "ValidationException" or "Could not find" not in str(error):
            raise
        what = f"there is no endpoint {name}"
        raise Malformed(what, seen=str(error), cure="Correct the name, the account or the region.") from error
    if found["EndpointStatus"] != "InService":
        what = f"the endpoint {name} is {found['EndpointStatus']}"
        raise Differs(what, cure="Adopt it once it is InService.")
    return found


def _only_variant(name: str, config: DescribeEndpointConfigOutputTypeDef) -> ProductionVariantOutputTypeDef:
    variants = config["ProductionVariants"]
    if len(variants) != 1:
        raise _undescribed(name, [f"{len(variants)} production variants"])
    return variants[0]


def _refuse(
    name: str,
    config: DescribeEndpointConfigOutputTypeDef,
    variant: ProductionVariantOutputTypeDef,
    model: DescribeModelOutputTypeDef,
    container: Mapping[str, object],
) -> None:
    """Stop where something would be lost."""
    found = [
        *(_OF_CONFIG & {key for key, value in config.items() if value}),
        *(_OF_VARIANT & {key for key, value in variant.items() if value}),
        *(_OF_MODEL & {key for key, value in model.items() if value}),
        *(f"PrimaryContainer.{key}" for key in _OF_CONTAINER & {k for k, v in container.items() if v}),
    ]
    if found:
        raise _undescribed(name, sorted(found))


def _undescribed(name: str, found: list[str]) -> NotAllowed:
    what = f"the endpoint {name} cannot be adopted: no config describes {', '.join(found)}"
    cure = "Release the model beside it under another name, and move the callers when it does as well."
    return NotAllowed(what, cure=cure)


def _image(name: str, endpoint: DescribeEndpointOutputTypeDef, written: str) -> Image:
    """The image SageMaker resolved: what the model names may be a tag that moved since."""
    variants = endpoint.get("ProductionVariants", [])
    resolved = [one.get("ResolvedImage", "") for each in variants for one in each.get("DeployedImages", [])]
    for text in (*resolved, written):
        repository, _, digest = text.partition("@")
        if digest:
            return Image(repository, Digest.parse(digest))
    what = f"nobody knows which digest the endpoint {name} runs"
    seen = f"Its model names {written or 'no image'}, and SageMaker tells no resolved image."
    raise NotAllowed(what, seen=seen, cure="Point it at a model that names its image by digest first.")


def _running(variant: ProductionVariantOutputTypeDef) -> dict[str, Json]:
    """What it runs on."""
    if serverless := variant.get("ServerlessConfig"):
        told: dict[str, Json] = {
            "mode": "serverless",
            "memory_mb": serverless["MemorySizeInMB"],
            "max_concurrency": serverless["MaxConcurrency"],
        }
        more = {"provisioned_concurrency": serverless.get("ProvisionedConcurrency")}
        return told | {key: value for key, value in more.items() if value}
    told = {"mode": "realtime", "instance_type": str(variant.get("InstanceType", ""))}
    seconds = {
        "startup_timeout": variant.get("ContainerStartupHealthCheckTimeoutInSeconds"),
        "download_timeout": variant.get("ModelDataDownloadTimeoutInSeconds"),
    }
    more_: dict[str, Json] = {key: f"{value}s" for key, value in seconds.items() if value}
    if volume := variant.get("VolumeSizeInGB"):
        more_["volume_gb"] = volume
    if ami := variant.get("InferenceAmiVersion"):
        more_["inference_ami_version"] = str(ami)
    return told | more_


def _around(
    config: DescribeEndpointConfigOutputTypeDef, model: DescribeModelOutputTypeDef, site: Site
) -> dict[str, Json]:
    """Its role, network and keys."""
    told: dict[str, Json] = {"execution_role": role_name(model.get("ExecutionRoleArn", ""), site.account)}
    if vpc := model.get("VpcConfig"):
        told["vpc"] = {"subnets": list(vpc["Subnets"]), "security_groups": list(vpc["SecurityGroupIds"])}
    if key := config.get("KmsKeyId"):
        told["kms_key"] = key
    if model.get("EnableNetworkIsolation"):
        told["network_isolation"] = True
    capture = config.get("DataCaptureConfig")
    if capture and capture.get("EnableCapture"):  # type: ignore[redundant-expr]  # there may be none
        modes = "_and_".join(sorted(one["CaptureMode"].lower() for one in capture["CaptureOptions"]))
        told["data_capture"] = {
            "percent": capture["InitialSamplingPercentage"],
            "destination": capture["DestinationS3Uri"],
            "capture": modes.removesuffix("_and_inputandoutput"),
        }
    return told


def _containing(container: Mapping[str, object]) -> dict[str, Json]:
    """What its containers are told."""
    variables = cast("Mapping[str, str]", container.get("Environment") or {})
    return {"environment": dict(variables)} if variables else {}


def _capacity(endpoint: DescribeEndpointOutputTypeDef, scaling: Autoscaling | None) -> dict[str, Json]:
    """How many instances are wanted now, and their bounds; a serverless endpoint counts none."""
    variants = endpoint.get("ProductionVariants", [])
    count = variants[0].get("DesiredInstanceCount") if variants else None
    if not count:
        return {}
    told: dict[str, Json] = {"instances": count}
    if scaling:
        told["autoscaling"] = {
            "min": scaling.min,
            "max": scaling.max,
            "invocations_per_instance_per_minute": scaling.invocations_per_instance_per_minute,
            "scale_in_cooldown": f"{scaling.scale_in_cooldown.total_seconds():g}s",
            "scale_out_cooldown": f"{scaling.scale_out_cooldown.total_seconds():g}s",
        }
    return told


def _alarms(endpoint: DescribeEndpointOutputTypeDef) -> tuple[str, ...]:
    """The alarms that watched its last update."""
    rollback = endpoint.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    return tuple(alarm["AlarmName"] for alarm in rollback.get("Alarms", []) if "AlarmName" in alarm)


def _notes(variant: ProductionVariantOutputTypeDef, settings: Mapping[str, Json]) -> Iterator[str]:
    """What a person should know beside the config."""
    name = variant["VariantName"]
    if name != VARIANT:
        yield (
            f"Its variant is called {name}; from the first release on it is {VARIANT}, so dashboards and "
            f"alarms over {name} go quiet then."
        )
    if "environment" in settings:
        yield "The environment's values were copied into the config: look for secrets before you commit it."
