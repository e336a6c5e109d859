"""The local index of advisories: one SQLite file, made whole and put in place at once, then only read."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from modelway.core.findings import Rating, Severity
from modelway.core.image import Digest
from modelway.core.json import Json, canonical
from modelway.core.report import Database
from modelway.core.report_json import database_json, database_of
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.osv import Affected, Range, Record, moment
from modelway.scanners.builtin.python import name_of

FORMAT = 1
CURE = "run `scripts/run scan-db update` (downloads from OSV), or `scripts/run scan-db import FILE`."
_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE advisory(
  id TEXT PRIMARY KEY, same TEXT NOT NULL, covers TEXT NOT NULL, published TEXT NOT NULL,
  ratings TEXT NOT NULL, title TEXT NOT NULL, urls TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE affected(
  ecosystem TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, ranges TEXT NOT NULL,
  versions TEXT NOT NULL, urgency TEXT NOT NULL);
"""
_INDEX = "CREATE INDEX by_package ON affected(ecosystem, name)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisory:
    """A record as the index keeps it."""

    id: str
    same: tuple[str, ...]
    covers: tuple[str, ...]
    published: str
    ratings: tuple[Rating, ...]
    title: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An open index."""

    db: sqlite3.Connection
    about: Database

    @property
    def known(self) -> dict[str, int]:
        """The ecosystems there are advisories for at all, and how many."""
        return {name: count for name, count in self.about.ecosystems if count}

    def affecting(self, ecosystem: str, name: str) -> Iterator[tuple[Advisory, Affected]]:
        """Every advisory about a package."""
        rows = self.db.execute(
            "SELECT id, ranges, versions, urgency FROM affected WHERE ecosystem=? AND name=? ORDER BY rowid",
            (ecosystem, name),
        )
        for id_, ranges, versions, urgency in rows:
            advisory = self.advisory(id_)
            if advisory is None:
                raise sqlite3.DatabaseError(f"advisory {id_} is missing")
            yield (
                advisory,
                Affected(
                    ecosystem=ecosystem,
                    name=name,
                    ranges=tuple(_range(events) for events in _list(ranges)),
                    versions=_texts(versions),
                    urgency=urgency,
                ),
            )

    def advisory(self, id_: str) -> Advisory | None:
        """One advisory by id."""
        row = self.db.execute(
            "SELECT same, covers, published, ratings, title, urls FROM advisory WHERE id=?", (id_,)
        ).fetchone()
        if row is None:
            return None
        same, covers, published, ratings, title, urls = row
        return Advisory(
            id=id_,
            same=_texts(same),
            covers=_texts(covers),
            published=published,
            ratings=tuple(_rating(rating) for rating in _list(ratings)),
            title=title,
            urls=_texts(urls),
        )


@contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """Open for reading; raises ``NotEvaluated`` when there is no index, or a damaged one."""
    if not path.is_file():
        raise NotEvaluated(
            "There are no advisories, so nothing can be scanned", seen=f"{path} is not there.", cure=CURE
        )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            yield Index(db, _about(db))
    except sqlite3.Error as error:
        raise NotEvaluated(
            "The advisories cannot be read, so nothing can be scanned", seen=f"{path}: {error}.", cure=CURE
        ) from error


def write_index(
    path: Path,
    sources: Iterable[tuple[str, Iterable[Record]]],
    *,
    now: datetime,
    note: str = "",
    as_of: datetime | None = None,
) -> Database:
    """Write a new index to a file that is not there yet.

    Of a record that comes twice the first is kept; withdrawn ones are passed over. The index is as
    old as its oldest source, and a source as its newest change, unless ``as_of`` says otherwise.
    """
    with closing(sqlite3.connect(path)) as db:
        db.executescript(_SCHEMA)
        tally = _Tally(now=now)
        names = []
        for name, records in sources:
            names.append(name)
            tally.begin()
            for record in records:
                if tally.count(record):
                    _insert(db, record)
        about = tally.about(sources=tuple(names), note=note, as_of=as_of)
        db.executemany("INSERT INTO meta VALUES(?, ?)", _meta(about))
        db.commit()
        db.execute(_INDEX)
        db.commit()
    return about


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What is learnt of the records while they pass."""

    now: datetime
    seen: set[str] = field(default_factory=set)
    hashes: list[bytes] = field(default_factory=list)
    ecosystems: Counter[str] = field(default_factory=Counter)
    newest: list[datetime | None] = field(default_factory=list)
    """Of each source."""

    def begin(self) -> None:
        """A source begins."""
        self.newest.append(None)

    def count(self, record: Record) -> bool:
        """Take a record into account; whether it is to be kept."""
        at = moment(record.modified) or moment(record.published)
        if at and at <= self.now and (self.newest[-1] is None or at > self.newest[-1]):
            self.newest[-1] = at
        if record.withdrawn or record.id in self.seen:
            return False
        self.seen.add(record.id)
        self.hashes.append(sha256(repr(record).encode()).digest())
        self.ecosystems.update(affected.ecosystem for affected in record.affected)
        return True

    def about(self, *, sources: tuple[str, ...], note: str, as_of: datetime | None) -> Database:
        """What the index will say of itself."""
        known = [at for at in self.newest if at]
        oldest = min(known) if known and len(known) == len(self.newest) else None
        return Database(
            sources=sources,
            built=self.now,
            as_of=as_of or oldest,
            newest_modified=max(known, default=None),
            digest=Digest(f"sha256:{sha256(b''.join(sorted(self.hashes))).hexdigest()}"),
            records=len(self.seen),
            ecosystems=tuple(sorted(self.ecosystems.items())),
            note=note,
        )


