"""Endpoint configs: kept as they were asked for, so that nothing is dropped when they are described."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import botocore.session
from moto.core.utils import utcnow

from modelway.core.json import JsonObject
from modelway.rehearsal.endpoints import Answer, Variant
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.refusals import refusal, unrehearsed

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_MEMORY = (1024, 2048, 3072, 4096, 5120, 6144)


@dataclass(slots=True, kw_only=True)
class EndpointConfig:
    """moto keeps it in its dictionary of endpoint configs, and lists and tags it by the public names here."""

    endpoint_config_name: str
    arn: str
    request: JsonObject
    """CreateEndpointConfig's parameters."""
    tags: list[dict[str, str]]
    creation_time: datetime = field(default_factory=utcnow)

    @property
    def production_variants(self) -> Sequence[JsonObject]:
        """The variants as asked for."""
        return objects(self.request.get("ProductionVariants"))

    @property
    def is_serverless(self) -> bool:
        """Whether its variants have no instances."""
        return any("ServerlessConfig" in variant for variant in self.production_variants)

    def variants(self) -> list[Variant]:
        """The variants an endpoint starts with."""
        return [_variant(asked) for asked in self.production_variants]

    def summary(self) -> Answer:
        """As in ListEndpointConfigs."""
        return {
            "EndpointConfigName": self.endpoint_config_name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.creation_time,
        }

    def describe(self) -> Answer:
        """As DescribeEndpointConfig."""
        asked = {name: value for name, value in self.request.items() if name != "Tags"}
        return asked | self.summary()


def check_name(name: str, where: str) -> None:
    """Refuse a name of an endpoint, config or model that SageMaker refuses."""
    if not _NAME.fullmatch(name):
        message = (
            f"1 validation error detected: Value '{name}' at '{where}' failed to satisfy constraint: Member "
            f"must satisfy regular expression pattern: {_NAME.pattern}"
        )
        raise refusal(message)


def check(request: JsonObject, models: Mapping[str, object], arn_of_model: str) -> None:
    """Refuse what CreateEndpointConfig refuses, and what this cloud cannot serve."""
    variants = objects(request.get("ProductionVariants"))
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise refusal("Variant names must be unique within an endpoint configuration.")
    for name in ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig"):
        if request.get(name):
            raise unrehearsed(f"{name} of an endpoint config")
    for variant in variants:
        check_name(str(variant["VariantName"]), "productionVariants.1.member.variantName")
        if not variant.get("ModelName"):
            raise unrehearsed("A production variant without a model (inference components)")
        if str(variant["ModelName"]) not in models:
            message = f'Could not find model "{arn_of_model}/{variant["ModelName"]}".'
            raise refusal(message)
        _check_capacity(variant, alone=len(variants) == 1)


def _check_capacity(variant: JsonObject, *, alone: bool) -> None:
    serverless, instance_type = variant.get("ServerlessConfig"), variant.get("InstanceType")
    if isinstance(serverless, Mapping):
        if instance_type or variant.get("InitialInstanceCount") or not alone:
            raise refusal("A serverless variant has no instances, and is the only variant of its endpoint.")
        memory = serverless["MemorySizeInMB"]
        if memory not in _MEMORY:
            message = (
                f"Value '{memory}' at 'memorySizeInMB' failed to satisfy constraint: "
                f"Member must satisfy enum value set: {list(_MEMORY)}"
            )
            raise refusal(message)
    elif instance_type not in instance_types():
        message = (
            f"1 validation error: Value '{instance_type}' at 'productionVariants.1.member.instanceType' "
            "failed to satisfy constraint: Member must satisfy enum value set: [...]"
        )
        raise refusal(message)
    elif not variant.get("InitialInstanceCount"):
        raise refusal("InitialInstanceCount is required for a variant with an InstanceType.")


@cache
def instance_types() -> frozenset[str]:
    """What the installed botocore knows; moto's own list ends years ago."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return frozenset(model.shape_for("ProductionVariantInstanceType").metadata["enum"])


def _variant(asked: JsonObject) -> Variant:
    serverless, count, weight = (
        asked.get(name) for name in ("ServerlessConfig", "InitialInstanceCount", "InitialVariantWeight")
    )
    instance_type = asked.get("InstanceType")
    return Variant(
        name=str(asked["VariantName"]),
        weight=float(weight) if isinstance(weight, int | float) else 1.0,
        instances=count if isinstance(count, int) else None,
        instance_type=instance_type if isinstance(instance_type, str) else None,
        serverless=serverless if isinstance(serverless, Mapping) else None,
    )
