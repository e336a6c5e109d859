"""The model files of a layer, set aside while they pass, looked at when they are whole."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from modelway.scanners.builtin.models.containers import MEMORY, is_wanted, look_at
from modelway.scanners.builtin.models.issues import Issue

LARGEST = 64 << 30
"""Bytes of a model file that is set aside: a larger one is said to be unread."""
SNIFF = 512


@dataclass(slots=True)
class Models:
    """What was seen in one layer."""

    issues: list[Issue] = field(default_factory=list)
    looked_at: int = 0
    unread: list[str] = field(default_factory=list)
    """Files that are too large."""


class Ear:
    """Listens to one file; implements ``tar.Listener``."""

    __slots__ = ("_held", "_into", "_passed", "_path", "_size", "_spool")

    def __init__(self, path: str, size: int, into: Models) -> None:
        self._path = path
        self._size = size
        self._into = into
        self._held = b""
        self._passed = False
        self._spool: BinaryIO | None = None

    def feed(self, piece: bytes, /) -> None:
        """Decide by the first bytes whether it is a model; if it is, set it aside."""
        if self._passed:
            return
        if self._spool is not None:
            self._spool.write(piece)
            return
        self._held += piece
        if len(self._held) >= min(SNIFF, self._size):
            self._decide()

    def _decide(self) -> None:
        """Enough of it came to tell."""
        held, self._held = self._held, b""
        self._passed = not is_wanted(self._path, held[:SNIFF]) or self._size > LARGEST
        if not self._passed:
            self._spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(MEMORY))  # noqa: SIM115  (closed in end)
            self._spool.write(held)
        elif is_wanted(self._path, held[:SNIFF]):
            self._into.unread.append(self._path)

    def end(self) -> None:
        """Look at it."""
        if self._spool is None:
            return
        with self._spool as spool:
            spool.seek(0)
            self._into.issues += look_at(spool, self._path)
        self._into.looked_at += 1
