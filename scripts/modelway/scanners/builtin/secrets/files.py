"""The files of a layer, searched for secrets while they pass."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from modelway.scanners.builtin.secrets.search import AHEAD, Hit, Search

SNIFF = 8192
BINARY = 1 << 20
"""Bytes: larger files that are no text are not searched, and counted."""
_PIECE = 1 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A secret in a file of a layer."""

    path: str
    hit: Hit


@dataclass(slots=True)
class Secrets:
    """What was found in one layer."""

    found: list[Found] = field(default_factory=list)
    crowded: list[tuple[str, str]] = field(default_factory=list)
    """Files and rules of which they hold too many look-alikes to try them all."""
    searched: int = 0
    """Files."""
    passed: int = 0
    """Files that were not searched: large, and no text."""
    passed_bytes: int = 0


class Ear:
    """Listens to one file; implements ``tar.Listener``."""

    __slots__ = ("_held", "_holding", "_into", "_passed", "_search", "_size")

    def __init__(self, path: str, size: int, into: Secrets) -> None:
        self._search = Search(path)
        self._size = size
        self._into = into
        self._held: list[bytes] = []
        self._holding = 0
        self._passed = False

    def feed(self, piece: bytes, /) -> None:
        """Small files are searched whole, larger ones piece by piece."""
        if self._passed:
            return
        self._held.append(piece)
        self._holding += len(piece)
        if self._size > BINARY and self._holding >= SNIFF and not self._search.begun:
            self._passed = is_binary(b"".join(self._held)[:SNIFF])
        if self._holding >= _PIECE + AHEAD and not self._passed:
            self._search.feed(self._take(), last=False)

    def end(self) -> None:
        """Note what was found."""
        into = self._into
        if self._passed:
            into.passed += 1
            into.passed_bytes += self._size
            return
        into.searched += 1
        self._search.feed(_text(self._take()), last=True)
        path = self._search.path
        into.found += [Found(path=path, hit=hit) for hit in self._search.hits]
        into.crowded += [(path, rule) for rule in sorted(self._search.crowded)]

    def _take(self) -> bytes:
        """What is held, in one."""
        whole = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held, self._holding = [], 0
        return whole


def is_binary(start: bytes) -> bool:
    """Whether a file that begins so is no text: it has zero bytes and is not UTF-16."""
    return b"\0" in start and not start.startswith(_UTF16)


def _text(data: bytes) -> bytes:
    """UTF-16, which PowerShell writes, as UTF-8."""
    if data.startswith(_UTF16):
        return data.decode("utf-16", "replace").encode()
    return data
