"""ECR's operations where moto's differ from AWS: digests, tags, sizes, pages, referrers, layers, login.

What moto answers instead is shown by ``tests/rehearsal/test_ecr.py``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse

from modelway.rehearsal import accounts, images, policies
from modelway.rehearsal.wire import not_rehearsed
from modelway.rehearsal.context import Context
from modelway.rehearsal.images import EcrError
from modelway.rehearsal.registry import Client

Output: TypeAlias = "dict[str, object]"

TOKEN_LIFE = timedelta(hours=12)
_PAGE = 100


def install(context: Context) -> None:
    """Replace and add operations of moto's ECR."""
    operations = Operations(context, Client(context.registry))
    for name in Operations.NAMES:
        setattr(ECRResponse, name, _method(getattr(operations, name)))
    _name_repositories(context.address)


def _method(operation: Callable[[ECRResponse], Output]) -> Callable[[ECRResponse], ActionResult]:
    def answer(self: ECRResponse) -> ActionResult:
        return ActionResult(operation(self))

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
        "batch_check_layer_availability",
        "get_download_url_for_layer",
        "complete_layer_upload",
        "start_image_scan",
    )

    def __init__(self, context: Context, registry: Client) -> None:
        self.context = context
        self.registry = registry

    def get_authorization_token(self, request: ECRResponse) -> Output:
        """One token for all repositories the account may reach, valid 12 hours."""
        user = f"AWS:{request.access_key}-{self.context.password}"
        data = {
            "authorizationToken": base64.b64encode(user.encode()).decode(),
            "expiresAt": datetime.now(UTC) + TOKEN_LIFE,
            "proxyEndpoint": f"http://{self.context.address}",
        }
        return {"authorizationData": [data]}

    def describe_repositories(self, request: ECRResponse) -> Output:
        """In pages, by name."""
        account = _text(request, "registryId") or request.current_account
        backend = ecr_backends[account][request.region]
        found = backend.describe_repositories(None, request._get_param("repositoryNames"))
        return _page(request, "repositories", sorted(found, key=lambda one: one.name))

    def delete_repository(self, request: ECRResponse) -> Output:
        """The registry forgets its images too."""
        repository = _repository(request, "DeleteRepository")
        force = bool(request._get_param("force"))
        kept = list(repository.images)
        ecr_backends[repository.account_id][request.region].delete_repository(repository.name, force=force)
        for image in kept:
            self.registry.delete_manifest(images.path_of(repository), image.image_digest)
        return {"repository": repository}

    def put_image(self, request: ECRResponse) -> Output:
        """The digest is the manifest's; the registry has the manifest before the API does."""
        repository = _repository(request, "PutImage")
        body, tag = _text(request, "imageManifest"), _text(request, "imageTag") or None
        claimed = _text(request, "imageDigest")
        if claimed and claimed != images.digest_of(body):
            code = "ImageDigestDoesNotMatchException"
            raise EcrError(
                code, f"The image digest '{claimed}' does not match the digest of the image manifest"
            )
        media_type = images.media_type_of(body, _text(request, "imageManifestMediaType"))
        image = images.put(self.registry, repository, body, media_type, tag)
        return {"image": _image(repository, image, tag)}

    def batch_get_image(self, request: ECRResponse) -> Output:
        """Images by tag or digest; what cannot be given is a failure inside the answer."""
        repository = _repository(request, "BatchGetImage")
        accepted = request._get_param("acceptedMediaTypes") or []
        found, failures = [], []
        for wanted in request._get_param("imageIds"):
            image, failure = _look_up(repository, wanted)
            if image and accepted and image.image_manifest_media_type not in accepted:
                image, failure = None, _failure(wanted, "ImageNotFound", "Media type is not accepted")
            found += [_image(repository, image, wanted.get("imageTag"))] if image else []
            failures += [failure] if failure else []
        return {"images": found, "failures": failures}

    def batch_delete_image(self, request: ECRResponse) -> Output:
        """By tag: the tag, and the image that has no other; by digest: the image."""
        repository = _repository(request, "BatchDeleteImage")
        deleted: list[dict[str, str]] = []
        failures = []
        for wanted in request._get_param("imageIds"):
            image, failure = _look_up(repository, wanted)
            if image and "imageTag" in wanted:
                images.untag(self.registry, repository, image, wanted["imageTag"])
                deleted.append({"imageDigest": image.image_digest, "imageTag": wanted["imageTag"]})
            elif image and _is_child(repository, image):
                failure = _failure(
                    wanted, "ImageReferencedByManifestList", "A manifest list names this image"
                )
            elif image:
                deleted += _ids(image)
                images.remove(self.registry, repository, image)
            failures += [failure] if failure else []
        return {"imageIds": deleted, "failures": failures}

    def list_images(self, request: ECRResponse) -> Output:
        """Tags and digests, in pages."""
        repository = _repository(request, "ListImages")
        return _page(
            request, "imageIds", [one for image in _wanted(request, repository) for one in _ids(image)]
        )

    def describe_images(self, request: ECRResponse) -> Output:
        """In the order they came, in pages; those asked for by name, all at once."""
        repository = _repository(request, "DescribeImages")
        named = request._get_param("imageIds")
        if not named:
            told = [images.details(repository, image) for image in _wanted(request, repository)]
            return _page(request, "imageDetails", told)
        found = [_existing(repository, one.get("imageTag"), one.get("imageDigest")) for one in named]
        return {"imageDetails": [images.details(repository, image) for image in dict.fromkeys(found)]}

    def list_image_referrers(self, request: ECRResponse) -> Output:
        """What names the digest as its subject. IAM knows the action as BatchGetImage."""
        repository = _repository(request, "BatchGetImage")
        types = (request._get_param("filter") or {}).get("artifactTypes")
        entries = [
            images.referrer(one)
            for one in images.referrers(repository, request._get_param("subjectId")["imageDigest"])
        ]
        told = [
            {**one, "artifactStatus": "ACTIVE"}
            for one in entries
            if not types or one["artifactType"] in types
        ]
        return _page(request, "referrers", told, default=50)

    def batch_check_layer_availability(self, request: ECRResponse) -> Output:
        """What the registry has, however it got there."""
        repository = _repository(request, "BatchCheckLayerAvailability")
        layers, failures = [], []
        for digest in request._get_param("layerDigests"):
            size = self.registry.blob_size(images.path_of(repository), digest)
            if size is None:
                reason = f"Layer digest '{digest}' could not be found"
                failures.append(
                    {"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": reason}
                )
            else:
                layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
        return {"layers": layers, "failures": failures}

    def get_download_url_for_layer(self, request: ECRResponse) -> Output:
        """Straight to the registry, as AWS answers with an address in S3."""
        repository = _repository(request, "GetDownloadUrlForLayer")
        path, digest = images.path_of(repository), _text(request, "layerDigest")
        if self.registry.blob_size(path, digest) is None:
            code = "LayersNotFoundException"
            raise EcrError(code, f"The layer '{digest}' does not exist in the repository '{repository.name}'")
        return {"downloadUrl": self.registry.url(path, "blobs", digest), "layerDigest": digest}

    def complete_layer_upload(self, request: ECRResponse) -> Output:
        """moto collects the parts; the registry gets the whole."""
        repository = _repository(request, "CompleteLayerUpload")
        upload = repository.uploads.pop(_text(request, "uploadId"), None)
        if upload is None:
            code = "UploadNotFoundException"
            raise EcrError(code, f"The upload '{_text(request, 'uploadId')}' does not exist")
        body = bytes(upload.layer_parts)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if digest not in request._get_param("layerDigests"):
            code = "InvalidLayerException"
            raise EcrError(code, f"The layer's digest is {digest}, not the one given")
        if self.registry.blob_size(images.path_of(repository), digest) is not None:
            code = "LayerAlreadyExistsException"
            raise EcrError(code, f"The layer '{digest}' already exists in the repository '{repository.name}'")
        self.registry.put_blob(images.path_of(repository), digest, body)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "uploadId": upload.upload_id,
            "layerDigest": digest,
        }

    def start_image_scan(self, request: ECRResponse) -> Output:
        """moto answers every scan with one made-up finding; no finding is better than a false one."""
        raise not_rehearsed("ecr", "StartImageScan", f"no scanner runs in {request.region}")


