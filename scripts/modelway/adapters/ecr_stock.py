"""A ``ports.Stock`` on Amazon ECR: everything in a repository, its lifecycle policy, and deleting from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from modelway.adapters import aws
from modelway.adapters.aws_errors import code, translated
from modelway.core import manifest as manifests
from modelway.core.config import RegistrySpec
from modelway.core.image import DOCKER_INDEX, OCI_INDEX, Digest
from modelway.core.json import JsonObject
from modelway.core.lifecycle import Doomed, Stored
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import (
        GetLifecyclePolicyPreviewRequestTypeDef,
        ImageDetailTypeDef,
        ImageIdentifierTypeDef,
        LifecyclePolicyPreviewResultTypeDef,
    )

    from modelway.adapters.aws import Accounts

_LISTS = (DOCKER_INDEX, OCI_INDEX)
_AT_ONCE = 100
"""Images BatchGetImage and BatchDeleteImage take in one call."""
_PATIENCE, _LOOK = 300.0, 2.0
"""Seconds a preview may take, and between two looks at it."""
_GONE = "ImageNotFound"


class EcrStock:
    """One repository."""

    def __init__(self, accounts: Accounts, spec: RegistrySpec, clock: Clock) -> None:
        self._accounts = accounts
        self._spec = spec
        self._clock = clock

    @cached_property
    def _ecr(self) -> ECRClient:
        spec = self._spec
        session = self._accounts.session(spec.account, spec.region, spec.push_role)
        return session.client("ecr", config=aws.patient())

    def stored(self) -> tuple[Stored, ...]:
        """Everything; DescribeImages tells of what is archived only where it is asked to.

        What a list in the archive names stays unknown: nothing is pulled from there, its manifest neither
        (docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html).
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"list the images of {self._spec.repository}", service="ecr"):
            try:
                pages = self._ecr.get_paginator("describe_images").paginate(
                    repositoryName=self._spec.repository, filter={"imageStatus": "ANY"}
                )
                details = [image for page in pages for image in page["imageDetails"]]
            except ClientError as error:
                if code(error) != "RepositoryNotFoundException":
                    raise
                return ()
        children = self._children([each["imageDigest"] for each in details if _readable(each)])
        return tuple(_stored(each, children.get(each["imageDigest"], ())) for each in details)

    def _children(self, lists: Sequence[str]) -> dict[str, tuple[Digest, ...]]:
        """The images that lists of manifests name."""
        found: dict[str, tuple[Digest, ...]] = {}
        for start in range(0, len(lists), _AT_ONCE):
            with translated(f"read lists of images of {self._spec.repository}", service="ecr"):
                told = self._ecr.batch_get_image(
                    repositoryName=self._spec.repository,
                    imageIds=[{"imageDigest": digest} for digest in lists[start : start + _AT_ONCE]],
                    acceptedMediaTypes=list(_LISTS),
                )
            for image in told["images"]:
                found[image["imageId"]["imageDigest"]] = manifests.entries(image["imageManifest"])
        if unread := {*lists} - {*found}:
            what = f"ECR does not give {min(unread)}, a list of images of {self._spec.repository}"
            raise Unavailable(
                what, cure="Run the same command again; if it stays so, look at it in the console."
            )
        return found

    def lifecycle(self) -> JsonObject | None:
        """The repository's lifecycle policy."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the lifecycle policy of {self._spec.repository}", service="ecr"):
            try:
                told = self._ecr.get_lifecycle_policy(repositoryName=self._spec.repository)
            except ClientError as error:
                if code(error) not in {"LifecyclePolicyNotFoundException", "RepositoryNotFoundException"}:
                    raise
                return None
        parsed: JsonObject = json.loads(told["lifecyclePolicyText"])
        return parsed

    def preview(self, policy: JsonObject, /) -> tuple[Doomed, ...]:
        """What ECR would take; of two that ask at the same time, one waits for the other."""
        text, name = json.dumps(policy), self._spec.repository
        with translated(f"preview a lifecycle policy of {name}", service="ecr"):
            self._start(text)
        asked: GetLifecyclePolicyPreviewRequestTypeDef = {"repositoryName": name}
        found: list[Doomed] = []
        since = self._clock.now()
        while True:
            with translated(f"read the preview of a lifecycle policy of {name}", service="ecr"):
                told = self._ecr.get_lifecycle_policy_preview(**asked)
            if told["status"] == "COMPLETE":
                found += map(_doomed, told.get("previewResults", []))
                if not told.get("nextToken"):
                    return tuple(found)
                asked["nextToken"] = told["nextToken"]
            elif told["status"] == "IN_PROGRESS" and self._clock.elapsed(since) < _PATIENCE:
                self._clock.sleep(_LOOK)
            else:
                what = f"ECR did not preview the lifecycle policy of {name}"
                raise Unavailable(what, seen=f"its status is {told['status']}", cure="Run it again later.")

    def _start(self, text: str) -> None:
        """Ask for a preview, after the one that is in progress."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        since = self._clock.now()
        while True:
            try:
                self._ecr.start_lifecycle_policy_preview(
                    repositoryName=self._spec.repository, lifecyclePolicyText=text
                )
            except ClientError as error:
                if code(error) == "InvalidParameterException":
                    what = "ECR refuses the lifecycle policy"
                    raise Malformed(what, seen=str(error), cure="Correct it; nothing was changed.") from error
                in_progress = code(error) == "LifecyclePolicyPreviewInProgressException"
                if not in_progress or self._clock.elapsed(since) > _PATIENCE:
                    raise
                self._ecr.get_lifecycle_policy_preview(repositoryName=self._spec.repository)
                self._clock.sleep(_LOOK)
            else:
                return

    def delete(self, digests: Sequence[Digest], /) -> None:
        """Delete images with all their tags."""
        self._delete([{"imageDigest": str(digest)} for digest in digests])

    def untag(self, tags: Sequence[str], /) -> None:
        """Take tags away."""
        self._delete([{"imageTag": tag} for tag in tags])

    def _delete(self, wanted: Sequence[ImageIdentifierTypeDef]) -> None:
        """BatchDeleteImage, which tells what it did not delete inside its answer."""
        for start in range(0, len(wanted), _AT_ONCE):
            with translated(f"delete images of {self._spec.repository}", service="ecr"):
                told = self._ecr.batch_delete_image(
                    repositoryName=self._spec.repository, imageIds=wanted[start : start + _AT_ONCE]
                )
            for failure in told["failures"]:
                if failure.get("failureCode") != _GONE:
                    what = f"ECR did not delete {failure.get('imageId')} of {self._spec.repository}"
                    seen = f"{failure.get('failureCode')}: {failure.get('failureReason')}"
                    raise Unavailable(
                        what, seen=seen, cure="Run the same command again: it goes on from there."
                    )


