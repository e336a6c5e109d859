"""A ``ports.Registry`` on Amazon ECR: its API for names and policies, its registry for bytes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from modelway.adapters import (
    aws,
    ecr_files,
    ecr_manifests,
    ecr_repository,
    engine,
    oci_archive,
    oci_referrers,
)
from modelway.adapters.aws_errors import code, translated
from modelway.adapters.docker_push import Mover, Refused
from modelway.adapters.oci import Login, Repository, address_and_name, carry, kept_login
from modelway.core import manifest as manifests
from modelway.core.config import RegistrySpec
from modelway.core.ecr import PUSHING
from modelway.core.image import Digest, Image
from modelway.core.inputs import TAG_PREFIX
from modelway.core.json import JsonObject
from modelway.core.manifest import Manifest
from modelway.errors import Differs, Malformed, Unavailable
from modelway.ports import Clock, Reporter

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

    from modelway.adapters.aws import Accounts

T = TypeVar("T")
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_TRIES = 5


class Ecr:
    """The model's repository."""

    def __init__(self, accounts: Accounts, spec: RegistrySpec, reporter: Reporter, clock: Clock) -> None:
        self._accounts = accounts
        self._spec = spec
        self._reporter = reporter
        self._clock = clock
        self._mover = Mover(reporter.progress, clock)
        self._address = ""

    @cached_property
    def _session(self) -> boto3.Session:
        return self._accounts.session(self._spec.account, self._spec.region, self._spec.push_role)

    @cached_property
    def _ecr(self) -> ECRClient:
        return self._session.client("ecr", config=aws.patient())

    @property
    def repository(self) -> str:
        """The repository's address, as ECR tells it; AWS's usual form of it until the repository exists."""
        if not self._address:
            with translated(f"look at the repository {self._spec.repository}", service="ecr"):
                found = ecr_repository.describe(self._ecr, self._spec.repository)
            self._address = found["repositoryUri"] if found else ""
        usual = f"{self._spec.account}.dkr.ecr.{self._spec.region}.amazonaws.com/{self._spec.repository}"
        return self._address or usual

    def ensure(
        self,
        spec: RegistrySpec,
        pullers: Sequence[str],
        owner: str,
        model: str,
        /,
        *,
        waits: Callable[[JsonObject], str],
    ) -> tuple[str, ...]:
        """Create or correct the repository; say what was changed."""
        tags = {"owner": owner, "modelway:model": model}
        with translated(f"set up the repository {spec.repository}", service="ecr"):
            return tuple(ecr_repository.ensure(self._ecr, spec, pullers, tags, waits))

    def find(self, tag: str, /) -> Manifest | None:
        """What a tag names, as it was pushed: all media types are accepted, so ECR translates nothing."""
        return next(iter(self._images([{"imageTag": tag}])), None)

    def manifest(self, digest: Digest, /) -> Manifest | None:
        """A manifest by digest, recomputed."""
        return self.manifests_of([digest]).get(digest)

    def manifests_of(self, digests: Sequence[Digest], /) -> Mapping[Digest, Manifest]:
        """Those of the manifests that are there, recomputed."""
        return {one.digest: one for one in self._images([{"imageDigest": str(each)} for each in digests])}

    def built(self, image: Manifest, /) -> bytes:
        """An image's config, which says what it was built for; its digest is checked."""
        return b"".join(self._registry.read(image.blobs[0].digest)) if image.blobs else b""

    def tags(self, digest: Digest, /) -> tuple[str, ...]:
        """The tags of a digest."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the tags of {digest}", service="ecr"):
            try:
                told = self._ecr.describe_images(
                    repositoryName=self._spec.repository, imageIds=[{"imageDigest": str(digest)}]
                )
            except ClientError as error:
                if code(error) not in {"ImageNotFoundException", "RepositoryNotFoundException"}:
                    raise
                return ()
        return tuple(sorted(tag for image in told["imageDetails"] for tag in image.get("imageTags", [])))

    def push(self, local: str, tag: str, /) -> Manifest:
        """Push a local image.

        It goes under a movable tag first; ``tag`` is put only on a manifest that was read back, is Docker
        v2 schema 2 and hashes to its digest. A push that dies half-way leaves nothing anybody reuses.
        """
        movable = f"{PUSHING}{tag.removeprefix(TAG_PREFIX)}"
        try:
            digest = self._mover.push(local, self.repository, movable, self._login)
        except Refused as error:
            cure = "see that the repository exists and lets this identity push: scripts/run push makes it"
            raise Unavailable(f"{self.repository} refused the push", seen=str(error), cure=cure) from error
        return self._named(self._docker(self._present(digest), engine.platform(local)), tag)

    def pull(self, source: Image, local: str, /, *, platform: str) -> None:
        """Bring an image of any registry to this machine under a local name."""
        address, _ = address_and_name(source.repository)
        self._mover.pull(str(source), local, platform, self._login_to(address))

    def copy(self, source: Image, tag: str, /, *, platform: str) -> Manifest:
        """Bring an image here blob by blob: an engine would compress its layers anew, to another digest.

        What is attached to it comes before its tag does: whoever finds the tag finds all.
        """
        address, name = address_and_name(source.repository)
        there = Repository(address, name, self._login_to(address) or kept_login(address))
        manifest = self._sensible(lambda: there.manifest(source.digest), source)
        if manifest.index:
            manifest = there.manifest(self._sensible(lambda: manifests.child(manifest, platform), source))
        carry(there, self._registry, manifest, self._reporter.progress)
        final = self._sensible(lambda: manifests.as_docker(manifest), source)
        if final.digest != source.digest:
            self._reporter.note(
                f"{source} is kept as {final.digest}: Docker v2 schema 2, over the same layers"
            )
        self._registry.put(final)
        if final.digest == manifest.digest:
            said = oci_referrers.bring(there, self._registry, final, self._reporter.progress)
        else:
            said = oci_referrers.lost(there, manifest.digest)
        if said:
            self._reporter.note(said)
        return self._named(final, tag)

    def retag(self, digest: Digest, tag: str, /) -> None:
        """Give a digest one more tag, moving no bytes."""
        self._named(self._present(digest), tag)

    def attach(
        self,
        subject: Digest,
        artifact_type: str,
        body: bytes,
        /,
        *,
        created: datetime,
        annotations: Mapping[str, str] | None = None,
    ) -> Digest:
        """Attach a document to a digest as an OCI referrer; the same document is attached once."""
        for kept in self._documents(subject, artifact_type):
            if manifests.content(kept).digest == manifests.digest_of(body):
                return kept.digest
        wanted = manifests.attachment(self._present(subject), artifact_type, body, created, annotations)
        for blob, content in zip(wanted.blobs, (manifests.EMPTY, body), strict=True):
            if not self._registry.has(blob):
                self._registry.write(blob.digest, [content])
        self._registry.put(wanted)
        return wanted.digest

    def attached(self, subject: Digest, /, *artifact_types: str) -> tuple[bytes, ...]:
        """Documents of these types attached to a digest, newest first."""
        return self.attached_to([subject], *artifact_types)[subject]

    def attached_to(
        self, subjects: Sequence[Digest], /, *artifact_types: str
    ) -> Mapping[Digest, tuple[bytes, ...]]:
        """What ``attached`` says of each."""
        found = ecr_manifests.attached(self._ecr, self._spec.repository, subjects, artifact_types)
        return {
            subject: tuple(map(self._body, sorted(every, key=manifests.created, reverse=True)))
            for subject, every in found.items()
        }

    def _body(self, document: Manifest) -> bytes:
        """An attached document: out of its manifest, or out of its blob."""
        body = manifests.embedded(document)
        return b"".join(self._registry.read(manifests.content(document).digest)) if body is None else body

    def export(self, digest: Digest, /) -> AbstractContextManager[BinaryIO]:
        """An image as an archive, made while it is read."""
        manifest = self._present(digest)
        if manifest.index:
            raise Malformed(
                f"{self._spec.repository}@{digest} is an index of several images",
                cure="name the image of one platform: its own digest.",
            )
        return oci_archive.opened(self._registry, manifest)

    def publish(self, name: str, artifact_type: str, file: Path, /, *, created: datetime) -> Digest:
        """Keep a file under its name and time; the same file as the newest is not kept again."""
        wanted = ecr_files.put(self._registry, artifact_type, file, created)
        latest = (
            self.find(before)
            if (before := ecr_files.newest(self._ecr, self._spec.repository, name))
            else None
        )
        if latest and latest.blobs == wanted.blobs:
            return latest.digest
        return self._named(wanted, ecr_files.tag(name, created)).digest

    def fetch(self, name: str, artifact_type: str, into: Path, /, *, most: int) -> Digest | None:
        """Download the newest file of a name; ``None`` where there is none."""
        latest = ecr_files.newest(self._ecr, self._spec.repository, name)
        found = self.find(latest) if latest else None
        return ecr_files.get(self._registry, found, artifact_type, into, most=most) if found else None

    def _documents(self, subject: Digest, *artifact_types: str) -> list[Manifest]:
        """Manifests of what is attached."""
        found = ecr_manifests.attached(self._ecr, self._spec.repository, [subject], artifact_types)
        return found[subject]

    def _images(self, wanted: Sequence[ImageIdentifierTypeDef]) -> list[Manifest]:
        return ecr_manifests.images(self._ecr, self._spec.repository, wanted)

    def _present(self, digest: Digest) -> Manifest:
        """A manifest that was just pushed: ECR's reads may lag behind."""
        for attempt in range(_TRIES):
            manifest = self.manifest(digest)
            if manifest:
                return manifest
            self._clock.sleep(0.2 * 2**attempt)
        raise Differs(
            f"{self._spec.repository} does not have {digest}",
            seen="it was pushed, or said to be there, and ECR does not know it",
            cure="run the same command again",
        )

    def _docker(self, manifest: Manifest, platform: str) -> Manifest:
        """The image as Docker v2 schema 2, of one platform."""
        here = Image(self.repository, manifest.digest)
        if manifest.index:
            manifest = self._present(self._sensible(lambda: manifests.child(manifest, platform), here))
        return self._sensible(lambda: manifests.as_docker(manifest), here)

    def _named(self, manifest: Manifest, tag: str) -> Manifest:
        """Put a tag on a manifest whose blobs are here; one that is there already is as good."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"name {manifest.digest} {tag}", service="ecr"):
            try:
                self._ecr.put_image(
                    repositoryName=self._spec.repository,
                    imageManifest=manifest.body,
                    imageManifestMediaType=manifest.media_type,
                    imageTag=tag,
                    imageDigest=str(manifest.digest),
                )
            except ClientError as error:
                if code(error) == "ImageTagAlreadyExistsException":
                    raise self._taken(tag, manifest) from error
                if code(error) != "ImageAlreadyExistsException":
                    raise
        return manifest

    def _taken(self, tag: str, manifest: Manifest) -> Differs:
        """The tag names another image already, and may not move."""
        there = self.find(tag)
        return Differs(
            f"{tag} already names another image in {self._spec.repository}, and tags do not move",
            seen=f"it names {there.digest if there else 'something else'}, not {manifest.digest}:"
            " the same inputs were built somewhere else meanwhile",
            cure="run the same command again: it uses the image that is there",
        )

    def _sensible(self, make: Callable[[], T], image: Image) -> T:
        """What ``make`` makes of an image; raises ``Malformed`` where the image cannot be used."""
        try:
            return make()
        except ValueError as error:
            cure = "build it for one platform, with gzip layers, without attestations; or name such an image"
            raise Malformed(f"{image} cannot run on SageMaker", seen=str(error), cure=cure) from error

    @cached_property
    def _registry(self) -> Repository:
        """Our repository's HTTP interface."""
        address, _, name = self.repository.partition("/")
        return Repository(address, name, self._login)

    @cached_property
    def _login(self) -> Login:
        return self._login_in(self._spec.region)

    def _login_in(self, region: str) -> Login:
        """The identity's login to ECR in a region, good for twelve hours and for every registry there."""
        client = self._ecr if region == self._spec.region else None
        with translated("log in to ECR", service="ecr"):
            client = client or self._session.client("ecr", region_name=region, config=aws.patient())
            told = client.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
        self._reporter.mask(password)
        return Login(user, password)

    def _login_to(self, address: str) -> Login | None:
        """Our login where the address is an ECR registry."""
        if address == self.repository.partition("/")[0]:
            return self._login
        elsewhere = _ECR.fullmatch(address)
        return self._login_in(elsewhere["region"]) if elsewhere else None
