"""An image of a registry as an archive, made while it is read: nothing is kept on this machine.

An OCI layout with the ``manifest.json`` of ``docker save`` beside it, in a tar, so that whatever reads one
of them reads this. Every blob's digest is checked as it passes, by ``oci.Repository.read``.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from modelway.adapters.oci import Repository
from modelway.core.manifest import Blob, Manifest
from modelway.errors import Differs

_BLOCK = 512


@contextmanager
def opened(there: Repository, manifest: Manifest) -> Iterator[BinaryIO]:
    """The archive, readable once from start to end; reading raises ``Differs`` for what is not its digest."""
    pieces = _archive(there, manifest)
    try:
        yield cast("BinaryIO", io.BufferedReader(_Pieces(pieces), 1 << 20))
    finally:
        pieces.close()


def _archive(there: Repository, manifest: Manifest) -> Generator[bytes]:
    """The tar, piece by piece."""
    config, *layers = manifest.blobs
    body = manifest.body.encode()
    entry = {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": len(body)}
    listing = {"Config": _path(config), "RepoTags": [], "Layers": [_path(one) for one in layers]}
    yield from _document("oci-layout", {"imageLayoutVersion": "1.0.0"})
    yield from _document("index.json", {"schemaVersion": 2, "manifests": [entry]})
    yield from _document("manifest.json", [listing])
    yield from _member(f"blobs/sha256/{manifest.digest.hex}", len(body), [body])
    for blob in dict.fromkeys(manifest.blobs):
        yield from _member(_path(blob), blob.size, _sized(there, blob))
    yield bytes(2 * _BLOCK)


def _sized(there: Repository, blob: Blob) -> Iterator[bytes]:
    """A blob's bytes, as many as its manifest says."""
    size = 0
    for piece in there.read(blob.digest):
        size += len(piece)
        if size > blob.size:
            break
        yield piece
    if size != blob.size:
        raise Differs(
            f"the blob {blob.digest} does not have the {blob.size} bytes its manifest says",
            seen=f"the registry sent {size}",
            cure="run the same command again; if it stays so, the image is damaged",
        )


def _path(blob: Blob) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/sha256/{blob.digest.hex}"


def _document(name: str, value: object) -> Iterator[bytes]:
    body = json.dumps(value).encode()
    return _member(name, len(body), [body])


def _member(name: str, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One file of a tar: its header, its bytes, filled up to a block."""
    about = tarfile.TarInfo(name)
    about.size = size
    yield about.tobuf(tarfile.GNU_FORMAT)
    yield from pieces
    yield bytes(-size % _BLOCK)


class _Pieces(io.RawIOBase):
    """Pieces that come one by one, as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It can only be read."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # what BufferedReader passes
        """What is at hand; nothing at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
