"""What a config says of SageMaker, as values, and the API requests that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from modelway.core import duration
from modelway.core.json import Json, JsonObject

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import CaptureModeType, ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        DataCaptureConfigTypeDef,
        ProductionVariantServerlessConfigTypeDef,
        ProductionVariantTypeDef,
        VpcConfigTypeDef,
    )

VARIANT = "model"
"""The one production variant's name: autoscaling is registered under it, so it never changes."""

_CAPTURED = {"input": ("Input",), "output": ("Output",), "input_and_output": ("Input", "Output")}


class Mode(StrEnum):
    """How the endpoint runs."""

    REALTIME = "realtime"
    SERVERLESS = "serverless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Requests and answers kept in S3 for monitoring."""

    percent: int
    destination: str
    capture: str = "input_and_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """The network the containers join."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of a version that SageMaker is told, beside image and weights."""

    execution_role: str
    mode: Mode = Mode.REALTIME
    instance_type: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    vpc: Vpc | None = None
    kms_key: str | None = None
    data_capture: Capture | None = None
    startup_timeout: int = 600
    """Seconds until ``/ping`` must answer (``ContainerStartupHealthCheckTimeoutInSeconds``, 60-3600)."""
    download_timeout: int = 600
    """Seconds to fetch and unpack the artifact (``ModelDataDownloadTimeoutInSeconds``, 60-3600)."""
    network_isolation: bool = False
    volume_gb: int | None = None
    inference_ami_version: str | None = None
    memory_mb: int = 2048
    max_concurrency: int = 5
    provisioned_concurrency: int | None = None


def parse(settings: JsonObject) -> Settings:
    """Read settings that the schema has already accepted."""
    default = Settings(execution_role="")
    return Settings(
        execution_role=str(settings["execution_role"]),
        mode=Mode(str(settings.get("mode", default.mode))),
        instance_type=str(settings.get("instance_type", "")),
        environment=_strings(settings.get("environment")),
        tags=_strings(settings.get("tags")),
        vpc=_vpc(settings.get("vpc")),
        kms_key=_text(settings.get("kms_key")),
        data_capture=_capture(settings.get("data_capture")),
        startup_timeout=_seconds(settings.get("startup_timeout"), default.startup_timeout),
        download_timeout=_seconds(settings.get("download_timeout"), default.download_timeout),
        network_isolation=settings.get("network_isolation") is True,
        volume_gb=_whole(settings.get("volume_gb")),
        inference_ami_version=_text(settings.get("inference_ami_version")),
        memory_mb=_whole(settings.get("memory_mb")) or default.memory_mb,
        max_concurrency=_whole(settings.get("max_concurrency")) or default.max_concurrency,
        provisioned_concurrency=_whole(settings.get("provisioned_concurrency")),
    )


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) else None


def _seconds(value: Json, default: int) -> int:
    return default if value is None else int(duration.parse(str(value)).total_seconds())


def _strings(value: Json) -> dict[str, str]:
    """A map of strings; numbers and booleans as YAML writes them were refused by the schema."""
    return {key: str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def _vpc(value: Json) -> Vpc | None:
    if not isinstance(value, Mapping):
        return None
    return Vpc(subnets=_texts(value["subnets"]), security_groups=_texts(value["security_groups"]))


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in cast("Sequence[Json]", value))


def _capture(value: Json) -> Capture | None:
    if not isinstance(value, Mapping):
        return None
    return Capture(
        percent=cast("int", value["percent"]),
        destination=str(value["destination"]),
        capture=str(value.get("capture", "input_and_output")),
    )


def variant(settings: Settings, model: str, instances: int) -> ProductionVariantTypeDef:
    """The production variant of an endpoint config."""
    if settings.mode is Mode.SERVERLESS:
        serverless: ProductionVariantServerlessConfigTypeDef = {
            "MemorySizeInMB": settings.memory_mb,
            "MaxConcurrency": settings.max_concurrency,
        }
        if settings.provisioned_concurrency:
            serverless["ProvisionedConcurrency"] = settings.provisioned_concurrency
        return {"VariantName": VARIANT, "ModelName": model, "ServerlessConfig": serverless}
    request: ProductionVariantTypeDef = {
        "VariantName": VARIANT,
        "ModelName": model,
        "InstanceType": cast("ProductionVariantInstanceTypeType", settings.instance_type),
        "InitialInstanceCount": instances,
        "InitialVariantWeight": 1.0,
        "ContainerStartupHealthCheckTimeoutInSeconds": settings.startup_timeout,
        "ModelDataDownloadTimeoutInSeconds": settings.download_timeout,
    }
    if settings.volume_gb:
        request["VolumeSizeInGB"] = settings.volume_gb
    if settings.inference_ami_version:
        request["InferenceAmiVersion"] = settings.inference_ami_version  # type: ignore[typeddict-item]
    return request


def capture(settings: Settings) -> DataCaptureConfigTypeDef | None:
    """The data capture of an endpoint config."""
    wanted = settings.data_capture
    if wanted is None:
        return None
    modes = cast("list[CaptureModeType]", _CAPTURED[wanted.capture])
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": wanted.percent,
        "DestinationS3Uri": wanted.destination,
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
    }


def vpc(settings: Settings) -> VpcConfigTypeDef | None:
    """The network of a model."""
    if settings.vpc is None:
        return None
    return {"Subnets": list(settings.vpc.subnets), "SecurityGroupIds": list(settings.vpc.security_groups)}
