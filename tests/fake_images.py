"""Fakes of the ports images go through: a builder, a registry and an artifact store.

The builder and the registry share one ``Images``, as the real ones share an engine.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from modelway.adapters import context
from modelway.core import ecr, manifest
from modelway.core.config import RegistrySpec
from modelway.core.image import DOCKER_MANIFEST, Digest, Image
from modelway.core.inputs import Entry
from modelway.core.json import JsonObject
from modelway.core.manifest import DOCKER_CONFIG, Blob, Manifest, digest_of
from modelway.core.version import Artifact
from modelway.errors import Differs, Failure, Malformed, NotAllowed, Unavailable
from modelway.ports import BuildRequest

BUCKET = "modelway-111111111111-eu-west-1"
REPOSITORY = "333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris"

LINUX = b'{"os": "linux", "architecture": "amd64"}'


@dataclass
class Images:
    """What an engine keeps: the bytes of each local image's config."""

    configs: dict[str, bytes] = field(default_factory=dict)

    def config(self, tag: str) -> bytes:
        """A local image's config; raises ``Unavailable`` where there is none."""
        if tag not in self.configs:
            raise Unavailable(f"there is no local image {tag}")
        return self.configs[tag]


@dataclass
class FakeBuilder:
    """Makes of every request an image whose config holds its labels; remembers the requests."""

    images: Images = field(default_factory=Images)
    bases: dict[str, Digest] = field(default_factory=dict)
    built: list[BuildRequest] = field(default_factory=list)
    failure: Failure | None = None
    """Raised by the next builds."""

    def find(self, tag: str, /) -> bool:
        """Whether the local image exists."""
        return tag in self.images.configs

    def identity(self, tag: str, /) -> str:
        """As classic engines have it."""
        return str(self.config_digest(tag)) if self.find(tag) else ""

    def base_digest(self, reference: str, /) -> Digest | None:
        """What the test says, or what the name pins."""
        _, pinned, digest = reference.partition("@")
        return Digest.parse(digest) if pinned else self.bases.get(reference)

    def entries(self, folder: Path, ignore: str, /) -> tuple[Entry, ...]:
        """The real thing: it touches nothing but the folder."""
        return context.entries(folder, ignore)

    def config_digest(self, tag: str, /) -> Digest:
        """The digest of the config's bytes."""
        return digest_of(self.images.config(tag))

    def build(self, request: BuildRequest, /) -> None:
        """Build, or fail as told."""
        self.built.append(request)
        if self.failure:
            raise self.failure
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dict(request.labels)},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        self.images.configs[request.tag] = json.dumps(config).encode()

    @contextmanager
    def export(self, tag: str, /) -> Iterator[BinaryIO]:
        """A docker archive with a config and no layers."""
        yield _archive(self.images.config(tag))


def _archive(config: bytes) -> BinaryIO:
    """A docker archive with a config and no layers."""
    name = f"{digest_of(config).hex}.json"
    listing = json.dumps([{"Config": name, "RepoTags": [], "Layers": []}]).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, body in ((name, config), ("manifest.json", listing)):
            member = tarfile.TarInfo(path)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    packed.seek(0)
    return packed


