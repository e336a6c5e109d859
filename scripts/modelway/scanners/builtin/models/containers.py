"""Model files in whatever they are packed: zip (PyTorch, NumPy, Keras), tar, gzip, bzip2, xz, zlib."""

from __future__ import annotations

import bz2
import lzma
import posixpath
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol, cast

from modelway.errors import NotEvaluated
from modelway.scanners.builtin.models import formats
from modelway.scanners.builtin.models.issues import (
    CARRIES_CODE,
    COMPUTED,
    RUNS_CODE,
    TRAVERSAL,
    UNKNOWN_IMPORT,
    UNREADABLE,
    Issue,
)
from modelway.scanners.builtin.models.names import Trust, trust
from modelway.scanners.builtin.models.pickles import NUMPY, Read, read_numpy, read_pickles
from modelway.scanners.builtin.stream import Pull
from modelway.scanners.builtin.tar import Kind, Tar

MEMORY = 8 << 20
"""Bytes of a file that are held in memory; what is longer goes to a temporary file."""
UNPACKED = 4 << 30
"""Bytes all that is packed in one file may have."""
MEMBERS = 200_000
DEPTH = 4
_PIECE = 1 << 20
_MAGIC = 265

_PACKED = r"(?:\.(?:gz|z|bz2|xz|lzma|lz4|zst))?\Z"
_PICKLE_NAME = re.compile(r"\.(?:pkl|pickle|joblib|dill|cloudpickle)" + _PACKED, re.IGNORECASE)
_MODEL_NAME = re.compile(
    r"\.(?:pkl|pickle|joblib|dill|cloudpickle|sav|pck|p|pt|pth|ckpt|bin|mar|npy|npz|h5|hdf5|keras|onnx|pb|model)"
    + _PACKED
    + r"|(?:\.tar(?:\.(?:gz|bz2|xz))?|\.tgz)\Z",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"\.(?:sav|pck|p|bin|ckpt|pt|pth|model)\Z", re.IGNORECASE)
"""Names of pickles and of other things: what is no pickle is nothing to complain of."""
_TAR_NAME = re.compile(r"(?:\.tar(?:\.[A-Za-z0-9]{1,4})?|\.tgz)\Z", re.IGNORECASE)
_PICKLE_MAGIC = re.compile(rb"\x80[\x02-\x05](?:\x95|[\x00-\xff])", re.DOTALL)
_PICKLE_START = re.compile(rb"\x80[\x02-\x05](?:\x95.{8}|[(\]}cXU\x8c)KNM\x88\x89C\x8a\x8f])", re.DOTALL)
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
)


def is_wanted(path: str, start: bytes) -> bool:
    """Whether a file is a model by its name or its first bytes."""
    if start[8:9] == b"{" and path.endswith(".safetensors"):
        return False
    return bool(
        _MODEL_NAME.search(path)
        or _PICKLE_START.match(start)
        or (start[:4] == b"PK\x03\x04" and b"/data.pkl" in start)
    )


