"""A ``ports.Shelf`` on S3: all copies of a model's artifacts in a bucket, and deleting them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from modelway.adapters import aws
from modelway.adapters.artifacts import VERIFIED
from modelway.adapters.aws_errors import code, translated
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import bucket_name
from modelway.core.weights import Copy, Expiry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, LifecycleRuleOutputTypeDef

    from modelway.adapters.aws import Accounts

_UNREADABLE = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes nothing is loaded from before it was restored."""
_UNVERSIONED = "null"
"""The version id of what was written while the bucket kept no versions."""
_MISSING = frozenset({"NoSuchBucket", "NoSuchLifecycleConfiguration"})
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})


class S3Shelf:
    """One model's copies in one bucket."""

    def __init__(self, accounts: Accounts, config: ModelConfig, place: Environment) -> None:
        self._accounts = accounts
        self._model = config.name
        self._place = place
        self._bucket = bucket_name(place)

    @cached_property
    def _s3(self) -> S3Client:
        place = self._place
        session = self._accounts.session(place.account, place.region, place.deploy_role)
        return session.client("s3", config=aws.patient())

    def copies(self) -> tuple[Copy, ...]:
        """Every version of every object under the model's prefix; none where there is no bucket."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"list the model artifacts in {self._bucket}", service="s3"):
            try:
                pages = self._s3.get_paginator("list_object_versions").paginate(
                    Bucket=self._bucket, Prefix=f"{self._model}/"
                )
                found = [version for page in pages for version in page.get("Versions", [])]
            except ClientError as error:
                if code(error) not in _MISSING:
                    raise
                return ()
        return tuple(
            Copy(
                bucket=self._bucket,
                key=one["Key"],
                version=one["VersionId"],
                size=one["Size"],
                modified=one["LastModified"],
                latest=one["IsLatest"],
            )
            for one in found
        )

    def expiries(self) -> tuple[Expiry, ...]:
        """The bucket's rules that take objects."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the lifecycle rules of {self._bucket}", service="s3"):
            try:
                told = self._s3.get_bucket_lifecycle_configuration(Bucket=self._bucket)
            except ClientError as error:
                if code(error) not in _MISSING:
                    raise
                return ()
        return tuple(each for rule in told["Rules"] for each in _expiries(rule))

    def delete(self, copy: Copy, /) -> bool:
        """Delete this very version, if its metadata says that modelway wrote it; whether that was so."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"delete {copy}", service="s3"):
            try:
                head = self._head(copy)
            except ClientError as error:
                if code(error) not in _GONE:
                    raise
                return True
            ours = f"sha256:{head['Metadata'].get(VERIFIED)}" == copy.sha256
            if not ours or head.get("VersionId", _UNVERSIONED) != copy.version:
                return False
            self._s3.delete_object(Bucket=copy.bucket, Key=copy.key, VersionId=copy.version)
        return True

    def _head(self, copy: Copy) -> HeadObjectOutputTypeDef:
        """What S3 knows of the version; one written before the bucket kept any has to be the newest."""
        if copy.version == _UNVERSIONED:
            return self._s3.head_object(Bucket=copy.bucket, Key=copy.key)
        return self._s3.head_object(Bucket=copy.bucket, Key=copy.key, VersionId=copy.version)


def _expiries(rule: LifecycleRuleOutputTypeDef) -> Iterator[Expiry]:
    """What a rule takes; one that is off takes nothing, and noncurrent versions are none that is loaded."""
    if rule["Status"] != "Enabled":
        return
    chosen = rule.get("Filter", {})
    both = chosen.get("And", {})
    does = ["delete"] if {"Days", "Date"} & rule.get("Expiration", {}).keys() else []
    moved = {each.get("StorageClass", "") for each in rule.get("Transitions", [])} & _UNREADABLE
    for action in (*does, *(f"move to {name}" for name in sorted(moved))):
        yield Expiry(
            name=rule.get("ID", ""),
            prefix=both.get("Prefix") or chosen.get("Prefix") or rule.get("Prefix", ""),
            larger=both.get("ObjectSizeGreaterThan", chosen.get("ObjectSizeGreaterThan", -1)),
            smaller=both.get("ObjectSizeLessThan", chosen.get("ObjectSizeLessThan")),
            does=action,
        )