def _insert(db: sqlite3.Connection, record: Record) -> None:
    ratings = [[r.source, r.severity, r.score, r.vector] for r in record.ratings]
    db.execute(
        "INSERT INTO advisory VALUES(?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            canonical(record.same),
            canonical(record.covers),
            record.published,
            canonical(ratings),
            record.title,
            canonical(record.urls),
        ),
    )
    db.executemany(
        "INSERT INTO affected VALUES(?, ?, ?, ?, ?, ?)",
        [
            (
                one.ecosystem,
                name_of(one.name) if one.ecosystem == "PyPI" else one.name,
                record.id,
                canonical(one.ranges),
                canonical(one.versions),
                one.urgency,
            )
            for one in record.affected
        ],
    )


def _meta(about: Database) -> Iterator[tuple[str, str]]:
    yield "format", str(FORMAT)
    yield "about", canonical(database_json(about))


def _about(db: sqlite3.Connection) -> Database:
    """What an index says of itself, checked against what is in it."""
    meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    if meta.get("format") != str(FORMAT):
        raise sqlite3.DatabaseError(f"format {meta.get('format')} is not {FORMAT}")
    try:
        about = database_of(json.loads(meta["about"]))
    except (KeyError, ValueError) as error:
        raise sqlite3.DatabaseError(f"it does not say what it holds: {error}") from error
    counted = db.execute("SELECT (SELECT count(*) FROM advisory), (SELECT count(*) FROM affected)").fetchone()
    if counted != (about.records, sum(count for _, count in about.ecosystems)):
        raise sqlite3.DatabaseError(f"it holds {counted[0]} advisories and says {about.records}")
    return about


def _list(text: str) -> list[Json]:
    """A column's JSON list."""
    try:
        value: Json = json.loads(text)
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(str(error)) from error
    if not isinstance(value, list):
        raise sqlite3.DatabaseError("a column is no list")
    return value


def _texts(text: str) -> tuple[str, ...]:
    """A column's JSON list of texts."""
    return tuple(str(one) for one in _list(text))


def _range(events: Json) -> Range:
    """One range of a column: a list of pairs."""
    pairs = events if isinstance(events, list) else []
    found = tuple((str(p[0]), str(p[1])) for p in pairs if isinstance(p, list) and len(p) == 2)  # noqa: PLR2004
    if not found or len(found) != len(pairs):
        raise sqlite3.DatabaseError("a range is broken")
    return found


def _rating(value: Json) -> Rating:
    """One rating of a column."""
    match value:
        case [str() as source, str() as severity, None | int() | float() as score, str() as vector]:
            try:
                return Rating(source=source, severity=Severity(severity), score=score, vector=vector)
            except ValueError as error:
                raise sqlite3.DatabaseError(str(error)) from error
        case _:
            raise sqlite3.DatabaseError("a rating is broken")
