"""The parts of a text that can hold a token: long runs of its letters, with what stands just before them.

Most of a text is short words. What is left is a tenth of it, and a search for sixty literals costs
a tenth as well.
"""

from __future__ import annotations

RUN = 20
"""The shortest token: an AWS access key id."""
BEFORE = 64
"""How far before a token its name may stand: ``aws_secret_access_key = "``, a PEM header."""
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/=.~"
_TABLE = bytes(ord("x") if byte in _LETTERS else ord(" ") for byte in range(256))
_LONG = b"x" * RUN


def narrowed(data: bytes) -> bytes:
    """Those parts, joined; all tokens of ``RUN`` bytes and more are in it, whole."""
    shape = data.translate(_TABLE)
    parts = []
    start = end = 0
    at = shape.find(_LONG)
    while at >= 0:
        if at - BEFORE > end:
            parts.append(data[start:end])
            start = at - BEFORE
        end = shape.find(b" ", at + RUN)
        if end < 0:
            end = len(data)
        at = shape.find(_LONG, end)
    return b"\0".join((*parts, data[start:end]))
