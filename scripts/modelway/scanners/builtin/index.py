"""The local index of advisories, opened for reading: one SQLite file (``index_writer`` makes it)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelway.core.findings import Epss, Exploited, Rating, Severity
from modelway.core.json import Json
from modelway.core.report import Database
from modelway.core.report_json import database_of
from modelway.errors import NotEvaluated
from modelway.scanners.builtin.exploitation import EPSS, KEV
from modelway.scanners.builtin.osv import Affected, Range

FORMAT = 2
CURE = "run `scripts/run scan-db update` (downloads from OSV), or `scripts/run scan-db import FILE`."


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
            "SELECT affected.id, affected.said, advisory.said FROM affected"
            " LEFT JOIN advisory ON advisory.id = affected.id"
            " WHERE ecosystem=? AND name=? ORDER BY affected.rowid",
            (ecosystem, name),
        )
        for id_, of_package, of_advisory in rows:
            yield _advisory(id_, of_advisory), _affected(ecosystem, name, of_package)

    def newest(self) -> list[tuple[str, str]]:
        """Each source and its newest change (RFC 3339; empty where nothing says)."""
        return [(str(name), str(at)) for name, at in self.db.execute("SELECT name, newest FROM source")]

    def advisory(self, id_: str) -> Advisory | None:
        """One advisory by id."""
        row = self.db.execute("SELECT said FROM advisory WHERE id=?", (id_,)).fetchone()
        return _advisory(id_, row[0]) if row else None

    def exploited(self, names: frozenset[str]) -> Exploited | None:
        """What CISA's catalogue says of a vulnerability under any of its names."""
        for name in sorted(names):
            row = self.db.execute("SELECT added, due FROM exploited WHERE id=?", (name,)).fetchone()
            if row:
                return Exploited(source=KEV, added=str(row[0]), due=str(row[1]))
        return None

    def epss(self, names: frozenset[str]) -> Epss | None:
        """FIRST's estimate; the highest of its names."""
        query = "SELECT score, percentile FROM epss WHERE id=?"
        rows = [row for name in sorted(names) if (row := self.db.execute(query, (name,)).fetchone())]
        if not rows:
            return None
        score, percentile = max(rows)
        return Epss(score=float(score), percentile=float(percentile), day=dict(self.about.also).get(EPSS, ""))


@contextmanager
def open_index(path: Path) -> Iterator[Index]:
    """Open for reading; raises ``NotEvaluated`` when there is no index, or a damaged one."""
    if not path.is_file():
        raise NotEvaluated(
            "There are no advisories, so nothing can be scanned", seen=f"{path} is not there.", cure=CURE
        )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            db.execute("PRAGMA trusted_schema=OFF")
            yield Index(db, about(db))
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise NotEvaluated(
            "The advisories cannot be read, so nothing can be scanned", seen=f"{path}: {error}.", cure=CURE
        ) from error


def about(db: sqlite3.Connection) -> Database:
    """What an index says of itself, checked against what is in it."""
    meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    if meta.get("format") != str(FORMAT):
        raise sqlite3.DatabaseError(f"format {meta.get('format')} is not {FORMAT}")
    try:
        told = database_of(json.loads(meta["about"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"it does not say what it holds: {error}") from error
    counted = db.execute("SELECT (SELECT count(*) FROM advisory), (SELECT count(*) FROM affected)").fetchone()
    if counted != (told.records, sum(count for _, count in told.ecosystems)):
        raise sqlite3.DatabaseError(f"it holds {counted[0]} advisories and says {told.records}")
    return told


def _advisory(id_: str, said: str | None) -> Advisory:
    """A row of ``advisory``."""
    match _list(said):
        case [
            list() as same,
            list() as covers,
            str() as published,
            list() as ratings,
            str() as title,
            list() as urls,
        ]:
            pass
        case _:
            raise sqlite3.DatabaseError(f"advisory {id_} is missing or broken")
    return Advisory(
        id=id_,
        same=_texts(same),
        covers=_texts(covers),
        published=published,
        ratings=tuple(_rating(rating) for rating in ratings),
        title=title,
        urls=_texts(urls),
    )


def _affected(ecosystem: str, name: str, said: str) -> Affected:
    """A row of ``affected``."""
    match _list(said):
        case [list() as ranges, list() as versions, str() as urgency]:
            pass
        case _:
            raise sqlite3.DatabaseError(f"what is said of {name} is broken")
    return Affected(
        ecosystem=ecosystem,
        name=name,
        ranges=tuple(_range(events) for events in ranges),
        versions=_texts(versions),
        urgency=urgency,
    )


def _list(text: str | None) -> list[Json]:
    """A column's JSON list."""
    try:
        value: Json = json.loads(text or "")
    except (TypeError, ValueError, RecursionError) as error:
        raise sqlite3.DatabaseError(str(error)) from error
    if not isinstance(value, list):
        raise sqlite3.DatabaseError("a column is no list")
    return value


def _texts(values: list[Json]) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(str(one) for one in values)


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
