"""SageMaker's models: refused where SageMaker refuses them, listed by name and page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moto.sagemaker.models import SageMakerModelBackend

from modelway.core.json import JsonObject
from modelway.rehearsal import model_data
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoint_configs import check_name
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.launches import check_image, container_of
from modelway.rehearsal.parameters import arn_of, object_of, tags_of
from modelway.rehearsal.refusals import refusal

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/?[a-zA-Z_0-9+=,.@\-_/]+")


@dataclass(frozen=True, slots=True)
class ModelOperations:
    """One method an operation; what they return is the operation's output."""

    context: Context

    NAMES = ("create_model", "describe_model", "list_models", "add_tags")

    def create_model(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """CreateModel, refusing what SageMaker refuses about name, role, image and artifact."""
        name, role = str(asked["ModelName"]), str(asked.get("ExecutionRoleArn"))
        check_name(name, "modelName")
        if name in backend._models:  # noqa: SLF001 - moto keeps them there
            message = f'Cannot create already existing model "{arn_of(backend, "model", name)}".'
            raise refusal(message)
        _check_role(backend, role)
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
            vpc_config=object_of(asked, "VpcConfig"),
            containers=[],
            tags=tags_of(asked),
        )
        model.enable_network_isolation = bool(asked.get("EnableNetworkIsolation"))
        return {"ModelArn": model.arn}

    def describe_model(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """DescribeModel, without the empty structures moto adds."""
        model = backend._models.get(str(asked["ModelName"]))  # noqa: SLF001 - moto keeps them there
        if model is None:
            message = f'Could not find model "{arn_of(backend, "model", str(asked["ModelName"]))}".'
            raise refusal(message)
        told: Answer = model.response_object
        return {name: value for name, value in told.items() if name != "Tags" and value not in ({}, [])}

    def list_models(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """ListModels: filtered, in order and a page at a time (moto does none of it)."""
        part = str(asked.get("NameContains") or "")
        found = [model for name, model in backend._models.items() if part in name]  # noqa: SLF001
        if asked.get("SortBy") == "Name":
            found.sort(key=lambda model: str(model.model_name))
        if asked.get("SortOrder") != "Ascending":
            found.reverse()
        first, size = int(str(asked.get("NextToken") or 0)), int(str(asked.get("MaxResults") or 10))
        summaries = [
            {"ModelName": model.model_name, "ModelArn": model.arn, "CreationTime": model.creation_time}
            for model in found[first : first + size]
        ]
        following: Answer = {"NextToken": str(first + size)} if first + size < len(found) else {}
        return {"Models": summaries, **following}

    def add_tags(self, backend: SageMakerModelBackend, asked: JsonObject) -> Answer:
        """AddTags: a key has one value (moto keeps both)."""
        resource = backend._get_resource_from_arn(str(asked["ResourceArn"]))  # noqa: SLF001 - moto's lookup
        if resource is None:
            message = f'Could not find resource "{asked["ResourceArn"]}".'
            raise refusal(message)
        merged = {tag["Key"]: tag["Value"] for tag in [*resource.tags, *tags_of(asked)]}
        resource.tags[:] = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": resource.tags}


def _check_role(backend: SageMakerModelBackend, role: str) -> None:
    found = _ROLE.fullmatch(role)
    if not found:
        message = (
            f"1 validation error detected: Value '{role}' at 'executionRoleArn' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {_ROLE.pattern}"
        )
        raise refusal(message)
    if found["account"] != backend.account_id:
        raise refusal("Cross-account pass role is not allowed.")
