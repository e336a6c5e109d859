"""A ``ports.ArtifactStore`` on S3: write-once keys named by what they hold.

Bytes are verified before they are copied, and the copy is made only of the very object that was
verified, so that no key of ours ever holds anything but what its name says.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelway.adapters import aws
from modelway.adapters.aws_errors import code, translated
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Digest
from modelway.core.naming import bucket_name
from modelway.core.version import Artifact
from modelway.errors import Malformed, NotAllowed, Unavailable

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, HeadObjectOutputTypeDef

    from modelway.adapters.aws import Accounts

_CHUNK = 1 << 20
VERIFIED = "modelway-sha256"
_SOURCE = "modelway-source"
_LARGEST_COPY = 5 * 2**30
"""Bytes CopyObject takes at most (docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html)."""
_MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
_WRITTEN_ALREADY = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Place:
    """An object in S3."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @classmethod
    def parse(cls, uri: str) -> Place:
        """Read ``s3://bucket/key``; raises ``Malformed``."""
        parts = urlsplit(uri)
        key = parts.path.removeprefix("/")
        if parts.scheme != "s3" or not parts.netloc or not key:
            cure = "write it as s3://bucket/key/of/model.tar.gz"
            raise Malformed(f"model_artifact.uri is not an object in S3: {uri}", cure=cure)
        return cls(parts.netloc, key)


