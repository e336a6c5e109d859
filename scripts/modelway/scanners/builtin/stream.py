"""Bytes that come once, from start to end: hashed, decompressed, and taken in exact amounts."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from modelway.errors import NotEvaluated

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 31  # zlib's way to say: a gzip header, then any window (zlib manual, inflateInit2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may ask for before it is refused."""

    unpacked: int = 200 << 30
    """Bytes of all layers, decompressed."""
    document: int = 8 << 20
    """Bytes of one JSON document; registries allow 4 MiB."""
    documents: int = 64 << 20
    metadata: int = 32 << 20
    """Bytes of one file the inventory reads; the package database of 3,000 packages is 5 MB."""
    database: int = 256 << 20
    """Bytes of rpm's database; that of 3,000 packages with their lists of files is 150 MB."""
    kept: int = 192 << 20
    """Bytes the inventory keeps of all layers together."""
    members: int = 5_000_000
    """Files of all layers."""


def damaged(seen: str) -> NotEvaluated:
    """The archive is not what an engine writes: truncated, altered, or made to confuse."""
    return NotEvaluated(
        "The image archive cannot be read, so the image was not scanned",
        seen=seen,
        cure="build the image again; if it stays, save it with `docker save` and scan it with another tool.",
    )


class Pull:
    """Takes exact amounts from chunks."""

    __slots__ = ("_at", "_buffer", "_chunks")

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._at = 0

    def some(self, most: int) -> bytes:
        """What is at hand, ``most`` bytes at most; empty at the end."""
        if self._at >= len(self._buffer):
            self._buffer = next(self._chunks, b"")
            self._at = 0
        if not self._at and len(self._buffer) <= most:
            piece, self._buffer = self._buffer, b""
            return piece
        piece = self._buffer[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def upto(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end."""
        if self._at + size <= len(self._buffer):
            piece = self._buffer[self._at : self._at + size]
            self._at += size
            return piece
        pieces = []
        while size > 0 and (piece := self.some(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, all of them."""
        piece = self.upto(size)
        if len(piece) < size:
            raise damaged("It ends early.")
        return piece

    def chunks(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces."""
        while size > 0:
            piece = self.some(size)
            if not piece:
                raise damaged("It ends early.")
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over the next ``size`` bytes, copying none of them."""
        while size > 0:
            if self._at >= len(self._buffer):
                self._buffer, self._at = next(self._chunks, b""), 0
                if not self._buffer:
                    raise damaged("It ends early.")
            passed = min(size, len(self._buffer) - self._at)
            self._at += passed
            size -= passed

    def rest(self) -> Iterator[bytes]:
        """Everything up to the end, in pieces."""
        while piece := self.some(CHUNK):
            yield piece


def read(stream: BinaryIO) -> Iterator[bytes]:
    """A stream's bytes in pieces."""
    while piece := stream.read(CHUNK):
        yield piece


class Hash:
    """A SHA-256 of what passes by."""

    __slots__ = ("_hash", "size")

    def __init__(self) -> None:
        self._hash = sha256()
        self.size = 0

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass pieces on, hashing them."""
        for piece in chunks:
            self._hash.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def hex(self) -> str:
        """The 64 hex digits of what passed."""
        return self._hash.hexdigest()


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress gzip, members one after the other, never more than a chunk at a time."""
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    fed = False
    try:
        for piece in chunks:
            data = piece
            while data:
                if inflate.eof:
                    inflate = zlib.decompressobj(_GZIP_WINDOW)
                fed = True
                if out := inflate.decompress(data, CHUNK):
                    yield out
                data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    except zlib.error as error:
        raise damaged(f"A compressed layer is broken: {error}.") from error
    if fed and not inflate.eof:
        raise damaged("A compressed layer ends early.")


def unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress Zstandard, which Python has from 3.14."""
    try:
        # not there before 3.14
        from compression.zstd import ZstdDecompressor, ZstdError  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError as error:
        raise NotEvaluated(
            "A layer of the image is compressed with zstd, so the image was not scanned",
            seen="This Python has no zstd; the standard library has it from 3.14.",
            cure="run with Python 3.14 or newer, or build with compression=gzip.",
        ) from error
    inflate = ZstdDecompressor()
    try:
        for piece in chunks:
            data = piece
            while data or not (inflate.needs_input or inflate.eof):
                if inflate.eof:
                    inflate = ZstdDecompressor()
                if out := inflate.decompress(data, CHUNK):
                    yield out
                data = inflate.unused_data if inflate.eof else b""
    except ZstdError as error:
        raise damaged(f"A compressed layer is broken: {error}.") from error
    if not inflate.eof:
        raise damaged("A compressed layer ends early.")
