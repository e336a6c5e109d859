"""A tar archive that comes as a stream, read strictly and in bounded memory.

Not ``tarfile``: that takes a header it cannot read for the end of the archive, so that a damaged
layer would look like a small one, and reads extended headers of any size into memory.
Follows POSIX pax and GNU as Go's archive/tar reads them, which is what engines unpack layers with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from modelway.scanners.builtin.stream import Pull, damaged

_BLOCK = 512
_ZERO = bytes(_BLOCK)
_EXTENDED = 1 << 20  # as Go's maxSpecialFileSize
_BASE_256 = 0x80
_PAX = re.compile(rb"(\d{1,7}) ([^=\n]{1,255})=")


class Kind(Enum):
    """What a member is, as far as an inventory cares."""

    FILE = "file"
    FOLDER = "folder"
    HARD_LINK = "hard link"
    SYMBOLIC_LINK = "symbolic link"
    OTHER = "device or pipe"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMBOLIC_LINK,
    b"3": Kind.OTHER,
    b"4": Kind.OTHER,
    b"5": Kind.FOLDER,
    b"6": Kind.OTHER,
}


@dataclass(slots=True)
class Member:
    """One entry; frozen would cost a third of the time of reading a layer."""

    name: str
    kind: Kind
    size: int
    link: str
    sparse: bool
    mode: int
    """Permission bits, as in stat(2), without the type."""


class Listener(Protocol):
    """Is told a member's whole content while others read or skip it."""

    def feed(self, piece: bytes, /) -> None:
        """The next bytes."""

    def end(self) -> None:
        """That was all of it."""


class Tar:
    """Iterates over members; the content of the current one can be read once, and listened to."""

    __slots__ = ("_left", "_listener", "_padding", "_pull")

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._left = 0
        self._padding = 0
        self._listener: Listener | None = None

    def __iter__(self) -> Iterator[Member]:
        """Every member up to the end mark; what follows that mark no engine reads."""
        extended: dict[str, str] = {}
        while header := self._header():
            flag = header[156:157]
            size = _number(header[124:136])
            if flag in {b"x", b"g", b"L", b"K"}:
                self._hold(size)
                extended |= _extended(flag, self.read(_EXTENDED))
            elif flag not in _KINDS:
                raise damaged(f"A member has the unknown type {flag!r}.")
            else:
                member = _member(header, _KINDS[flag], size, extended)
                if flag == b"S":
                    self._skip_sparse_map(header)
                self._hold(member.size)
                yield member
                extended = {}
            self._skip()

    def listen(self, listener: Listener) -> None:
        """Tell a listener the current member's content, of which nothing was read yet."""
        self._listener = listener

    def read(self, most: int) -> bytes:
        """The whole content of the current member, which may be ``most`` bytes."""
        if self._left > most:
            raise damaged(f"A file that may have {most} bytes has {self._left}.")
        return self.head(self._left)

    def head(self, most: int) -> bytes:
        """The beginning of the current member's content."""
        content = self._pull.take(min(self._left, most))
        self._left -= len(content)
        if self._listener is not None:
            self._listener.feed(content)
        return content

    def chunks(self) -> Iterator[bytes]:
        """What is left of the current member's content, in pieces."""
        size, self._left = self._left, 0
        for piece in self._pull.chunks(size):
            if self._listener is not None:
                self._listener.feed(piece)
            yield piece

    def _header(self) -> bytes:
        """The next header block, its checksum checked; empty at the end."""
        block = self._pull.upto(_BLOCK)
        if block == _ZERO:
            if self._pull.upto(_BLOCK) not in {_ZERO, b""}:
                raise damaged("A zero block stands where a header was expected.")
            return b""
        if not block:
            return b""
        if len(block) < _BLOCK:
            raise damaged("It ends within a header.")
        if sum(block) - sum(block[148:156]) + 8 * ord(" ") != _number(block[148:156]):
            raise damaged("The checksum of a header is wrong.")
        return block

    def _hold(self, size: int) -> None:
        """Content of this size comes next."""
        self._left = size
        self._padding = -size % _BLOCK

    def _skip(self) -> None:
        """Pass over what was not read of the current member."""
        if self._listener is not None:
            for _ in self.chunks():
                pass
            self._listener.end()
            self._listener = None
        self._pull.skip(self._left + self._padding)
        self._left = self._padding = 0

    def _skip_sparse_map(self, header: bytes) -> None:
        """Old GNU sparse files: more of the map may follow, block by block."""
        more = header[482]
        while more:
            more = self._pull.take(_BLOCK)[504]


def _member(header: bytes, kind: Kind, size: int, extended: dict[str, str]) -> Member:
    """A header, with what extended headers before it said."""
    name = extended.get("GNU.sparse.name") or extended.get("path") or _name(header)
    if kind is Kind.FILE and name.endswith("/"):
        kind = Kind.FOLDER  # as version 7 of Unix wrote them
    if "size" in extended:
        size = _decimal(extended["size"])
    return Member(
        name,
        kind,
        size if kind is Kind.FILE else 0,
        extended.get("linkpath") or _text(header[157:257]),
        header[156:157] == b"S" or any(key.startswith("GNU.sparse.") for key in extended),
        _number(header[100:108]) & 0o7777,
    )


def _name(header: bytes) -> str:
    """The name of the header itself; only POSIX (not GNU) has a prefix."""
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and header[345]:
        return f"{_text(header[345:500])}/{name}"
    return name


def _extended(flag: bytes, body: bytes) -> dict[str, str]:
    """What an extended header says of the next member; global ones say nothing Go would use."""
    match flag:
        case b"L":
            return {"path": _text(body)}
        case b"K":
            return {"linkpath": _text(body)}
        case b"x":
            return dict(_pax(body))
        case _:
            return {}


def _pax(body: bytes) -> Iterator[tuple[str, str]]:
    """Records of a length, a space, ``key=value`` and a line feed (POSIX pax)."""
    at = 0
    while at < len(body) and body[at]:
        found = _PAX.match(body, at)
        end = at + int(found[1]) if found else 0
        if not found or not found.end() < end <= len(body) or body[end - 1 : end] != b"\n":
            raise damaged("An extended header is broken.")
        yield found[2].decode(errors="replace"), _text(body[found.end() : end - 1])
        at = end


def _text(field: bytes) -> str:
    """A field up to its first zero byte."""
    return field.partition(b"\0")[0].decode(errors="surrogateescape")


def _number(field: bytes) -> int:
    """A size or checksum: octal text, or GNU's base 256."""
    if field[0] & _BASE_256:
        number = int.from_bytes(field, "big") - (_BASE_256 << 8 * (len(field) - 1))
        if number >> 62:
            raise damaged("A size is impossible.")
        return number
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise damaged("A number in a header is broken.")
    return int(digits, 8) if digits else 0


def _decimal(text: str) -> int:
    """A size in an extended header."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise damaged("A size in an extended header is broken.")
    return int(text)
