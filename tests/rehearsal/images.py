"""Tiny images pushed to the rehearsal's registry by plain HTTP, as any OCI client would: no Docker needed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import urllib3

from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"


class Ecr(Protocol):
    """What is needed of boto3's ECR client."""

    def get_authorization_token(self) -> Mapping[str, object]:
        """Ask for a login."""


def sha256(data: bytes) -> str:
    """Name bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Built:
    """A manifest and the blobs it names."""

    manifest: bytes
    media_type: str
    blobs: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return sha256(self.manifest)

    @property
    def text(self) -> str:
        """The manifest as PutImage takes it."""
        return self.manifest.decode()


def image(content: str = "hello", *, media_type: str = DOCKER_MANIFEST) -> Built:
    """An image of one file."""
    return holding({"content": content}, media_type=media_type)


def holding(files: Mapping[str, str], *, media_type: str = DOCKER_MANIFEST) -> Built:
    """An image of one layer with these files."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            tar.addfile(entry, io.BytesIO(content.encode()))
    layer = gzip.compress(raw.getvalue(), mtime=0)
    rootfs = {"type": "layers", "diff_ids": [sha256(raw.getvalue())]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    docker = media_type == DOCKER_MANIFEST
    config_type = DOCKER_CONFIG if docker else "application/vnd.oci.image.config.v1+json"
    return _manifest(media_type, (config_type, config), (DOCKER_LAYER if docker else OCI_LAYER, layer), {})


def archive(tag: str) -> bytes:
    """An image for ``docker load``; nothing in it runs."""
    built = image(tag)
    config, layer = built.blobs
    listing = [{"Config": "config.json", "RepoTags": [f"{tag}:latest"], "Layers": ["layer.tar"]}]
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in (
            ("config.json", config),
            ("layer.tar", gzip.decompress(layer)),
            ("manifest.json", json.dumps(listing).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def referrer(subject: Built, artifact_type: str, body: bytes) -> Built:
    """A document about an image (OCI image-spec 1.1, "Guidelines for Artifact Usage")."""
    about = {
        "artifactType": artifact_type,
        "subject": {
            "mediaType": subject.media_type,
            "digest": subject.digest,
            "size": len(subject.manifest),
        },
        "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    }
    return _manifest(OCI_MANIFEST, (OCI_EMPTY, b"{}"), (artifact_type, body), about)


def _manifest(
    media_type: str, config: tuple[str, bytes], layer: tuple[str, bytes], more: Mapping[str, object]
) -> Built:
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(*config),
        "layers": [_descriptor(*layer)],
        **more,
    }
    return Built(json.dumps(document).encode(), media_type, (config[1], layer[1]))


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the registry said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The distribution API's error code."""
        return str(json.loads(self.body)["errors"][0]["code"])


@dataclass(frozen=True, slots=True)
class Pusher:
    """A logged-in OCI client of one repository, as ``repositoryUri`` names it."""

    uri: str
    login: str = ""
    """``AWS:password``; empty for none."""
    pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a path under the repository, as in ``manifests/v1``; redirects are not followed."""
        address, _, repository = self.uri.partition("/")
        url = f"http://{address}/v2/{repository}/{path}"
        return self._ask(method, url, body, headers or {})

    def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        login = (
            {"Authorization": f"Basic {base64.b64encode(self.login.encode()).decode()}"} if self.login else {}
        )
        answer = self.pool.request(method, url, body=body, headers={**login, **headers}, redirect=False)
        return Answer(answer.status, dict(answer.headers), answer.data)

    def upload(self, blob: bytes) -> None:
        """Upload a blob in two steps, as docker does."""
        opened = self.request("POST", "blobs/uploads/")
        assert opened.status == 202, opened.body
        location = opened.headers["Location"]
        url = f"{location}{'&' if '?' in location else '?'}digest={sha256(blob)}"
        answer = self._ask("PUT", url, blob, {"Content-Type": "application/octet-stream"})
        assert answer.status == 201, answer.body

    def put_manifest(self, built: Built, tag: str) -> Answer:
        """Put the manifest under a tag or its digest."""
        return self.request("PUT", f"manifests/{tag}", built.manifest, {"Content-Type": built.media_type})

    def push(self, built: Built, tag: str = "") -> str:
        """Push it all; its digest."""
        for blob in built.blobs:
            self.upload(blob)
        answer = self.put_manifest(built, tag or built.digest)
        assert answer.status == 201, answer.body
        return answer.headers["Docker-Content-Digest"]
