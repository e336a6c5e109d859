"""Images as ECR keeps them: the one truth that the API and the ``docker push`` side both read and write."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Self

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import Image, Repository, ecr_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.registry_client import Client, RegistryError

MAX_MANIFEST = 4 * 1024 * 1024
"""Bytes of the largest manifest ECR takes (PutImage, imageManifest)."""

_LOCK = threading.RLock()


class EcrError(ServiceException):
    """An error of the ECR API; ``code`` is one of the model's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFacts:
    """What ECR tells of a manifest."""

    digest: str
    size: int
    """Bytes of config and layers; for an index, of nothing."""
    artifact_type: str | None
    """``artifactType``, else the config's media type (OCI distribution-spec, listing referrers)."""
    subject: str | None
    annotations: JsonObject
    children: tuple[str, ...]

    @classmethod
    def parse(cls, body: str) -> Self:
        """Read a manifest or an index; raises ``EcrError`` for what is neither."""
        try:
            document = json.loads(body)
            config = document.get("config") or {}
            blobs = [config, *document.get("layers", [])]
            return cls(
                digest=digest_of(body),
                size=sum(int(blob.get("size", 0)) for blob in blobs),
                artifact_type=document.get("artifactType") or config.get("mediaType"),
                subject=(document.get("subject") or {}).get("digest"),
                annotations=document.get("annotations") or {},
                children=tuple(child["digest"] for child in document.get("manifests", [])),
            )
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            code = "InvalidParameterException"
            message = (
                "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
            )
            raise EcrError(code, message) from error


@lru_cache(4096)
def facts(body: str) -> ManifestFacts:
    """Of a manifest that is kept: whoever lists what is attached to one looks through all of them."""
    return ManifestFacts.parse(body)


def digest_of(body: str) -> str:
    """A manifest's name is the SHA-256 of its very bytes."""
    return f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"


def media_type_of(body: str, given: str) -> str:
    """A manifest's media type: the one given with it, else the one it says of itself."""
    said = given or str(json.loads(body).get("mediaType", ""))
    if not said:
        code = "InvalidParameterException"
        raise EcrError(code, "The image manifest's media type is neither given nor in the manifest")
    return said


def path_of(repository: Repository) -> str:
    """Where the registry keeps it: accounts and regions share one."""
    return f"{repository.account_id}/{repository.region_name}/{repository.name}"


def repository_at(path: str) -> Repository | None:
    """The repository of ``account/region/name``, if it was created."""
    account, _, rest = path.partition("/")
    region, _, name = rest.partition("/")
    try:
        return ecr_backends[account][region].repositories.get(name)
    except KeyError:  # no such region
        return None


def repository_of(account: str, region: str, name: str) -> Repository:
    """The repository; raises moto's RepositoryNotFoundException."""
    found = repository_at(f"{account}/{region}/{name}")
    if found is None:
        raise RepositoryNotFoundException(name, account)
    return found


def find(repository: Repository, *, tag: str | None = None, digest: str | None = None) -> Image | None:
    """The image with this tag and this digest, whichever are given."""
    for image in list(repository.images):
        if (tag is None or tag in image.image_tags) and (digest is None or image.image_digest == digest):
            return image
    return None


def by_digest(path: str) -> str:
    """Name an image by its digest instead of its tag; raises ``LookupError`` for one that is not there."""
    name, _, digest = path.partition("@")
    name, _, tag = name.partition(":")
    repository = repository_at(name)
    wanted = tag or (None if digest else "latest")
    image = find(repository, tag=wanted, digest=digest or None) if repository else None
    if image is None:
        msg = f"ECR has no image {path}"
        raise LookupError(msg)
    return f"{name}@{image.image_digest}"


def is_immutable(repository: Repository, tag: str) -> bool:
    """Whether a tag, once there, stays (imageTagMutability and its exclusion filters)."""
    mutability = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    filters = repository.image_tag_mutability_exclusion_filters or []
    excluded = mutability.endswith("_WITH_EXCLUSION") and any(_matches(one["filter"], tag) for one in filters)
    return mutability.startswith("IMMUTABLE") != excluded


