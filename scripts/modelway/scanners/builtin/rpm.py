"""RPM's version order, and the packages of an ``rpmdb.sqlite`` (rpm 4.16 and newer).

Version order: rpm's ``rpmio/rpmvercmp.c``. Headers: the RPM file format's "header structure"
(https://rpm-software-management.github.io/rpm/manual/format_header.html) without its magic.
"""

from __future__ import annotations

import json
import re
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from modelway.core.json import Json

Key: TypeAlias = "tuple[int, _Part, _Part]"
_Part: TypeAlias = "tuple[tuple[int, int | str], ...]"

_EVR = re.compile(r"(?:([0-9]{1,10}):)?(.+?)(?:-([^-]*))?\Z", re.DOTALL)
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^", re.ASCII)
_MOST = 256
# What may come next at one place, in ascending order.
_TILDE, _END, _CARET, _LETTERS, _DIGITS = range(5)

_HEADER = 1 << 24  # bytes of one header; the kernel's is 2 MB
_PREFIX = 8  # two numbers: entries, and bytes of the store
_ENTRIES = 1 << 16
_PACKAGES = 50_000
_STEPS = 20_000_000  # instructions of SQLite's machine: 50,000 packages take some 400,000
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1044
_FOLDER_NUMBERS, _FILES, _FOLDERS = 1116, 1117, 1118
_SOURCE_FILE = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm\Z")
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class Unreadable(Exception):
    """A version, a header or a database that is not as rpm writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One header of rpm's database."""

    name: str
    version: str
    """``[epoch:]version-release``; without an epoch of 0."""
    source: str
    licence: str
    files: tuple[str, ...]
    """Those a caller asked for."""


def key(version: str) -> Key:
    """Versions compare as rpm compares them when their keys are compared; raises ``Unreadable``."""
    found = _EVR.match(version)
    if not found or len(version) > _MOST or not _RUNS.search(found[2]):
        raise Unreadable(version)
    epoch, upstream, release = found.groups()
    return int(epoch or 0), part(upstream), () if release is None else part(release)


def part(text: str) -> _Part:
    """Runs of digits and of letters; everything else only separates."""
    return (*map(_ranked, _RUNS.findall(text)), (_END, 0))


def _ranked(run: str) -> tuple[int, int | str]:
    """Tilde, then the end, then caret, then letters, then numbers."""
    if run == "~":
        return _TILDE, 0
    if run == "^":
        return _CARET, 0
    return (_DIGITS, int(run)) if run.isdecimal() else (_LETTERS, run)


