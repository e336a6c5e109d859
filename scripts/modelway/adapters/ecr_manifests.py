"""Manifests out of ECR, each recomputed: images by digest or tag, and what is attached to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.oci import ACCEPTED
from modelway.core import manifest as manifests
from modelway.core.image import Digest
from modelway.core.manifest import Manifest
from modelway.errors import Differs, Tampered, Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef, ListImageReferrersRequestTypeDef

_AT_ONCE = 100
"""Images BatchGetImage takes in one call."""
_NO_LIST = {"RepositoryNotFoundException", "UnableToListUpstreamImageReferrersException"}


def images(client: ECRClient, name: str, wanted: Sequence[ImageIdentifierTypeDef]) -> list[Manifest]:
    """Those that are there, of the repository of a name."""
    steps = range(0, len(wanted), _AT_ONCE)
    return [one for at in steps for one in _batch(client, name, wanted[at : at + _AT_ONCE])]


def attached(
    client: ECRClient, name: str, subjects: Sequence[Digest], artifact_types: Sequence[str]
) -> Mapping[Digest, list[Manifest]]:
    """What is attached to each: a list is a call for each of them, what is on the lists comes together.

    Raises ``Tampered`` for what is under a document's type and holds none.
    """
    listed = {subject: _listed(client, name, subject, artifact_types) for subject in subjects}
    wanted = dict.fromkeys(one for every in listed.values() for one in every)
    there = {
        str(one.digest): one for one in images(client, name, [{"imageDigest": digest} for digest in wanted])
    }
    return {
        subject: [_holding(there[digest], subject) for digest in every if digest in there]
        for subject, every in listed.items()
    }


def _listed(client: ECRClient, name: str, subject: Digest, artifact_types: Sequence[str]) -> list[str]:
    """Digests of what is attached. ListImageReferrers needs ecr:BatchGetImage, and has no paginator."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    found: list[str] = []
    token: str | None = ""
    asked: ListImageReferrersRequestTypeDef = {
        "repositoryName": name,
        "subjectId": {"imageDigest": str(subject)},
        "filter": {"artifactTypes": list(artifact_types)},
    }
    with translated(f"list what is attached to {subject}", service="ecr"):
        while token is not None:
            try:
                told = client.list_image_referrers(**asked)
            except ClientError as error:
                if code(error) not in _NO_LIST:
                    raise
                return _no_list(subject, name, error)
            found += [entry["digest"] for entry in told["referrers"]]
            token = told.get("nextToken")
            asked["nextToken"] = token or ""
    return found


def _no_list(subject: Digest, name: str, error: ClientError) -> list[str]:
    """Nothing, where there is no repository; raises ``Unavailable`` where another one was to be asked."""
    if code(error) == "RepositoryNotFoundException":
        return []
    what = f"ECR cannot list what is attached to {subject} of {name}"
    cure = "see the pull through cache rule of the repository; keep releases in one without a rule"
    raise Unavailable(what, seen=str(error), cure=cure) from error


def _holding(document: Manifest, subject: Digest) -> Manifest:
    """One with a document in it; raises ``Tampered`` for what was put there in its place."""
    try:
        manifests.content(document)
    except ValueError as error:
        raise Tampered(
            f"what is attached to {subject} as a document is none",
            seen=str(error),
            cure="find out who may write to the repository and put it there; release the image anew",
        ) from error
    return document


def _batch(client: ECRClient, name: str, wanted: Sequence[ImageIdentifierTypeDef]) -> list[Manifest]:
    """What ECR cannot give is told inside its answer."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    with translated(f"read images of {name}", service="ecr"):
        try:
            told = client.batch_get_image(
                repositoryName=name, imageIds=wanted, acceptedMediaTypes=list(ACCEPTED)
            )
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise
            return []
    for failure in told.get("failures", []):
        if failure.get("failureCode") != "ImageNotFound":
            what = f"ECR cannot give {failure.get('imageId')} of {name}"
            seen = f"{failure.get('failureCode')}: {failure.get('failureReason')}"
            raise Unavailable(what, seen=seen, cure="see the repository in the ECR console")
    return [
        _checked(image["imageManifest"], image.get("imageManifestMediaType", ""), image["imageId"])
        for image in told["images"]
    ]


def _checked(body: str, media_type: str, named: ImageIdentifierTypeDef) -> Manifest:
    """A manifest whose bytes are the digest that ECR gives it; raises ``Differs``, or ``Tampered``."""
    try:
        manifest = manifests.read(body, media_type)
    except ValueError as error:
        raise Tampered(
            f"the manifest {named.get('imageDigest')} cannot be read as an image's or a document's",
            seen=f"{error} ({media_type or 'no media type'})",
            cure="look at it in the ECR console: who pushed it, and with what; push the image anew",
        ) from error
    if named.get("imageDigest") != str(manifest.digest):
        raise Differs(
            f"ECR gave other bytes for {named.get('imageDigest')}",
            seen=f"their digest is {manifest.digest}",
            cure="do not deploy it; ask AWS support",
        )
    return manifest