def _text(request: ECRResponse, name: str) -> str:
    return str(request._get_param(name) or "")


def _repository(request: ECRResponse, action: str) -> Repository:
    """The repository a request names; one of another account needs a repository policy that lets it in."""
    account = _text(request, "registryId") or request.current_account
    repository = images.repository_of(account, request.region, _text(request, "repositoryName"))
    principal = accounts.principal(request.access_key)
    if account != request.current_account and not (
        principal
        and policies.allows(repository.policy, principal=principal.arn, action=f"ecr:{action}", resource="*")
    ):
        code = "AccessDeniedException"
        message = (
            f"User: {principal.arn if principal else 'unknown'} is not authorized to perform: ecr:{action} on resource: "
            f"{repository.arn} because no resource-based policy allows the ecr:{action} action"
        )
        raise EcrError(code, message)
    return repository


def _wanted(request: ECRResponse, repository: Repository) -> list[Image]:
    """The images a filter's ``tagStatus`` leaves."""
    status = (request._get_param("filter") or {}).get("tagStatus", "ANY")
    return [
        one for one in repository.images if status == "ANY" or bool(one.image_tags) == (status == "TAGGED")
    ]


def _existing(repository: Repository, tag: str | None, digest: str | None) -> Image:
    image = images.find(repository, tag=tag, digest=digest)
    if image is None:
        named = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
        raise ImageNotFoundException(named, repository.name, repository.registry_id)
    return image


def _look_up(repository: Repository, wanted: Mapping[str, str]) -> tuple[Image | None, Output | None]:
    """The image, or the failure ECR tells of instead."""
    tag, digest = wanted.get("imageTag"), wanted.get("imageDigest")
    if tag is None and digest is None:
        reason = "Invalid request parameters: both tag and digest cannot be null"
        return None, _failure(wanted, "MissingDigestAndTag", reason)
    image = images.find(repository, tag=tag, digest=digest)
    if image:
        return image, None
    if tag and digest and images.find(repository, digest=digest):
        return None, _failure(wanted, "ImageTagDoesNotMatchDigest", "The tag names another image")
    return None, _failure(wanted, "ImageNotFound", "Requested image not found")


def _failure(wanted: Mapping[str, str], code: str, reason: str) -> Output:
    return {"imageId": dict(wanted), "failureCode": code, "failureReason": reason}


def _is_child(repository: Repository, image: Image) -> bool:
    return any(
        image.image_digest in images.ManifestFacts.parse(one.image_manifest).children
        for one in repository.images
    )


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


def _page(request: ECRResponse, key: str, items: Sequence[object], default: int = _PAGE) -> Output:
    """One page and, where more follow, the token of the next."""
    start = int(base64.b64decode(_text(request, "nextToken") or "MA=="))
    end = start + int(request._get_param("maxResults") or default)
    token = base64.b64encode(str(end).encode()).decode()
    return {key: list(items[start:end]), **({"nextToken": token} if end < len(items) else {})}
