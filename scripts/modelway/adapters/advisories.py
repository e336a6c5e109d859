"""The index of advisories: made from OSV's bulk export or from files, replaced all at once."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.adapters.advisory_files import Source, opened, zipped
from modelway.core.report import Database, Report
from modelway.errors import Malformed, NotEvaluated, Unavailable
from modelway.ports import Clock, Reporter

if TYPE_CHECKING:
    from modelway.adapters.osv_export import Export
    from modelway.scanners.builtin.exploitation import Known
    from modelway.scanners.builtin.osv import Record

VARIABLE = "MODELWAY_ADVISORIES"
_CHUNK = 1 << 20
_MOST = 4 << 30


def location(environment: Mapping[str, str]) -> Path:
    """Where this user's index lies: ``MODELWAY_ADVISORIES``, or the cache folder (XDG Base Directory)."""
    if named := environment.get(VARIABLE):
        return Path(named)
    cache = environment.get("XDG_CACHE_HOME") or str(
        Path(environment.get("HOME") or "~").expanduser() / ".cache"
    )
    return Path(cache) / "modelway" / "advisories.sqlite"


@dataclass(frozen=True, slots=True)
class OsvIndex:
    """Implements ``ports.Advisories``."""

    path: Path
    clock: Clock
    reporter: Reporter

    def about(self) -> Database:
        """What the index knows."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        with open_index(self.path) as index:
            return index.about

    def match(self, report: Report, /) -> Report:
        """The builtin scanner's report with the advisories of today."""
        from modelway.scanners.builtin.again import again  # noqa: PLC0415  (at first use)

        return again(report, self.path)

    def bring(self, sources: Sequence[Path], /, *, note: str, as_of: datetime | None) -> Database:
        """Replace the index by the records of these files; lists of the exploited alone are added to it."""
        for source in sources:
            if not source.exists():
                raise Malformed(f"There is nothing to import at {source}", cure="name a file, folder or zip.")
        if as_of and as_of > self.clock.now():
            raise Malformed(f"The advisories cannot be of {as_of:%Y-%m-%d}: that day is yet to come")
        found = [one for source in sources for one in opened(source, self.reporter)]
        records = [(one.name, one.records) for one in found if isinstance(one, Source)]
        known = [one for one in found if not isinstance(one, Source)]
        if records or not known:
            return self._write(records, known, note, as_of)
        return self._amend({}, known)

    def update(
        self, ecosystems: Sequence[str], base_url: str, /, *, kev_url: str = "", epss_url: str = ""
    ) -> Database:
        """Bring the index to what OSV publishes now: by what changed, or anew where that is shorter."""
        from modelway.adapters.osv_export import Export  # noqa: PLC0415  (only an update needs the network)

        with Export(base_url, self.path.parent, self.clock, self.reporter).downloads() as export:
            known = export.lists(kev_url, epss_url)
            changes = self._changes(export, ecosystems)
            if changes is not None:
                return self._amend(changes, known)
            sources = [(export.source(one), zipped(export.zip(one), self.reporter)) for one in ecosystems]
            return self._write(sources, known, "", None)

    def _changes(self, export: Export, ecosystems: Sequence[str]) -> Mapping[str, Sequence[Record]] | None:
        """The records that changed since this index was made of the same sources; ``None`` asks for all."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        try:
            with open_index(self.path) as index:
                newest = dict(index.newest())
        except NotEvaluated:
            return None
        if set(newest) != {export.source(one) for one in ecosystems}:
            return None
        return export.changes(ecosystems, newest)

    def take(self, packed: Path, /) -> Database:
        """Replace the index by another machine's, packed by ``pack``; raises ``NotEvaluated``."""
        from modelway.scanners.builtin.index import open_index  # noqa: PLC0415  (SQLite, at first use)

        with self._replacing() as draft:
            with gzip.open(packed) as stream, draft.open("wb") as file:
                for piece in _pieces(stream):
                    file.write(piece)
                    if file.tell() > _MOST:
                        raise NotEvaluated(f"The advisories have more than {_MOST} bytes: they were left")
            with open_index(draft) as index:
                return index.about

    def pack(self, into: Path, /) -> Database:
        """Write the index to a file, packed; raises ``NotEvaluated`` when there is none."""
        about = self.about()
        with self.path.open("rb") as file, gzip.GzipFile(into, "wb", compresslevel=6, mtime=0) as packed:
            shutil.copyfileobj(file, packed, _CHUNK)
        return about

    def _amend(self, changes: Mapping[str, Sequence[Record]], known: Sequence[Known]) -> Database:
        """A changed copy of the index in its place."""
        from modelway.scanners.builtin.index_writer import amend  # noqa: PLC0415  (SQLite, at first use)

        self.about()
        with self._replacing() as draft:
            shutil.copyfile(self.path, draft)
            return amend(draft, now=self.clock.now(), changes=changes, known=known)

    def _write(
        self,
        sources: Sequence[tuple[str, Iterator[Record]]],
        known: Sequence[Known],
        note: str,
        as_of: datetime | None,
    ) -> Database:
        """Write beside the index, then put it in place; on any failure the old index stays."""
        from modelway.scanners.builtin.index_writer import write_index  # noqa: PLC0415  (SQLite, at first use)

        with self._replacing() as draft:
            lists = self._carried(known)
            about = write_index(draft, sources, now=self.clock.now(), note=note, as_of=as_of, known=lists)
            if not about.records:
                raise Malformed(
                    "There is no advisory to import, so the index was left as it was",
                    seen=f"Looked in {', '.join(about.sources)}.",
                    cure="name OSV records: JSON files, a folder of them, or an all.zip of OSV's export.",
                )
        return about

    def _carried(self, known: Sequence[Known]) -> Sequence[Known]:
        """These lists, and those of the index before that are not among them."""
        from modelway.scanners.builtin.index_writer import lists  # noqa: PLC0415  (SQLite, at first use)

        new = {one.source for one in known}
        try:
            self.about()
        except NotEvaluated:
            return known
        return (*known, *(one for one in lists(self.path) if one.source not in new))

    @contextmanager
    def _replacing(self) -> Iterator[Path]:
        """A file beside the index that takes its place when all went well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=".advisories-") as folder:
                draft = Path(folder) / "advisories.sqlite"
                yield draft
                with draft.open("rb") as written:
                    os.fsync(written.fileno())
                draft.replace(self.path)
        except OSError as error:
            raise Unavailable(
                f"The advisories cannot be written to {self.path}",
                seen=str(error),
                cure=f"free space there, or name another file: --database FILE, or {VARIABLE}.",
            ) from error


def _pieces(packed: gzip.GzipFile) -> Iterator[bytes]:
    """A packed file's content; raises ``NotEvaluated`` where it was cut or altered."""
    try:
        while piece := packed.read(_CHUNK):
            yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NotEvaluated(
            "The advisories that came are damaged, so they were left", seen=str(error)
        ) from error
