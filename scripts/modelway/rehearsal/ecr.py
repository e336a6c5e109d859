"""ECR's operations where moto's differ from AWS: digests, tags, sizes, pages, referrers, layers, login.

What moto answers instead is shown by ``tests/rehearsal/test_ecr.py``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse

from modelway.rehearsal import images
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecr_layers import Layers
from modelway.rehearsal.ecr_lifecycle import Previews
from modelway.rehearsal.ecr_request import Asked, ImageId, Output, named_repository, page, texts
from modelway.rehearsal.ecr_scan import Scans
from modelway.rehearsal.images import EcrError
from modelway.rehearsal.registry_client import Client

TOKEN_LIFE = timedelta(hours=12)


def install(context: Context) -> None:
    """Replace and add operations of moto's ECR."""
    registry = Client(context.registry)
    scans = Scans(context, registry)
    context.control("ecr-scan", scans.control)
    for operations in (Operations(context, registry), Layers(registry), Previews(), scans):
        for name in operations.NAMES:
            setattr(ECRResponse, name, _method(getattr(operations, name)))
    _name_repositories(context.address)


def _method(operation: Callable[[Asked], Output]) -> Callable[[ECRResponse], ActionResult]:
    def answer(self: ECRResponse) -> ActionResult:
        parameters = json.loads(self.body or "{}")
        return ActionResult(operation(Asked(self.current_account, self.region, self.access_key, parameters)))

    answer.__name__ = operation.__name__
    return answer


def _name_repositories(address: str) -> None:
    """``repositoryUri`` is where ``docker push`` reaches it: the front, under account and region."""
    create = ECRBackend.create_repository

    def create_repository(self: ECRBackend, *args: object, **kwargs: object) -> Repository:
        repository = create(self, *args, **kwargs)  # type: ignore[arg-type]  # moto's own parameters, passed on
        repository.uri = f"{address}/{images.path_of(repository)}"
        return repository

    ECRBackend.create_repository = create_repository  # type: ignore[method-assign]


class Operations:
    """One method an operation; what it returns is the operation's output."""

    NAMES = (
        "get_authorization_token",
        "describe_repositories",
        "delete_repository",
        "put_image",
        "batch_get_image",
        "batch_delete_image",
        "list_images",
        "describe_images",
        "list_image_referrers",
    )

    def __init__(self, context: Context, registry: Client) -> None:
        self.context = context
        self.registry = registry

    def get_authorization_token(self, asked: Asked) -> Output:
        """One token for all repositories the account may reach, valid 12 hours."""
        user = f"AWS:{asked.access_key}-{self.context.password}"
        data = {
            "authorizationToken": base64.b64encode(user.encode()).decode(),
            "expiresAt": datetime.now(UTC) + TOKEN_LIFE,
            "proxyEndpoint": f"http://{self.context.address}",
        }
        return {"authorizationData": [data]}

    def describe_repositories(self, asked: Asked) -> Output:
        """In pages, by name."""
        account = asked.text("registryId") or asked.account
        backend = ecr_backends[account][asked.region]
        found = backend.describe_repositories(None, list(asked.texts("repositoryNames")))
        return page(asked, "repositories", sorted(found, key=attrgetter("name")))

    def delete_repository(self, asked: Asked) -> Output:
        """The registry forgets its images too."""
        repository = named_repository(asked, "DeleteRepository")
        force = asked.parameters.get("force") is True
        kept = list(repository.images)
        ecr_backends[repository.account_id][asked.region].delete_repository(repository.name, force=force)
        for image in kept:
            self.registry.delete_manifest(images.path_of(repository), image.image_digest)
        return {"repository": repository}

    def put_image(self, asked: Asked) -> Output:
        """The digest is the manifest's; the registry has the manifest before the API does."""
        repository = named_repository(asked, "PutImage")
        body, tag = asked.text("imageManifest"), asked.text("imageTag") or None
        claimed = asked.text("imageDigest")
        if claimed and claimed != images.digest_of(body):
            code = "ImageDigestDoesNotMatchException"
            raise EcrError(
                code, f"The image digest '{claimed}' does not match the digest of the image manifest"
            )
        media_type = images.media_type_of(body, asked.text("imageManifestMediaType"))
        image = images.put(self.registry, repository, body, media_type, tag)
        return {"image": _image(repository, image, tag)}

    def batch_get_image(self, asked: Asked) -> Output:
        """Images by tag or digest; what cannot be given is a failure inside the answer."""
        repository = named_repository(asked, "BatchGetImage")
        accepted = asked.texts("acceptedMediaTypes")
        found, failures = [], []
        for wanted in asked.image_ids:
            image, failure = _look_up(repository, wanted)
            if image and accepted and image.image_manifest_media_type not in accepted:
                image, failure = None, _failure(wanted, "ImageNotFound", "Media type is not accepted")
            found += [_image(repository, image, wanted.tag)] if image else []
            failures += [failure] if failure else []
        return {"images": found, "failures": failures}

    def batch_delete_image(self, asked: Asked) -> Output:
        """By tag: the tag, and the image that has no other; by digest: the image."""
        repository = named_repository(asked, "BatchDeleteImage")
        deleted: list[dict[str, str]] = []
        failures = []
        for wanted in asked.image_ids:
            image, failure = _look_up(repository, wanted)
            if image and wanted.tag:
                images.untag(self.registry, repository, image, wanted.tag)
                deleted.append({"imageDigest": image.image_digest, "imageTag": wanted.tag})
            elif image and _is_child(repository, image):
                failure = _failure(
                    wanted, "ImageReferencedByManifestList", "A manifest list names this image"
                )
            elif image:
                deleted += _ids(image)
                images.remove(self.registry, repository, image)
            failures += [failure] if failure else []
        return {"imageIds": deleted, "failures": failures}

    def list_images(self, asked: Asked) -> Output:
        """Tags and digests, in pages."""
        repository = named_repository(asked, "ListImages")
        return page(asked, "imageIds", [one for image in _wanted(asked, repository) for one in _ids(image)])

    def describe_images(self, asked: Asked) -> Output:
        """In the order they came, in pages; those asked for by name, all at once."""
        repository = named_repository(asked, "DescribeImages")
        named = asked.image_ids
        if not named:
            told = [images.details(repository, image) for image in _wanted(asked, repository)]
            return page(asked, "imageDetails", told)
        found = [_existing(repository, one.tag, one.digest) for one in named]
        return {"imageDetails": [images.details(repository, image) for image in dict.fromkeys(found)]}

    def list_image_referrers(self, asked: Asked) -> Output:
        """What names the digest as its subject. IAM knows the action as BatchGetImage."""
        repository = named_repository(asked, "BatchGetImage")
        types = texts(asked.inner("filter").get("artifactTypes"))
        entries = [
            images.referrer(one)
            for one in images.referrers(repository, str(asked.inner("subjectId").get("imageDigest")))
        ]
        told = [
            {**one, "artifactStatus": "ACTIVE"}
            for one in entries
            if not types or one["artifactType"] in types
        ]
        return page(asked, "referrers", told, default=50)