@dataclass
class FakeRegistry:
    """One repository; tags are immutable but for the movable ones, as modelway sets ECR up."""

    images: Images = field(default_factory=Images)
    repository: str = REPOSITORY
    elsewhere: dict[str, Manifest] = field(default_factory=dict)
    """Images of other registries, by ``repository@sha256:...``."""
    said_elsewhere: list[tuple[str, str, datetime, bytes]] = field(default_factory=list)
    """What is attached to them, likewise."""
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    """Image configs, here and there."""
    manifests: dict[Digest, Manifest] = field(default_factory=dict)
    named: dict[str, Digest] = field(default_factory=dict)
    documents: list[tuple[Digest, str, datetime, bytes]] = field(default_factory=list)
    files: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    """Type and content of each file kept under a name, the newest last."""
    lifecycle: JsonObject | None = None
    ensured: tuple[RegistrySpec, tuple[str, ...]] | None = None
    writes: list[str] = field(default_factory=list)
    """Each call that changed something."""
    unreachable: bool = False

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
        """Remember; say a change once."""
        del owner, model
        wanted, lifecycle = (spec, tuple(pullers)), ecr.lifecycle(spec.keep_releases)
        if self.lifecycle != lifecycle and not (self.manifests and waits(lifecycle)):
            self.lifecycle = lifecycle
        if self.ensured == wanted:
            return ()
        self.ensured = wanted
        self.writes.append("ensure")
        return (f"created the repository {spec.repository}",)

    def find(self, tag: str, /) -> Manifest | None:
        """What a tag names."""
        if self.unreachable:
            raise Unavailable("AWS could not be reached")
        return self.manifests.get(self.named[tag]) if tag in self.named else None

    def manifest(self, digest: Digest, /) -> Manifest | None:
        """A manifest by digest."""
        return self.manifests.get(digest)

    def manifests_of(self, digests: Sequence[Digest], /) -> Mapping[Digest, Manifest]:
        """Those of them that are there."""
        return {one: self.manifests[one] for one in digests if one in self.manifests}

    def built(self, image: Manifest, /) -> bytes:
        """An image's config; one that a test made up is for linux/amd64."""
        return self.blobs.get(image.config, LINUX) if image.config else b""

    def tags(self, digest: Digest, /) -> tuple[str, ...]:
        """The tags of a digest."""
        return tuple(sorted(tag for tag, named in self.named.items() if named == digest))

    def push(self, local: str, tag: str, /) -> Manifest:
        """A manifest over the local image's config."""
        config = self.images.config(local)
        pushed = manifest_over(config)
        self.blobs[digest_of(config)] = config
        self._name(pushed, tag)
        return pushed

    def pull(self, source: Image, local: str, /, *, platform: str) -> None:
        """Bring an image that somebody pushed."""
        del platform
        config = self._elsewhere(source).config
        assert config, "an index has no config"
        self.images.configs[local] = self.blobs[config]

    def copy(self, source: Image, tag: str, /, *, platform: str) -> Manifest:
        """Bring an image here, its digest unchanged, and what is attached to it."""
        del platform
        found = self._elsewhere(source)
        self._name(found, tag)
        for image, kind, created, body in self.said_elsewhere:
            if image == str(source):
                self.attach(found.digest, kind, body, created=created)
        return found

    def retag(self, digest: Digest, tag: str, /) -> None:
        """Give a digest one more tag."""
        if digest not in self.manifests:
            raise Differs(f"{self.repository} does not have {digest}")
        self._name(self.manifests[digest], tag)

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
        """Attach a document once."""
        del annotations
        if subject not in self.manifests:
            raise Differs(f"{self.repository} does not have {subject}")
        if body not in self.attached(subject, artifact_type):
            self.writes.append("attach")
            self.documents.append((subject, artifact_type, created, body))
        return digest_of(body)

    def attached(self, subject: Digest, /, *artifact_types: str) -> tuple[bytes, ...]:
        """Documents of these types, newest first."""
        mine = [(at, body) for s, kind, at, body in self.documents if s == subject and kind in artifact_types]
        return tuple(body for _, body in sorted(mine, key=lambda one: one[0], reverse=True))

    def attached_to(
        self, subjects: Sequence[Digest], /, *artifact_types: str
    ) -> Mapping[Digest, tuple[bytes, ...]]:
        """Those of each."""
        return {one: self.attached(one, *artifact_types) for one in subjects}

    @contextmanager
    def export(self, digest: Digest, /) -> Iterator[BinaryIO]:
        """An image as an archive."""
        found = self.manifest(digest)
        if not found or not found.config:
            raise Differs(f"{self.repository} does not have {digest}")
        yield _archive(self.blobs[found.config])

    def publish(self, name: str, artifact_type: str, file: Path, /, *, created: datetime) -> Digest:
        """Keep a file under its name."""
        kept = self.files.setdefault(name, [])
        if not kept or kept[-1][1] != file.read_bytes():
            kept.append((artifact_type, file.read_bytes()))
        return digest_of(kept[-1][1])

    def fetch(self, name: str, artifact_type: str, into: Path, /, *, most: int) -> Digest | None:
        """The newest file of a name."""
        if name not in self.files:
            return None
        kind, body = self.files[name][-1]
        if kind != artifact_type or len(body) > most:
            raise Differs(f"{name} is not the file it should be")
        into.write_bytes(body)
        return digest_of(body)

    def _elsewhere(self, source: Image) -> Manifest:
        own = self.manifests.get(source.digest) if source.repository == self.repository else None
        found = own or self.elsewhere.get(str(source))
        if found is None:
            raise Malformed(f"{source} cannot be pulled")
        return found

    def _name(self, wanted: Manifest, tag: str) -> None:
        movable = any(fnmatch(tag, pattern) for pattern in ecr.MOVABLE)
        if self.named.get(tag, wanted.digest) != wanted.digest and not movable:
            raise Differs(f"{tag} already names another image")
        if self.named.get(tag) != wanted.digest:
            self.writes.append(f"put {tag}")
        self.manifests[wanted.digest], self.named[tag] = wanted, wanted.digest


@dataclass
class FakeArtifactStore:
    """An S3 whose objects are ``objects``, by URI."""

    objects: dict[str, bytes] = field(default_factory=dict)
    model: str = "iris"
    bucket: str = BUCKET

    def target_uri(self, artifact: Artifact, /) -> str:
        """The S3 URI our copy has or will have."""
        return f"s3://{self.bucket}/{self.model}/{artifact.sha256.hex}/model.tar.gz"

    def find(self, artifact: Artifact, /) -> str | None:
        """The S3 URI of our verified copy, if there is one."""
        ours = self.target_uri(artifact)
        return ours if ours in self.objects else None

    def bring(self, artifact: Artifact, /) -> str:
        """Copy and verify."""
        ours = self.target_uri(artifact)
        if ours not in self.objects:
            self.objects[ours] = self._verified(artifact)
        return ours

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        """Download and verify."""
        file = folder / "model.tar.gz"
        file.write_bytes(self._verified(artifact))
        return file

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        """The bytes as they lie there, in small pieces."""
        body = self.objects.get(artifact.uri)
        if body is None:
            raise NotAllowed(f"the model artifact {artifact.uri} does not exist")
        yield from (body[at : at + 1000] for at in range(0, len(body), 1000))

    def _verified(self, artifact: Artifact) -> bytes:
        body = self.objects.get(artifact.uri)
        if body is None or digest_of(body) != artifact.sha256:
            raise NotAllowed(f"{artifact.uri} is not the model artifact the config names")
        return body


def manifest_over(config: bytes) -> Manifest:
    """A Docker v2 schema 2 manifest of an image without layers."""
    blob = Blob(media_type=DOCKER_CONFIG, digest=digest_of(config), size=len(config))
    body = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": blob.json(), "layers": []}
    return manifest.read(json.dumps(body), DOCKER_MANIFEST)
