"""Manifests: read as they are, rewritten as Docker v2 schema 2, refused where that cannot be."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from modelway.core import manifest
from modelway.core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from modelway.core.json import Json, JsonObject
from modelway.core.manifest import digest_of

CONFIG: JsonObject = {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "sha256:" + "c" * 64,
    "size": 7,
}
GZIP: JsonObject = {
    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
    "digest": "sha256:" + "1" * 64,
    "size": 100,
}
ZSTD: JsonObject = {**GZIP, "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"}


def oci(*layers: Json) -> str:
    """An OCI manifest."""
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": layers})


def test_reading_hashes_the_very_bytes_and_counts_what_is_pulled() -> None:
    read = manifest.read(oci(GZIP))
    assert read.digest == digest_of(oci(GZIP))
    assert str(read.config) == CONFIG["digest"]
    assert read.size == 107


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"config": 1}',
        oci({**GZIP, "size": None}),
        oci({"digest": "x", "size": 1}),
        oci("layer"),
    ],
)
def test_what_is_no_manifest_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        manifest.read(body)


def test_docker_says_the_same_image_over_the_same_blobs() -> None:
    made = manifest.as_docker(manifest.read(oci(GZIP)))
    assert made.media_type == json.loads(made.body)["mediaType"] == DOCKER_MANIFEST
    assert made.config == manifest.read(oci(GZIP)).config
    assert [blob.digest for blob in made.blobs] == [blob.digest for blob in manifest.read(oci(GZIP)).blobs]
    assert [blob.media_type for blob in made.blobs] == [
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ]


def test_a_docker_manifest_stays_byte_for_byte() -> None:
    made = manifest.as_docker(manifest.read(oci(GZIP)))
    assert manifest.as_docker(made) is made


def test_rewriting_gives_the_same_digest_each_time() -> None:
    first, second = (manifest.as_docker(manifest.read(oci(GZIP))) for _ in range(2))
    assert first.digest == second.digest


def test_layers_docker_has_no_name_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tar\+zstd"):
        manifest.as_docker(manifest.read(oci(ZSTD)))


INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "manifests": [
            {"digest": "sha256:" + "a" * 64, "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": "sha256:" + "b" * 64, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": "sha256:" + "d" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
        ],
    }
)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_INDEX, ""])
def test_an_index_has_a_child_for_a_platform(media_type: str) -> None:
    index = manifest.read(INDEX, media_type)
    assert index.index
    assert str(manifest.child(index, "linux/amd64")) == "sha256:" + "b" * 64


def test_an_index_without_the_platform_says_which_it_has() -> None:
    with pytest.raises(ValueError, match="no image for linux/s390x, only for linux/arm64, linux/amd64"):
        manifest.child(manifest.read(INDEX), "linux/s390x")


def test_an_index_is_no_image() -> None:
    with pytest.raises(ValueError, match=r"image\.index"):
        manifest.as_docker(manifest.read(INDEX))


def test_an_attachment_names_its_subject_its_type_and_when_it_was_made() -> None:
    subject = manifest.read(oci(GZIP))
    made = manifest.attachment(subject, "application/x", b"{}!", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    said = json.loads(made.body)
    assert said["subject"] == {
        "mediaType": OCI_MANIFEST,
        "digest": str(subject.digest),
        "size": len(subject.body),
    }
    assert said["artifactType"] == "application/x"
    assert made.blobs[1].digest == digest_of(b"{}!")
    assert manifest.created(made) == "2026-01-02T03:04:05Z"
