"""What ``docker push`` and ``docker pull`` meet: the OCI distribution API as ECR answers it.

Blobs do not pass here: uploads and downloads are sent on to the registry, as ECR sends them to S3.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from moto.ecr.models import Image, Repository
from werkzeug.wrappers import Request, Response

from modelway.core.image import OCI_INDEX
from modelway.core.json import Json
from modelway.rehearsal import accounts, images, policies
from modelway.rehearsal.context import Context
from modelway.rehearsal.images import EcrError, ManifestFacts
from modelway.rehearsal.registry_client import Client, RegistryError

_PATH = re.compile(
    r"/v2/(?P<path>\d{12}/[a-z0-9-]+/.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<reference>.+)"
)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_PULL = "ecr:BatchGetImage"
_PUSH = "ecr:PutImage"
_ERRORS = {
    "ImageTagAlreadyExistsException": ("TAG_INVALID", HTTPStatus.BAD_REQUEST),
    "LayersNotFoundException": ("MANIFEST_BLOB_UNKNOWN", HTTPStatus.NOT_FOUND),
    "ReferencedImagesNotFoundException": ("MANIFEST_BLOB_UNKNOWN", HTTPStatus.NOT_FOUND),
}


class Refused(Exception):
    """An error of the distribution API (distribution-spec, "Error Codes")."""

    def __init__(self, code: str, message: str, status: HTTPStatus) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a part of a repository."""

    request: Request
    repository: Repository
    reference: str

    @property
    def path(self) -> str:
        """The repository's path in the registry."""
        return images.path_of(self.repository)


@dataclass(frozen=True, slots=True)
class Front:
    """The data plane of ECR."""

    context: Context
    registry: Client

    def answer(self, request: Request) -> Response:
        """Answer one request under ``/v2/``."""
        try:
            response = self._route(request)
        except Refused as refused:
            response = _refusal(refused)
        except RegistryError as error:
            response = _refusal(Refused("UNKNOWN", str(error), HTTPStatus.BAD_GATEWAY))
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            realm = f'Basic realm="http://{self.context.address}/",service="ecr.amazonaws.com"'
            response.headers["WWW-Authenticate"] = realm
        return response

    def _route(self, request: Request) -> Response:
        principal = self._login(request)
        if request.path == "/v2/":
            return Response("{}", content_type="application/json")
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise _unsupported(request)
        repository = images.repository_at(found["path"])
        if repository is None:
            message = f"The repository with name '{found['path']}' does not exist in the registry"
            code = "NAME_UNKNOWN"
            raise Refused(code, message, HTTPStatus.NOT_FOUND)
        _authorize(principal, repository, request.method)
        return self._dispatch(found["kind"], Asked(request, repository, found["reference"]))

    def _dispatch(self, kind: str, asked: Asked) -> Response:
        match kind, asked.request.method:
            case "manifests", "GET" | "HEAD":
                return _manifest(asked)
            case "manifests", "PUT":
                return self._put_manifest(asked)
            case "blobs", "GET" | "HEAD":
                return self._blob(asked)
            case "blobs", "POST":
                return self._upload(asked)
            case "tags", "GET":
                return _tags(asked)
            case "referrers", "GET":
                return _referrers(asked)
            case _:
                raise _unsupported(asked.request)

    def _login(self, request: Request) -> accounts.Principal:
        """GetAuthorizationToken's password: the access key that asked for it, and the run's secret."""
        given = request.authorization
        key, _, password = ((given.password if given else "") or "").partition("-")
        right = hmac.compare_digest(password.encode(), self.context.password.encode())
        principal = accounts.principal(key) if right else None
        if principal is None or given is None or given.username != "AWS":
            code = "UNAUTHORIZED"
            raise Refused(
                code, "Your authorization token is missing or wrong. Log in again.", HTTPStatus.UNAUTHORIZED
            )
        return principal

    def _put_manifest(self, asked: Asked) -> Response:
        data = asked.request.get_data()
        if len(data) > images.MAX_MANIFEST:
            code = "SIZE_INVALID"
            raise Refused(code, "The manifest is larger than 4 MiB", HTTPStatus.BAD_REQUEST)
        body = data.decode(errors="replace")
        tag = _tag(asked.reference, images.digest_of(body))
        subject = self._keep(asked, body, tag)
        digest = images.digest_of(body)
        headers = {"Docker-Content-Digest": digest, "Location": f"/v2/{asked.path}/manifests/{digest}"}
        return Response(status=201, headers=headers | ({"OCI-Subject": subject} if subject else {}))

    def _keep(self, asked: Asked, body: str, tag: str | None) -> str | None:
        """Keep the manifest; answer the subject it names."""
        try:
            media_type = images.media_type_of(body, asked.request.content_type or "")
            images.put(self.registry, asked.repository, body, media_type, tag)
        except EcrError as error:
            if error.code != "ImageAlreadyExistsException":  # a push of what is there already succeeds
                code, status = _ERRORS.get(error.code, ("MANIFEST_INVALID", HTTPStatus.BAD_REQUEST))
                raise Refused(code, error.message, status) from error
        return ManifestFacts.parse(body).subject

    def _blob(self, asked: Asked) -> Response:
        size = self.registry.blob_size(asked.path, asked.reference)
        if size is None:
            code = "BLOB_UNKNOWN"
            raise Refused(code, f"The layer '{asked.reference}' does not exist", HTTPStatus.NOT_FOUND)
        if asked.request.method == "GET":
            location = self.registry.url(asked.path, "blobs", asked.reference)
            return Response(status=307, headers={"Location": location})
        # Without its length, dockerd would push a manifest whose layer has no size: another digest, silently.
        headers = {"Content-Length": str(size), "Docker-Content-Digest": asked.reference}
        return Response(status=200, headers=headers, content_type="application/octet-stream")

    def _upload(self, asked: Asked) -> Response:
        """Open an upload at the registry; no mounting from others, which ECR has off by default."""
        digest = asked.request.args.get("digest")
        if digest is None:
            opened = self.registry.start_upload(asked.path)
            kept = ("Location", "Docker-Upload-Uuid", "Range")
            return Response(status=202, headers={name: opened[name] for name in kept if name in opened})
        self.registry.put_blob(asked.path, digest, asked.request.get_data())
        headers = {"Location": f"/v2/{asked.path}/blobs/{digest}", "Docker-Content-Digest": digest}
        return Response(status=201, headers=headers)


