"""Image manifests: read, rewritten as Docker v2 schema 2, and written for documents attached to an image.

OCI image-spec 1.1, manifest.md; Docker registry, "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from modelway.core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Digest
from modelway.core.json import Json, JsonObject

DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_TYPE: Mapping[str, str] = {
    "application/vnd.oci.image.config.v1+json": DOCKER_CONFIG,
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
}
EMPTY = b"{}"
"""The config of a manifest that has none (image-spec 1.1, "Guidance for an Empty Descriptor")."""
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
CREATED = "org.opencontainers.image.created"
EMBEDDED = 64 << 10
"""Bytes up to which an attached document is repeated in its manifest, which may be 4 MiB in ECR."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes a manifest points at: a config or a layer."""

    media_type: str
    digest: Digest
    size: int

    def json(self) -> JsonObject:
        """As a manifest names it (image-spec, descriptor.md)."""
        return {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An image manifest as the registry keeps it: its bytes are its digest."""

    digest: Digest
    media_type: str
    body: str
    config: Digest | None
    """The image config's digest, which a scan is bound to; ``None`` for an index."""
    size: int
    """Compressed bytes of config and layers."""
    blobs: tuple[Blob, ...] = ()
    """Config first, then the layers from the bottom up; none for an index."""

    @property
    def index(self) -> bool:
        """Whether it only lists manifests, one a platform."""
        return self.media_type in {OCI_INDEX, DOCKER_INDEX}


def digest_of(body: str | bytes) -> Digest:
    """The digest of these bytes."""
    data = body.encode() if isinstance(body, str) else body
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def read(body: str, media_type: str = "") -> Manifest:
    """Read a manifest and compute its digest; raises ``ValueError`` for what is none."""
    parsed = _object(json.loads(body))
    kind = (
        media_type or _text(parsed.get("mediaType")) or (OCI_INDEX if "manifests" in parsed else OCI_MANIFEST)
    )
    blobs: tuple[Blob, ...] = ()
    if kind not in {OCI_INDEX, DOCKER_INDEX}:
        layers = _list(parsed.get("layers"))
        blobs = tuple(_blob(_object(entry)) for entry in (parsed.get("config"), *layers))
    return Manifest(
        digest=digest_of(body),
        media_type=kind,
        body=body,
        config=blobs[0].digest if blobs else None,
        size=sum(blob.size for blob in blobs),
        blobs=blobs,
    )


def child(index: Manifest, platform: str) -> Digest:
    """The manifest an index holds for a platform; raises ``ValueError`` where it holds none."""
    have: list[str] = []
    for entry in map(_object, _list(_object(json.loads(index.body)).get("manifests"))):
        machine = _object(entry.get("platform") or {})
        have.append(f"{_text(machine.get('os'))}/{_text(machine.get('architecture'))}")
        if have[-1] == "/".join(platform.split("/")[:2]):
            return Digest.parse(_text(entry.get("digest")))
    raise ValueError(f"the index has no image for {platform}, only for {', '.join(have) or 'nothing'}")


def as_docker(manifest: Manifest) -> Manifest:
    """The same image as Docker v2 schema 2, over the same blobs; ``ValueError`` where v2s2 cannot say it.

    SageMaker refuses OCI manifests (aws/amazon-sagemaker-feedback#180).
    """
    if manifest.media_type == DOCKER_MANIFEST:
        return manifest
    known = {*_DOCKER_TYPE, *_DOCKER_TYPE.values()}
    strange = sorted({blob.media_type for blob in manifest.blobs} - known)
    if manifest.index or strange:
        raise ValueError(f"Docker v2 schema 2 has no {', '.join(strange) or manifest.media_type}")
    config, *layers = (
        Blob(media_type=_DOCKER_TYPE.get(b.media_type, b.media_type), digest=b.digest, size=b.size).json()
        for b in manifest.blobs
    )
    written = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config, "layers": layers}
    return read(json.dumps(written, indent=3), DOCKER_MANIFEST)