@dataclass(slots=True)
class Budget:
    """What is left for all that is packed in one file."""

    unpacked: int = UNPACKED
    members: int = MEMBERS
    most: int = UNPACKED
    """What there was at first."""
    set_aside: int = UNPACKED
    """Bytes of one member that may go to a temporary file."""

    def within(self) -> Budget:
        """For a tar inside, whose members are counted anew; files stay counted."""
        return replace(self, unpacked=self.most)

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass pieces on, counting them."""
        for piece in chunks:
            self.unpacked -= len(piece)
            if self.unpacked < 0:
                raise ValueError(f"it unpacks to more than {self.most >> 30} GiB")
            yield piece

    def member(self) -> None:
        """Count one file."""
        self.members -= 1
        if self.members < 0:
            raise ValueError(f"it holds more than {MEMBERS} files")


def look_at(file: BinaryIO, path: str, budget: Budget | None = None, depth: int = 0) -> Iterator[Issue]:
    """Everything wrong with a model file; it has to be seekable, and stands at its beginning.

    Never raises for what is in the file: what cannot be read is an issue of its own.
    """
    budget = budget or Budget()
    start = file.read(_MAGIC)
    file.seek(0)
    try:
        if depth > DEPTH:
            raise ValueError("archives are nested too deeply")
        yield from _kind(start, path)(file, path, budget, depth)
    except NotEvaluated as error:
        yield Issue(UNREADABLE, path, error.seen)
    except _ERRORS as error:
        yield Issue(UNREADABLE, path, _plain(str(error) or type(error).__name__))


_Look = Callable[[BinaryIO, str, Budget, int], Iterator[Issue]]


def _kind(start: bytes, path: str) -> _Look:  # noqa: C901, PLR0911  (one line a format)
    """Who reads a file that begins so: what it holds counts, its name only where nothing else says."""
    lower = path.lower()
    if start[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _zip
    if start[:2] == b"\x1f\x8b":
        return lambda file, path, budget, depth: _packed(_inflated(file, 31), path, budget, depth)
    if start[:3] == b"BZh":
        return lambda file, path, budget, depth: _packed(
            _decompressed(file, bz2.BZ2Decompressor), path, budget, depth
        )
    if start[:6] == b"\xfd7zXZ\0" or start[:3] == b"\x5d\0\0":
        return lambda file, path, budget, depth: _packed(
            _decompressed(file, lzma.LZMADecompressor), path, budget, depth
        )
    if start[:6] == NUMPY:
        return _numpy
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return lambda file, path, *_: formats.look_at_hdf5(file, path)
    if start[257:262] == b"ustar":
        return _tar
    if start[:2] in _ZLIB and _PICKLE_NAME.search(lower):
        return lambda file, path, budget, depth: _packed(_inflated(file, 15), path, budget, depth)
    if lower.endswith(".onnx"):
        return lambda file, path, *_: formats.look_at_onnx(file, path)
    if lower.endswith(".pb"):
        return _protobuf
    if _PICKLE_MAGIC.match(start) or _PICKLE_NAME.search(lower) or _MAYBE.search(lower):
        return _pickle
    return _nothing


def _nothing(*_: object) -> Iterator[Issue]:
    """Neither packed nor pickled: safetensors, GGUF, plain weights."""
    return iter(())


def _pickle(file: BinaryIO, path: str, _budget: Budget, _depth: int) -> Iterator[Issue]:
    """A pickle, or what is called one."""
    named = _PICKLE_NAME.search(path) is not None
    yield from _judged(read_pickles(file), path, named=named)


def _numpy(file: BinaryIO, path: str, _budget: Budget, _depth: int) -> Iterator[Issue]:
    """An array of NumPy's own format."""
    read = read_numpy(file)
    if read:
        yield from _judged(read, path, named=True)


def _protobuf(file: BinaryIO, path: str, _budget: Budget, _depth: int) -> Iterator[Issue]:
    """What TensorFlow saves: the graph, and Keras's description of it."""
    yield from formats.look_at_tensorflow(file, path)
    file.seek(0)
    yield from formats.look_at_hdf5(file, path)


def _judged(read: Read, path: str, *, named: bool) -> Iterator[Issue]:
    """What a pickle does, by how bad it is."""
    by_trust: dict[Trust, list[str]] = {}
    for name in read.found.imports:
        by_trust.setdefault(trust(name.module, name.name), []).append(str(name))
    whole = named or not read.problem  # bytes that only begin like a pickle say nothing by their names
    for level, rule in ((Trust.RUNS_CODE, RUNS_CODE), (Trust.CARRIES_CODE, CARRIES_CODE)):
        if level in by_trust:
            yield Issue(rule, path, formats.shown(by_trust[level]))
    if whole and read.found.computed:
        yield Issue(COMPUTED, path, formats.shown(read.found.computed))
    if whole and Trust.UNKNOWN in by_trust:
        yield Issue(UNKNOWN_IMPORT, path, formats.shown(by_trust[Trust.UNKNOWN]))
    if named and read.problem:
        yield Issue(UNREADABLE, path, read.problem)


