"""From a SageMaker model to what its container is started from, refusing what SageMaker refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from moto.ecr.models import Image, Repository
from moto.sagemaker.models import Model, SageMakerModelBackend

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import images, model_data, policies
from modelway.rehearsal.context import Context
from modelway.rehearsal.fleet import Launch, StartError
from modelway.rehearsal.limits import Limits
from modelway.rehearsal.refusals import refusal, unrehearsed

_REFERENCE = re.compile(r"(?P<path>[^@:]+)(?::(?P<tag>[^@:]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_RUNNABLE = "application/vnd.docker.distribution.manifest.v2+json"
_PULLS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_STARTUP_SECONDS = 240  # docs: 4 minutes unless ContainerStartupHealthCheckTimeoutInSeconds says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An image in this ECR."""

    repository: Repository
    image: Image
    resolved: str
    """The image as it was named, by digest."""
    pull: str


def find_image(context: Context, name: str) -> Found | None:
    """Look an image up by tag or digest; raises a refusal for another registry's image."""
    try:
        pull = context.resolve_image(name)
    except LookupError:
        return None
    except ValueError as error:
        message = f'Using non-ECR image "{name}" without Vpc repository access mode is not supported.'
        raise refusal(message) from error
    parsed = _REFERENCE.fullmatch(pull.removeprefix(f"{context.registry}/"))
    repository = images.repository_at(parsed["path"]) if parsed else None
    if parsed is None or repository is None:
        return None
    tag = parsed["tag"] or (None if parsed["digest"] else "latest")
    image = images.find(repository, tag=tag, digest=parsed["digest"])
    if image is None:
        return None
    prefix = name[: name.index(parsed["path"].split("/", 2)[2])]
    return Found(
        repository=repository,
        image=image,
        resolved=f"{prefix}{repository.name}@{image.image_digest}",
        pull=f"{context.registry}/{parsed['path']}@{image.image_digest}",
    )


def check_image(context: Context, name: str, role: str) -> None:
    """Refuse an image CreateModel refuses: not there, not allowed, or of a media type it cannot run."""
    found = find_image(context, name)
    if found is None:
        message = f"Requested image {name} not found."
        raise refusal(message)
    repository = found.repository
    if role.split(":")[4] != repository.account_id and not all(
        policies.allows(repository.policy, principal=role, action=action, resource=repository.arn)
        for action in _PULLS
    ):
        message = (
            f"The repository of your image {name} does not grant ecr:GetDownloadUrlForLayer, "
            "ecr:BatchGetImage, ecr:BatchCheckLayerAvailability permission to sagemaker.amazonaws.com "
            "service principal."
        )
        raise refusal(message)
    media = _media_type(found.image)
    if media != _RUNNABLE:
        # The words of github.com/aws/amazon-sagemaker-feedback/issues/180
        message = (
            f"Unsupported manifest media type {media} for image {name}. "
            "Ensure that valid manifest media type is used for specified image."
        )
        raise refusal(message)


def container_of(model: JsonObject) -> JsonObject:
    """The one container of a CreateModel request or of a model."""
    containers = model.get("Containers") or []
    primary = model.get("PrimaryContainer")
    if isinstance(containers, list) and len(containers) > 1:
        raise unrehearsed("A model of several containers (inference pipeline, multi-container endpoint)")
    only = primary or (containers[0] if isinstance(containers, list) and containers else None)
    if not isinstance(only, Mapping) or not only.get("Image"):
        raise refusal("One of PrimaryContainer or Containers with an Image is required.")
    if only.get("ModelDataSource") or only.get("Mode") == "MultiModel":
        raise unrehearsed("A model with ModelDataSource or several models")
    return only


def launch(context: Context, limits: Limits, backend: SageMakerModelBackend, variant: JsonObject) -> Launch:
    """Resolve the model of a variant, now: a tag that moved since CreateModel moves the endpoint too.

    Raises ``StartError`` with SageMaker's reason.
    """
    model: Model | None = backend._models.get(str(variant["ModelName"]))  # noqa: SLF001 - moto keeps them there
    if model is None:
        msg = f'Could not find model "{variant["ModelName"]}".'
        raise StartError(msg)
    container = container_of({"PrimaryContainer": model.primary_container, "Containers": model.containers})
    image = str(container["Image"])
    found = find_image(context, image)
    if found is None:
        msg = f"The image {image} for production variant {variant['VariantName']} does not exist."
        raise StartError(msg)
    asked = variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
    seconds = float(asked) if isinstance(asked, int) else _STARTUP_SECONDS
    return Launch(
        variant=str(variant["VariantName"]),
        weight=_weight(variant.get("InitialVariantWeight")),
        image=image,
        pull=found.pull,
        resolved=found.resolved,
        environment=_environment(container.get("Environment"), backend.region_name),
        model=_model_folder(container.get("ModelDataUrl"), context.state / "model-data"),
        startup_seconds=min(seconds, limits.startup_seconds),
    )


def _environment(asked: Json, region: str) -> Mapping[str, str]:
    own = {name: str(value) for name, value in asked.items()} if isinstance(asked, Mapping) else {}
    return {"AWS_REGION": region} | own


def _model_folder(url: Json, under: Path) -> Path | None:
    if not url:
        return None
    try:
        return model_data.folder(str(url), under)
    except model_data.ModelDataError as error:
        raise StartError(str(error)) from error


def _weight(weight: Json) -> float:
    return float(weight) if isinstance(weight, int | float) else 1.0


def _media_type(image: Image) -> str:
    return image.image_manifest_media_type or str(json.loads(image.image_manifest).get("mediaType"))