def _wanted(asked: Asked, repository: Repository) -> list[Image]:
    """The images a filter's ``tagStatus`` leaves."""
    status = asked.inner("filter").get("tagStatus", "ANY")
    return [
        one for one in repository.images if status == "ANY" or bool(one.image_tags) == (status == "TAGGED")
    ]


def _existing(repository: Repository, tag: str | None, digest: str | None) -> Image:
    image = images.find(repository, tag=tag, digest=digest)
    if image is None:
        named = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
        raise ImageNotFoundException(named, repository.name, repository.registry_id)
    return image


def _look_up(repository: Repository, wanted: ImageId) -> tuple[Image | None, Output | None]:
    """The image, or the failure ECR tells of instead."""
    tag, digest = wanted.tag, wanted.digest
    if tag is None and digest is None:
        reason = "Invalid request parameters: both tag and digest cannot be null"
        return None, _failure(wanted, "MissingDigestAndTag", reason)
    image = images.find(repository, tag=tag, digest=digest)
    if image:
        return image, None
    if tag and digest and images.find(repository, digest=digest):
        return None, _failure(wanted, "ImageTagDoesNotMatchDigest", "The tag names another image")
    return None, _failure(wanted, "ImageNotFound", "Requested image not found")


def _failure(wanted: ImageId, code: str, reason: str) -> Output:
    return {"imageId": wanted.written(), "failureCode": code, "failureReason": reason}


def _is_child(repository: Repository, image: Image) -> bool:
    return any(image.image_digest in images.facts(one.image_manifest).children for one in repository.images)


def _ids(image: Image) -> list[dict[str, str]]:
    digest = {"imageDigest": image.image_digest}
    return [{**digest, "imageTag": tag} for tag in image.image_tags] or [digest]


def _image(repository: Repository, image: Image, tag: str | None) -> Output:
    identity = {"imageDigest": image.image_digest, **({"imageTag": tag} if tag else {})}
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": identity,
        "imageManifest": image.image_manifest,
        "imageManifestMediaType": image.image_manifest_media_type,
    }