def _zip(file: BinaryIO, path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """PyTorch's, NumPy's and Keras's containers, and zip files of models."""
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            budget.member()
            if _leads_out(member.filename):
                yield Issue(TRAVERSAL, path, formats.shown([member.filename]))
            if member.is_dir():
                continue
            with archive.open(member) as content:
                yield from _member(_pieces(content), f"{path}!{member.filename}", budget, depth)


def _tar(file: BinaryIO, path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """What SageMaker keeps in S3, once it is decompressed."""
    yield from _tar_of(_pieces(file), path, budget, depth)


def _tar_of(chunks: Iterable[bytes], path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """The members of a tar that comes as a stream."""
    pull = Pull(chunks)
    tar = Tar(pull)
    for member in tar:
        budget.member()
        target = posixpath.join(posixpath.dirname(member.name), member.link)
        linked = member.kind is Kind.SYMBOLIC_LINK and _leads_out(target)
        if _leads_out(member.name) or linked or (member.kind is Kind.HARD_LINK and _leads_out(member.link)):
            yield Issue(TRAVERSAL, path, formats.shown([member.name]))
        if member.kind is Kind.FILE:
            yield from _member(tar.chunks(), f"{path}!{member.name}", budget, depth)
    for _ in pull.rest():  # an archive that was cut short is not whole, even behind its end mark
        pass


def _packed(chunks: Iterable[bytes], path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """What comes out of a decompressor: a tar as a stream, anything else from a temporary file."""
    pull = Pull(budget.watch(chunks))
    start = pull.upto(_MAGIC)
    whole = _joined(start, pull)
    if start[257:262] == b"ustar" or _TAR_NAME.search(path):
        yield from _tar_of(whole, path, budget.within(), depth + 1)
    else:
        inner = re.sub(r"\.(?:gz|z|bz2|xz|lzma)\Z", "", path, flags=re.IGNORECASE)
        yield from _spooled(whole, inner, budget, depth)


def _member(chunks: Iterator[bytes], path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """A file within another, where it may be a model."""
    pull = Pull(budget.watch(chunks))
    start = pull.upto(_MAGIC)
    if path.endswith("!config.json"):
        body = start + b"".join(pull.rest())
        if b'"class_name"' in body:
            yield from formats.look_at_keras(body, path)
    elif is_wanted(path, start) or start[:4] == b"PK\x03\x04":
        yield from _spooled(_joined(start, pull), path, budget, depth)
    else:
        for _ in pull.rest():
            pass


def _spooled(chunks: Iterable[bytes], path: str, budget: Budget, depth: int) -> Iterator[Issue]:
    """Look at a file that comes as a stream."""
    with tempfile.SpooledTemporaryFile(MEMORY) as spool:
        size = 0
        for piece in chunks:
            size += len(piece)
            if size > budget.set_aside:
                raise ValueError(f"{path} has over {budget.set_aside >> 30} GiB, too many to set aside")
            spool.write(piece)
        spool.seek(0)
        yield from look_at(cast("BinaryIO", spool), path, budget, depth + 1)


def _joined(start: bytes, rest: Pull) -> Iterator[bytes]:
    """A stream whose first bytes were looked at already."""
    if start:
        yield start
    yield from rest.rest()


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _pieces(file: _Reads) -> Iterator[bytes]:
    """A file in pieces."""
    while piece := file.read(_PIECE):
        yield piece


def _inflated(file: BinaryIO, window: int) -> Iterator[bytes]:
    """Decompress gzip or zlib, members one after the other, never more than a piece at a time."""
    inflate = zlib.decompressobj(window)
    for piece in _pieces(file):
        data = piece
        while data:
            if inflate.eof:
                inflate = zlib.decompressobj(window)
            if out := inflate.decompress(data, _PIECE):
                yield out
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise EOFError("it ends early")


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _decompressed(file: BinaryIO, make: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Decompress bzip2 or xz, as above."""
    unpack = make()
    for piece in _pieces(file):
        data = piece
        while data or not (unpack.needs_input or unpack.eof):
            if unpack.eof:
                unpack = make()
            if out := unpack.decompress(data, _PIECE):
                yield out
            data = unpack.unused_data if unpack.eof else b""
    if not unpack.eof:
        raise EOFError("it ends early")


def _leads_out(name: str) -> bool:
    """Whether a member would be unpacked elsewhere."""
    plain = name.replace("\\", "/")
    return (
        plain.startswith("/")
        or bool(re.match(r"[A-Za-z]:", plain))
        or posixpath.normpath(plain).startswith("..")
    )


def _plain(text: str) -> str:
    """Text from a file, harmless on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)[:200]