def installed(database: bytes, wanted: re.Pattern[bytes]) -> Iterator[Installed]:
    """The packages of an ``rpmdb.sqlite``, with those of their files whose paths match.

    The file comes from an image nobody has to trust: it stays in memory, is only selected from, and
    gets a bounded number of steps. Raises ``Unreadable``.
    """
    if not database.startswith(b"SQLite format 3\0"):
        raise Unreadable("it is no SQLite database")
    # In WAL mode it wants files beside it, which memory has not: bytes 18 and 19 say the mode.
    plain = database[:18] + b"\x01\x01" + database[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(plain)
            db.execute("PRAGMA trusted_schema=OFF")
            db.execute("PRAGMA cell_size_check=ON")
            db.set_authorizer(_only_reads)
            db.set_progress_handler(_Patience(), 1000)
            for number, (blob,) in enumerate(db.execute("SELECT blob FROM Packages")):
                if number >= _PACKAGES or not isinstance(blob, bytes):
                    raise Unreadable("it holds what is no package")
                if (one := package(blob, wanted)) is not None:
                    yield one
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise Unreadable(f"SQLite says: {error}") from error


def package(blob: bytes, wanted: re.Pattern[bytes]) -> Installed | None:
    """What one header says; ``None`` for a key, which rpm keeps as a package. Raises ``Unreadable``."""
    entries, data = _entries(blob)
    name = _text(entries, data, _NAME)
    version, release = _text(entries, data, _VERSION), _text(entries, data, _RELEASE)
    if not (name and version and release):
        raise Unreadable("a header has no name, version or release")
    if name == "gpg-pubkey":
        return None
    epoch = _numbers(entries, data, _EPOCH)
    source = _SOURCE_FILE.match(_text(entries, data, _SOURCE))
    return Installed(
        name=name,
        version=f"{f'{epoch[0]}:' if epoch and epoch[0] else ''}{version}-{release}",
        source=source[1] if source else name,
        licence=_text(entries, data, _LICENCE),
        files=tuple(_paths(entries, data, wanted)),
    )


def packed(packages: Sequence[Installed]) -> bytes:
    """Packages as bytes, small enough to keep for every layer."""
    rows = [[one.name, one.version, one.source, one.licence, list(one.files)] for one in packages]
    return json.dumps(rows).encode()


def unpacked(rows: bytes) -> Iterator[Installed]:
    """What ``packed`` made; raises ``Unreadable`` for anything else, as a link to another file is."""
    try:
        parsed: Json = json.loads(rows)
    except ValueError as error:
        raise Unreadable("it leads to another file") from error
    for row in parsed if isinstance(parsed, list) else [None]:
        match row:
            case [str() as name, str() as version, str() as source, str() as licence, [*files]]:
                paths = tuple(path for path in files if isinstance(path, str))
                yield Installed(name=name, version=version, source=source, licence=licence, files=paths)
            case _:
                raise Unreadable("it leads to another file")


_Entries: TypeAlias = "Mapping[int, tuple[int, int, int]]"


def _entries(blob: bytes) -> tuple[_Entries, bytes]:
    """The index of a header (tag to type, offset, count) and its store."""
    if not _PREFIX <= len(blob) <= _HEADER:
        raise Unreadable("a header is too small or too large")
    count, size = struct.unpack_from(">II", blob)
    if count > _ENTRIES or len(blob) != 8 + 16 * count + size:
        raise Unreadable("a header does not have the size it says")
    index = struct.iter_unpack(">IIII", blob[8 : 8 + 16 * count])
    return {tag: (kind, offset, many) for tag, kind, offset, many in index}, blob[8 + 16 * count :]


def _text(entries: _Entries, data: bytes, tag: int) -> str:
    """A string; the first of several; empty where the header has none."""
    return next((one.decode(errors="replace") for one in _texts(entries, data, tag, most=1)), "")


def _texts(entries: _Entries, data: bytes, tag: int, *, most: int = 1 << 22) -> Iterator[bytes]:
    """Strings end with a zero byte, one after the other."""
    kind, at, count = entries.get(tag, (0, 0, 0))
    if kind not in {_STRING, _STRINGS, _TRANSLATED}:
        return
    for _ in range(min(count, most)):
        end = data.find(b"\0", at)
        if end < 0:
            raise Unreadable("a string of a header has no end")
        yield data[at:end]
        at = end + 1


def _numbers(entries: _Entries, data: bytes, tag: int) -> tuple[int, ...]:
    """32-bit numbers; none where the header has none."""
    kind, at, count = entries.get(tag, (0, 0, 0))
    if kind != _INT32:
        return ()
    if at + 4 * count > len(data):
        raise Unreadable("numbers of a header go beyond its end")
    return struct.unpack_from(f">{count}I", data, at)


def _paths(entries: _Entries, data: bytes, wanted: re.Pattern[bytes]) -> Iterator[str]:
    """Files of a package, each a name and the number of its folder."""
    folders = tuple(_texts(entries, data, _FOLDERS))
    numbers = _numbers(entries, data, _FOLDER_NUMBERS)
    for name, number in zip(_texts(entries, data, _FILES), numbers, strict=False):
        if number >= len(folders):
            raise Unreadable("a file of a header is in no folder")
        path = folders[number].lstrip(b"/") + name
        if wanted.search(path):
            yield path.decode(errors="replace")


def _only_reads(action: int, *_: object) -> int:
    """SQLite asks before each thing a statement would do."""
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


class _Patience:
    """Tells SQLite to stop after so many thousands of steps."""

    def __init__(self) -> None:
        self._left = _STEPS // 1000

    def __call__(self) -> int:
        self._left -= 1
        return self._left < 0