class S3Artifacts:
    """Artifacts of one model in one environment's bucket."""

    def __init__(self, accounts: Accounts, config: ModelConfig, place: Environment) -> None:
        self._accounts = accounts
        self._model = config.name
        self._environment = place
        self._bucket = bucket_name(place)

    @cached_property
    def _s3(self) -> S3Client:
        place = self._environment
        session = self._accounts.session(place.account, place.region, place.deploy_role)
        return session.client("s3", config=aws.patient())

    def target_uri(self, artifact: Artifact, /) -> str:
        """The S3 URI our copy has or will have."""
        return str(self._ours(artifact))

    def find(self, artifact: Artifact, /) -> str | None:
        """The S3 URI of our verified copy, if there is one."""
        ours = self._ours(artifact)
        head = self._head(ours)
        return str(ours) if head and head["Metadata"].get(VERIFIED) == artifact.sha256.hex else None

    def bring(self, artifact: Artifact, /) -> str:
        """Copy and verify; raises ``NotAllowed`` when the bytes are not the ones the config names."""
        ours, theirs = self._ours(artifact), Place.parse(artifact.uri)
        if self.find(artifact):
            return str(ours)
        head = self._source(theirs)
        seen = _full_checksum(head) or self._hashed(theirs, head["ETag"])
        if seen != artifact.sha256:
            raise _swapped(theirs, artifact.sha256, seen)
        self._ready_bucket()
        self._copy(theirs, ours, head, artifact)
        return str(ours)

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        """Download and verify, to try the model on this machine; raises ``NotAllowed`` like ``bring``."""
        theirs = Place.parse(artifact.uri)
        file = folder / "model.tar.gz"
        hasher = hashlib.sha256()
        with file.open("wb") as out:
            for chunk in self.stream(artifact):
                hasher.update(chunk)
                out.write(chunk)
        seen = Digest.parse(f"sha256:{hasher.hexdigest()}")
        if seen != artifact.sha256:
            raise _swapped(theirs, artifact.sha256, seen)
        return file

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        """The bytes of one object; raises ``NotAllowed`` where it is gone, ``Unavailable`` if cut off."""
        theirs = Place.parse(artifact.uri)
        try:
            yield from self._bytes(theirs, self._source(theirs)["ETag"])
        except OSError as error:
            what = f"{theirs} broke off while it was read"
            raise Unavailable(what, seen=str(error), cure="run the same command again.") from error

    def _ours(self, artifact: Artifact) -> Place:
        return Place(self._bucket, f"{self._model}/{artifact.sha256.hex}/model.tar.gz")

    def _head(self, place: Place) -> HeadObjectOutputTypeDef | None:
        """What S3 knows of an object; ``None`` where there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"look at {place}", service="s3"):
            try:
                return self._s3.head_object(Bucket=place.bucket, Key=place.key, ChecksumMode="ENABLED")
            except ClientError as error:
                if code(error) not in _MISSING:
                    raise
                return None

    def _source(self, theirs: Place) -> HeadObjectOutputTypeDef:
        """The object the config names; raises ``NotAllowed`` where it is gone."""
        head = self._head(theirs)
        if head is None:
            raise NotAllowed(
                f"the model artifact {theirs} does not exist",
                seen=f"looked with the identity of {self._environment.account}",
                cure="upload it, or correct model_artifact in the config",
            )
        return head

    def _hashed(self, place: Place, etag: str) -> Digest:
        """The SHA-256 of an object's bytes."""
        hasher = hashlib.sha256()
        for chunk in self._bytes(place, etag):
            hasher.update(chunk)
        return Digest.parse(f"sha256:{hasher.hexdigest()}")

    def _bytes(self, place: Place, etag: str) -> Iterator[bytes]:
        """An object's bytes, as long as it is still the one with this ETag."""
        with translated(f"read {place}", service="s3"):
            answer = self._s3.get_object(Bucket=place.bucket, Key=place.key, IfMatch=etag)
            yield from answer["Body"].iter_chunks(_CHUNK)

    def _copy(self, theirs: Place, ours: Place, head: HeadObjectOutputTypeDef, artifact: Artifact) -> None:
        """Copy inside S3: only the object that was verified, and only where nothing is yet."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"copy {theirs} to {ours}", service="s3"):
            source: CopySourceTypeDef = {"Bucket": theirs.bucket, "Key": theirs.key}
            about = {VERIFIED: artifact.sha256.hex, _SOURCE: str(theirs)}
            try:
                if head["ContentLength"] > _LARGEST_COPY:
                    # In parts. No IfNoneMatch here: whoever else writes this key writes the same bytes.
                    extra = {
                        "CopySourceIfMatch": head["ETag"],
                        "Metadata": about,
                        "MetadataDirective": "REPLACE",
                    }
                    self._in_parts(source, ours, extra)
                else:
                    self._once(source, ours, head["ETag"], about)
            except ClientError as error:
                if code(error) not in _WRITTEN_ALREADY:
                    raise
        if self.find(artifact) is None:
            raise NotAllowed(
                f"{theirs} changed while it was copied to {ours}, or something else is there",
                cure="run the same command again; if it stays so, look at who writes to these buckets",
            )

    def _in_parts(self, source: CopySourceTypeDef, ours: Place, extra: Mapping[str, object]) -> None:
        """Copy what one request cannot."""
        from s3transfer.manager import TransferManager  # noqa: PLC0415 - only large artifacts need it

        with TransferManager(self._s3) as transfers:
            transfers.copy(source, ours.bucket, ours.key, extra_args=dict(extra)).result()

    def _once(self, source: CopySourceTypeDef, ours: Place, etag: str, about: Mapping[str, str]) -> None:
        """Copy at one go, only the object with this ETag and only where nothing is yet."""
        self._s3.copy_object(
            Bucket=ours.bucket,
            Key=ours.key,
            CopySource=source,
            CopySourceIfMatch=etag,
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
            MetadataDirective="REPLACE",
            ContentType="application/gzip",
            Metadata=about,
        )

    def _ready_bucket(self) -> None:
        """Make the bucket modelway names itself; one the config names must be there."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"look at the bucket {self._bucket}", service="s3"):
            try:
                self._s3.head_bucket(Bucket=self._bucket, ExpectedBucketOwner=self._environment.account)
            except ClientError as error:
                if code(error) not in _MISSING:
                    raise
            else:
                return
        region = self._environment.region
        if self._environment.artifact_bucket:
            made = f"aws s3 mb {shlex.quote(f's3://{self._bucket}')} --region {region}"
            raise Unavailable(
                f"the bucket {self._bucket} of {self._environment.name} does not exist",
                seen=f"looked in account {self._environment.account}",
                cure=f"{made}, or leave artifact_bucket out of the config: modelway then makes one",
            )
        with translated(f"make the bucket {self._bucket}", service="s3"):
            self._make_bucket(region)

    def _make_bucket(self, region: str) -> None:
        """A private, versioned, encrypted bucket; another run may have made it meanwhile."""
        name = self._bucket
        try:
            if region == _DEFAULT_REGION:
                self._s3.create_bucket(Bucket=name)
            else:
                constraint = {"LocationConstraint": region}
                self._s3.create_bucket(Bucket=name, CreateBucketConfiguration=constraint)  # type: ignore[arg-type]  # any region
        except self._s3.exceptions.BucketAlreadyOwnedByYou:
            pass
        self._s3.put_public_access_block(
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        self._s3.put_bucket_encryption(
            Bucket=name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )


def _full_checksum(head: HeadObjectOutputTypeDef) -> Digest | None:
    """The SHA-256 S3 keeps of the whole object; it keeps one of its parts for multipart uploads."""
    kept = head.get("ChecksumSHA256", "")
    if not kept or "-" in kept or head.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    return Digest.parse(f"sha256:{base64.b64decode(kept).hex()}")


def _swapped(place: Place, wanted: Digest, seen: Digest) -> NotAllowed:
    """The bytes are not the ones that were reviewed."""
    return NotAllowed(
        f"{place} is not the model artifact the config names",
        seen=f"expected {wanted}, its bytes are {seen}",
        cure="somebody replaced it after its checksum was taken: upload the right file under a new key,"
        " or, if the new weights are meant, put their checksum into model_artifact.sha256",
    )


def summed(session: boto3.Session, uri: str) -> Digest:
    """The SHA-256 of an object nobody has named one of: as S3 keeps it, else of its bytes."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    place, client = Place.parse(uri), session.client("s3", config=aws.patient())
    with translated(f"read {place}", service="s3"):
        try:
            head = client.head_object(Bucket=place.bucket, Key=place.key, ChecksumMode="ENABLED")
        except ClientError as error:
            if code(error) not in _MISSING:
                raise
            cure = "Upload it again: what serves would not start anew without it."
            raise NotAllowed(f"the weights {place} are gone", seen=str(error), cure=cure) from error
        if known := _full_checksum(head):
            return known
        hasher = hashlib.sha256()
        body = client.get_object(Bucket=place.bucket, Key=place.key, IfMatch=head["ETag"])["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            hasher.update(chunk)
    return Digest.parse(f"sha256:{hasher.hexdigest()}")
