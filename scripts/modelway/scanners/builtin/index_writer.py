"""The index of advisories, written: made whole beside the old one, or as a changed copy of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.report import Database
from modelway.core.report_json import database_json
from modelway.scanners.builtin.exploitation import EPSS, KEV, Known
from modelway.scanners.builtin.index import FORMAT, about
from modelway.scanners.builtin.osv import Record, moment
from modelway.scanners.builtin.python import name_of

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE advisory(id TEXT PRIMARY KEY, said TEXT NOT NULL, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE affected(ecosystem TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, said TEXT NOT NULL);
CREATE TABLE source(name TEXT PRIMARY KEY, newest TEXT NOT NULL);
CREATE TABLE exploited(id TEXT PRIMARY KEY, added TEXT NOT NULL, due TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE epss(id TEXT PRIMARY KEY, score REAL NOT NULL, percentile REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE known(source TEXT PRIMARY KEY, day TEXT NOT NULL, hash TEXT NOT NULL) WITHOUT ROWID;
"""
_INDEXES = "CREATE INDEX by_package ON affected(ecosystem, name); CREATE INDEX by_advisory ON affected(id);"
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_Affected: TypeAlias = "tuple[str, str, str, str]"


def write_index(  # noqa: PLR0913  (all by name)
    path: Path,
    sources: Iterable[tuple[str, Iterable[Record]]],
    *,
    now: datetime,
    note: str = "",
    as_of: datetime | None = None,
    known: Iterable[Known] = (),
) -> Database:
    """Write a new index to a file that is not there yet.

    Of a record that comes twice the first is kept; withdrawn ones are passed over. The index is as
    old as its oldest source, and a source as its newest change, unless ``as_of`` says otherwise.
    """
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_SCHEMA)
        seen: set[str] = set()
        for name, records in sources:
            newest = _Newest(now)
            for record in records:
                newest.look(record)
                if not record.withdrawn and record.id not in seen:
                    seen.add(record.id)
                    _insert(db, record)
            _remember(db, name, newest.at)
        for one in known:
            _know(db, one)
        db.commit()
        db.executescript(_INDEXES)
        return _sign(db, now=now, note=note, as_of=as_of)


def amend(
    path: Path,
    *,
    now: datetime,
    changes: Mapping[str, Iterable[Record]] = MappingProxyType({}),
    known: Iterable[Known] = (),
) -> Database:
    """Change an index nobody reads yet: records of sources that changed, and what is known of attackers.

    A source that is named is as new as the newest of its changes, or stays as new as it was.
    """
    with closing(sqlite3.connect(path)) as db:
        before = about(db)
        for source, records in changes.items():
            newest = _Newest(now)
            for record in records:
                newest.look(record)
                db.execute("DELETE FROM advisory WHERE id=?", (record.id,))
                db.execute("DELETE FROM affected WHERE id=?", (record.id,))
                if not record.withdrawn:
                    _insert(db, record)
            if newest.at:
                db.execute("UPDATE source SET newest=? WHERE name=?", (newest.at.isoformat(), source))
        for one in known:
            _know(db, one)
        return _sign(db, now=now, note=before.note, as_of=None if changes else before.as_of)


def lists(path: Path) -> Iterator[Known]:
    """What an index knows of attackers, to be carried into the next one."""
    columns = {KEV: "id, added, due FROM exploited", EPSS: "id, score, percentile FROM epss"}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        for source, day in db.execute("SELECT source, day FROM known ORDER BY source").fetchall():
            rows = db.execute(f"SELECT {columns[source]} ORDER BY id").fetchall()
            yield Known(source, day, tuple((str(a), str(b), str(c)) for a, b, c in rows))


def _know(db: sqlite3.Connection, one: Known) -> None:
    """Put a list in place of the one before."""
    table = {KEV: "exploited", EPSS: "epss"}[one.source]
    db.execute(f"DELETE FROM {table}")  # noqa: S608  (one of two constants)
    db.executemany(f"INSERT OR REPLACE INTO {table} VALUES(?, ?, ?)", one.rows)
    hashed = sha256(_ENCODE(sorted(one.rows)).encode()).hexdigest()
    db.execute("INSERT OR REPLACE INTO known VALUES(?, ?, ?)", (one.source, one.day, hashed))


@dataclass(slots=True)
class _Newest:
    """The newest change among records, of those that are not of the future."""

    now: datetime
    at: datetime | None = field(init=False, default=None)

    def look(self, record: Record) -> None:
        """Take a record into account."""
        at = moment(record.modified) or moment(record.published)
        if at and at <= self.now and (self.at is None or at > self.at):
            self.at = at


def _insert(db: sqlite3.Connection, record: Record) -> None:
    """Write what the index keeps of a record, with a hash of just that."""
    ratings = [[r.source, r.severity, r.score, r.vector] for r in record.ratings]
    said = _ENCODE([record.same, record.covers, record.published, ratings, record.title, record.urls])
    affected = list(_affected(record))
    whole = "\0".join([record.id, said, *("\0".join(row) for row in affected)])
    db.execute("INSERT INTO advisory VALUES(?, ?, ?)", (record.id, said, sha256(whole.encode()).digest()))
    db.executemany("INSERT INTO affected VALUES(?, ?, ?, ?)", affected)


def _affected(record: Record) -> Iterator[_Affected]:
    for one in record.affected:
        name = name_of(one.name) if one.ecosystem == "PyPI" else one.name
        yield one.ecosystem, name, record.id, _ENCODE([one.ranges, one.versions, one.urgency])


def _remember(db: sqlite3.Connection, source: str, newest: datetime | None) -> None:
    """Note how new a source is."""
    at = newest.isoformat() if newest else ""
    db.execute("INSERT OR REPLACE INTO source VALUES(?, ?)", (source, at))


def _sign(db: sqlite3.Connection, *, now: datetime, note: str, as_of: datetime | None) -> Database:
    """Write down what the index holds, counted from what is in it."""
    sources = dict(db.execute("SELECT name, newest FROM source ORDER BY rowid").fetchall())
    newest = [at for text in sources.values() if (at := moment(text))]
    oldest = min(newest) if newest and len(newest) == len(sources) else None
    digest = sha256()
    records = 0
    for (one,) in db.execute("SELECT hash FROM advisory ORDER BY hash"):
        digest.update(one)
        records += 1
    known = db.execute("SELECT source, day, hash FROM known ORDER BY source").fetchall()
    for source, day, hashed in known:
        digest.update(f"{source} {day} {hashed}".encode())
    told = Database(
        sources=tuple(sources),
        built=now,
        as_of=as_of or oldest,
        newest_modified=max(newest, default=None),
        digest=Digest(f"sha256:{digest.hexdigest()}"),
        records=records,
        ecosystems=tuple(
            db.execute(
                "SELECT ecosystem, count(*) FROM affected GROUP BY ecosystem ORDER BY ecosystem"
            ).fetchall()
        ),
        also=tuple((source, day) for source, day, _ in known),
        note=note,
    )
    written = [("format", str(FORMAT)), ("about", canonical(database_json(told)))]
    db.executemany("INSERT OR REPLACE INTO meta VALUES(?, ?)", written)
    db.commit()
    return told