def attachment(
    subject: Manifest,
    artifact_type: str,
    body: bytes,
    created: datetime,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """The manifest of a document attached to an image (image-spec 1.1, "Guidelines for Artifact Usage").

    A small document is repeated in its descriptor's ``data`` (image-spec, descriptor.md, "Embedded Content"),
    so that whoever has the manifests of many needs not ask for each blob.
    """
    layer = dict(Blob(media_type=artifact_type, digest=digest_of(body), size=len(body)).json())
    if len(body) <= EMBEDDED:
        layer["data"] = base64.b64encode(body).decode()
    written = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": Blob(media_type=_EMPTY_TYPE, digest=digest_of(EMPTY), size=len(EMPTY)).json(),
        "layers": [layer],
        "subject": Blob(
            media_type=subject.media_type, digest=subject.digest, size=len(subject.body.encode())
        ).json(),
        "annotations": {**(annotations or {}), CREATED: created.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    return read(json.dumps(written), OCI_MANIFEST)


def document(artifact_type: str, content: Blob, created: datetime) -> Manifest:
    """The manifest of a file that is kept in a registry by itself (image-spec 1.1, the same guidelines)."""
    written = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": Blob(media_type=_EMPTY_TYPE, digest=digest_of(EMPTY), size=len(EMPTY)).json(),
        "layers": [content.json()],
        "annotations": {CREATED: created.strftime("%Y-%m-%dT%H:%M:%SZ")},
    }
    return read(json.dumps(written), OCI_MANIFEST)


def embedded(manifest: Manifest) -> bytes | None:
    """The attached document, where its descriptor holds it and it is the one the digest names."""
    layers = _list(_object(json.loads(manifest.body)).get("layers"))
    data = _text(_object(layers[0]).get("data")) if layers else ""
    try:
        body = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    return body if data and digest_of(body) == manifest.blobs[1].digest else None


def content(manifest: Manifest) -> Blob:
    """The attached document's own blob; raises ``ValueError`` for what holds none."""
    if len(manifest.blobs) < 2:  # noqa: PLR2004 - its config, and the document
        raise ValueError(f"{manifest.digest} holds no document")
    return manifest.blobs[1]


def referrers(body: str) -> tuple[Digest, ...]:
    """What a list of referrers names; raises ``ValueError``. Some registries write an empty list as null."""
    listed = _object(json.loads(body)).get("manifests")
    return () if listed is None else entries(body)


def entries(body: str) -> tuple[Digest, ...]:
    """The manifests an index lists; raises ``ValueError`` for what is no index."""
    listed = map(_object, _list(_object(json.loads(body)).get("manifests")))
    return tuple(Digest.parse(_text(entry.get("digest"))) for entry in listed)


def subject(manifest: Manifest) -> str:
    """The digest a manifest says that it is about; empty where it is about none."""
    return _text(_object(_object(json.loads(manifest.body)).get("subject") or {}).get("digest"))


def created(manifest: Manifest) -> str:
    """When an attached document was made, as its manifest says; empty where it does not."""
    annotations = _object(_object(json.loads(manifest.body)).get("annotations") or {})
    return _text(annotations.get(CREATED))


def _blob(entry: JsonObject) -> Blob:
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool):
        # A HEAD without Content-Length once made an engine push a layer without a size: another digest.
        raise ValueError(f"the manifest gives no size for {entry.get('digest')}")  # noqa: TRY004 - bad input
    return Blob(
        media_type=_text(entry.get("mediaType")), digest=Digest.parse(_text(entry.get("digest"))), size=size
    )


def _object(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected an object in the manifest, got {value!r:.80}")  # noqa: TRY004 - bad input
    return value


def _list(value: Json) -> Sequence[Json]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"expected a list in the manifest, got {value!r:.80}")  # noqa: TRY004 - bad input
    return value


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