def _tag(reference: str, digest: str) -> str | None:
    """The tag a manifest is put under; ``None`` under its digest."""
    if reference == digest:
        return None
    if ":" in reference:
        code = "DIGEST_INVALID"
        raise Refused(code, f"The manifest's digest is {digest}, not {reference}", HTTPStatus.BAD_REQUEST)
    if not _TAG.fullmatch(reference):
        code = "TAG_INVALID"
        raise Refused(code, f"'{reference}' is not a tag", HTTPStatus.BAD_REQUEST)
    return reference


def _authorize(principal: accounts.Principal, repository: Repository, method: str) -> None:
    """Other accounts need a repository policy that lets them in."""
    action = _PULL if method in {"GET", "HEAD"} else _PUSH
    if principal.account != repository.account_id and not policies.allows(
        repository.policy, principal=principal.arn, action=action, resource="*"
    ):
        code = "DENIED"
        message = (
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {repository.arn}"
        )
        raise Refused(code, message, HTTPStatus.FORBIDDEN)


def _manifest(asked: Asked) -> Response:
    by_digest = ":" in asked.reference
    image = images.find(asked.repository, **{"digest" if by_digest else "tag": asked.reference})
    if image is None:
        code = "MANIFEST_UNKNOWN"
        raise Refused(code, f"Requested image not found: {asked.reference}", HTTPStatus.NOT_FOUND)
    headers = {"Docker-Content-Digest": image.image_digest}
    return Response(image.image_manifest.encode(), 200, headers, content_type=image.image_manifest_media_type)


def _tags(asked: Asked) -> Response:
    tags = sorted(tag for image in asked.repository.images for tag in image.image_tags)
    rest = [tag for tag in tags if tag > asked.request.args.get("last", "")]
    count = int(asked.request.args.get("n", 1000))
    more = (
        {"Link": f'</v2/{asked.path}/tags/list?n={count}&last={rest[count - 1]}>; rel="next"'}
        if rest[count:]
        else {}
    )
    return _json({"name": asked.path, "tags": rest[:count]}, "application/json", more)


def _referrers(asked: Asked) -> Response:
    """distribution-spec, "Listing Referrers"."""
    wanted = asked.request.args.get("artifactType")
    found: list[Image] = list(images.referrers(asked.repository, asked.reference))
    told = [images.referrer(image) for image in found]
    index: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [one for one in told if wanted in {None, one["artifactType"]}],
    }
    return _json(index, OCI_INDEX, {"OCI-Filters-Applied": "artifactType"} if wanted else {})


def _json(body: Json, content_type: str, headers: Mapping[str, str]) -> Response:
    return Response(json.dumps(body), 200, dict(headers), content_type=content_type)


def _unsupported(request: Request) -> Refused:
    return Refused("UNSUPPORTED", f"{request.method} {request.path}", HTTPStatus.METHOD_NOT_ALLOWED)


def _refusal(refused: Refused) -> Response:
    body = {"errors": [{"code": refused.code, "message": refused.message}]}
    return Response(json.dumps(body), refused.status, content_type="application/json")
