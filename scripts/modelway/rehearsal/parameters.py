"""Reading parts of AWS requests, and naming what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moto.sagemaker.models import SageMakerModelBackend

from modelway.core.json import Json, JsonObject


def objects(value: Json) -> Sequence[JsonObject]:
    """The objects of a JSON list."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def object_of(asked: JsonObject, name: str) -> dict[str, Json]:
    """A structure; empty where there is none."""
    value = asked.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def tags_of(asked: JsonObject) -> list[dict[str, str]]:
    """``Tags``, as moto keeps them."""
    return [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in objects(asked.get("Tags"))]


def arn_of(backend: SageMakerModelBackend, kind: str, name: str = "") -> str:
    """The ARN of a resource, or the stem all of its kind have."""
    stem = f"arn:{backend.partition}:sagemaker:{backend.region_name}:{backend.account_id}:{kind}"
    return f"{stem}/{name}" if name else stem
