"""An ``rpmdb.sqlite`` made in memory, as rpm writes it: headers without their magic, in a table."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from contextlib import closing

INT32, STRING, STRINGS, TRANSLATED = 4, 6, 8, 9
Value = str | int | Sequence[str] | Sequence[int]


def header(tags: Mapping[int, Value]) -> bytes:
    """One header: the index, then the store."""
    index, store = b"", b""
    for tag, value in sorted(tags.items()):
        values = [value] if isinstance(value, (str, int)) else list(value)
        if isinstance(values[0], int):
            store += bytes(-len(store) % 4)
            kind, body = INT32, struct.pack(f">{len(values)}I", *values)
        else:
            kind = STRING if isinstance(value, str) else STRINGS
            body = b"".join(str(one).encode() + b"\0" for one in values)
        index += struct.pack(">IIII", tag, kind, len(store), len(values))
        store += body
    return struct.pack(">II", len(tags), len(store)) + index + store


def installed(name: str, version: str, release: str = "1.el9", **more: Value) -> bytes:
    """The header of an installed package."""
    tags: dict[int, Value] = {1000: name, 1001: version, 1002: release}
    known = {"epoch": 1003, "licence": 1014, "source": 1044, "numbers": 1116, "files": 1117, "folders": 1118}
    return header({**tags, **{known[key]: value for key, value in more.items()}})


def database(headers: Sequence[bytes], *, wal: bool = True) -> bytes:
    """The database of these headers; rpm leaves it in WAL mode."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE Packages(hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        db.execute("CREATE TABLE Name(key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        db.executemany("INSERT INTO Packages(blob) VALUES(?)", [(one,) for one in headers])
        db.commit()
        body = db.serialize()
    return body[:18] + b"\x02\x02" + body[20:] if wal else body
