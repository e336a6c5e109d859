"""A registry's image as a stream: exactly what the manifest says, or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import cast

import pytest

from modelway.adapters import oci_archive
from modelway.adapters.oci import Repository
from modelway.core.image import OCI_MANIFEST, Digest
from modelway.core.manifest import Manifest, digest_of, read
from modelway.errors import Differs, NotEvaluated
from modelway.scanners.builtin.archive import read_archive
from tests.scanners.images import DEBIAN, config, layer, python

LAYERS = [layer(DEBIAN), layer(python("flask", "2.0.0")), layer({})]
PACKED = [gzip.compress(one, mtime=0) for one in LAYERS]
CONFIG = config(LAYERS)


def manifest(**sizes: int) -> Manifest:
    """The image's manifest; sizes of layers may be told otherwise."""
    blobs = [{"mediaType": "x", "digest": str(digest_of(one)), "size": len(one)} for one in (CONFIG, *PACKED)]
    for number, size in sizes.items():
        blobs[int(number.removeprefix("blob"))]["size"] = size
    return read(json.dumps({"config": blobs[0], "layers": blobs[1:]}), OCI_MANIFEST)


class Blobs:
    """A repository that has blobs, and may have others under their names."""

    def __init__(self, **instead: bytes) -> None:
        self.kept = {digest_of(one): one for one in (CONFIG, *PACKED)}
        for number, body in instead.items():
            self.kept[digest_of((CONFIG, *PACKED)[int(number.removeprefix("blob"))])] = body

    def read(self, digest: Digest) -> Iterator[bytes]:
        """A blob in small pieces; as the real one, it says at the end that it was another."""
        body = self.kept[digest]
        for at in range(0, len(body), 100):
            yield body[at : at + 100]
        if digest_of(body) != digest:
            raise Differs("other bytes")


def scanned(there: Blobs, about: Manifest) -> list[str]:
    """The diff ids of what is read."""
    with oci_archive.opened(cast("Repository", there), about) as stream:
        return [diff_id for diff_id, _ in read_archive(stream, platform="linux/amd64").layers]


def test_the_archive_is_the_image() -> None:
    assert scanned(Blobs(), manifest()) == [str(digest_of(one)) for one in LAYERS]


@pytest.mark.parametrize("number", range(4))
def test_a_blob_that_is_not_its_digest_is_refused(number: int) -> None:
    body = bytearray((CONFIG, *PACKED)[number])
    body[-1] ^= 1
    with pytest.raises((Differs, NotEvaluated)):
        scanned(Blobs(**{f"blob{number}": bytes(body)}), manifest())


@pytest.mark.parametrize("more", [-1, 1, 1000])
def test_a_blob_of_another_size_than_its_manifests_is_refused(more: int) -> None:
    with pytest.raises((Differs, NotEvaluated)):
        scanned(Blobs(), manifest(blob2=len(PACKED[1]) + more))