def _matches(wildcard: str, tag: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in wildcard.split("*"))
    return re.fullmatch(pattern, tag) is not None


def put(registry: Client, repository: Repository, body: str, media_type: str, tag: str | None) -> Image:
    """Keep a manifest and move the tag to it, as PutImage does.

    Raises ``EcrError`` with the code of ECR's model: ImageAlreadyExistsException,
    ImageTagAlreadyExistsException, LayersNotFoundException, ReferencedImagesNotFoundException.
    """
    digest = ManifestFacts.parse(body).digest
    with _LOCK:
        holder = find(repository, tag=tag) if tag else None
        image = find(repository, digest=digest)
        _refuse_repetition(repository, image, holder, tag)
        _store(registry, repository, digest, body, media_type)
        if holder and tag:
            holder.remove_tag(tag)  # ECR keeps the image that lost its tag; moto would delete it
        if image is None:
            image = Image(repository.account_id, tag or "", body, repository.name, media_type, digest)
            image.image_tags = []
            repository.images.append(image)
        if tag:
            image.update_tag(tag)
        return image


def _refuse_repetition(
    repository: Repository, image: Image | None, holder: Image | None, tag: str | None
) -> None:
    where = f"in the repository with name '{repository.name}' in registry with id '{repository.registry_id}'"
    if image and (image is holder or tag is None):
        named = f" and tag '{tag}'" if tag else ""
        code = "ImageAlreadyExistsException"
        raise EcrError(code, f"Image with digest '{image.image_digest}'{named} already exists {where}")
    if holder and tag and is_immutable(repository, tag):
        code = "ImageTagAlreadyExistsException"
        message = (
            f"The image tag '{tag}' already exists in the '{repository.name}' repository "
            "and cannot be overwritten because the tag is immutable."
        )
        raise EcrError(code, message)


def _store(registry: Client, repository: Repository, digest: str, body: str, media_type: str) -> None:
    try:
        registry.put_manifest(path_of(repository), digest, body.encode(), media_type)
    except RegistryError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        indexed = bool(ManifestFacts.parse(body).children)
        code = "ReferencedImagesNotFoundException" if indexed else "LayersNotFoundException"
        raise EcrError(
            code, f"The registry refused the manifest: {error.body.decode(errors='replace')}"
        ) from error


def remove(registry: Client, repository: Repository, image: Image) -> None:
    """Delete an image and all its tags."""
    with _LOCK:
        repository.images.remove(image)
        registry.delete_manifest(path_of(repository), image.image_digest)


def untag(registry: Client, repository: Repository, image: Image, tag: str) -> None:
    """Take one tag away; an image that loses its last one is deleted (BatchDeleteImage)."""
    with _LOCK:
        image.remove_tag(tag)
        if not image.image_tags:
            remove(registry, repository, image)


def referrers(repository: Repository, subject: str) -> Iterator[Image]:
    """Images whose manifest names this digest as its subject."""
    for image in list(repository.images):
        if facts(image.image_manifest).subject == subject:
            yield image


def referrer(image: Image) -> dict[str, Json]:
    """One entry of ListImageReferrers; the referrers index of the data plane has the same fields."""
    known = facts(image.image_manifest)
    return {
        "digest": known.digest,
        "mediaType": image.image_manifest_media_type,
        "artifactType": known.artifact_type,
        "size": len(image.image_manifest.encode()),
        "annotations": dict(known.annotations),
    }


def details(repository: Repository, image: Image) -> dict[str, Json]:
    """One entry of DescribeImages."""
    known = facts(image.image_manifest)
    told: dict[str, Json] = {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": known.digest,
        "imageTags": list(image.image_tags) or None,
        "imageSizeInBytes": known.size,
        "imagePushedAt": image.image_pushed_at,
        "imageManifestMediaType": image.image_manifest_media_type,
        "artifactMediaType": known.artifact_type,
        "subjectManifestDigest": known.subject,
        "imageStatus": "ACTIVE",
    }
    return {key: value for key, value in told.items() if value is not None}