def _doomed(told: LifecyclePolicyPreviewResultTypeDef) -> Doomed:
    """An image the policy takes: by deleting it, or by moving it to where nothing is pulled from."""
    return Doomed(
        digest=Digest.parse(told["imageDigest"]),
        rule=told["appliedRulePriority"],
        archives=told.get("action", {}).get("type") == "TRANSITION",
    )


def _readable(told: ImageDetailTypeDef) -> bool:
    """Whether it is a list of images that ECR gives."""
    return told.get("imageManifestMediaType") in _LISTS and not _away(told)


def _away(told: ImageDetailTypeDef) -> bool:
    """Whether it lies in the archive, or is on its way out of it."""
    return told.get("imageStatus", "ACTIVE") != "ACTIVE"


def _stored(told: ImageDetailTypeDef, children: tuple[Digest, ...]) -> Stored:
    """An image as ECR tells of it."""
    subject = told.get("subjectManifestDigest")
    return Stored(
        digest=Digest.parse(told["imageDigest"]),
        pushed=told["imagePushedAt"],
        tags=tuple(sorted(told.get("imageTags", []))),
        size=told.get("imageSizeInBytes", 0),
        subject=Digest.parse(subject) if subject else None,
        children=children,
        pulled=told.get("lastRecordedPullTime"),
        archived=told.get("lastArchivedAt", told["imagePushedAt"]) if _away(told) else None,
    )
