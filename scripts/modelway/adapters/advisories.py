"""The index of advisories: made from OSV's bulk export or from files, replaced all at once."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from modelway.core.report import Database, Report
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock, Reporter

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

    from modelway.scanners.builtin.osv import Record

VARIABLE = "MODELWAY_ADVISORIES"
_RECORD = 16 << 20
_ALL = 16 << 30
_LOCAL = struct.Struct("<26xHH")
"""A local file header: what is asked of it is how long the name and the extra field after it are."""
_ENCRYPTED = 1


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
        """Replace the index by the records of these files, folders and zips."""
        for source in sources:
            if not source.exists():
                raise Malformed(f"There is nothing to import at {source}", cure="name a file, folder or zip.")
        if as_of and as_of > self.clock.now():
            raise Malformed(f"The advisories cannot be of {as_of:%Y-%m-%d}: that day is yet to come")
        return self._write([one for source in sources for one in self._sources(source)], note, as_of)

    def update(self, ecosystems: Sequence[str], base_url: str, /) -> Database:
        """Download OSV's bulk export of each ecosystem and replace the index by it."""
        from modelway.adapters.download import download  # noqa: PLC0415  (only an update needs the network)

        with tempfile.TemporaryDirectory(prefix="modelway-osv-") as folder:
            sources: list[tuple[str, Iterator[Record]]] = []
            for ecosystem in ecosystems:
                url = f"{base_url.rstrip('/')}/{ecosystem}/all.zip"
                into = Path(folder) / f"{ecosystem}.zip"
                download(url, into, clock=self.clock, reporter=self.reporter)
                sources.append((url, self._records([into])))
            return self._write(sources, "", None)

    def _write(
        self, sources: Sequence[tuple[str, Iterator[Record]]], note: str, as_of: datetime | None
    ) -> Database:
        """Write beside the index, then put it in place; on any failure the old index stays."""
        from modelway.scanners.builtin.index_writer import write_index  # noqa: PLC0415  (SQLite, at first use)

        with self._replacing() as draft:
            about = write_index(draft, sources, now=self.clock.now(), note=note, as_of=as_of)
            if not about.records:
                raise Malformed(
                    "There is no advisory to import, so the index was left as it was",
                    seen=f"Looked in {', '.join(about.sources)}.",
                    cure="name OSV records: JSON files, a folder of them, or an all.zip of OSV's export.",
                )
        return about

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

    def _sources(self, path: Path) -> Iterator[tuple[str, Iterator[Record]]]:
        """A file, or what a folder holds: every zip by itself, for each has its own age."""
        if not path.is_dir():
            yield path.name, self._records([path])
            return
        found = sorted(file for file in path.rglob("*") if file.suffix in {".json", ".zip"})
        if loose := [file for file in found if file.suffix == ".json"]:
            yield path.name, self._records(loose)
        for file in found:
            if file.suffix == ".zip":
                yield f"{path.name}/{file.relative_to(path)}", self._records([file])

    def _records(self, files: Sequence[Path]) -> Iterator[Record]:
        """Every record of some files."""
        for file in files:
            if file.suffix == ".zip":
                yield from _zipped(file, self.reporter)
            else:
                yield _record(_content(file), str(file))


def _content(path: Path) -> bytes:
    """A file's bytes."""
    try:
        if path.stat().st_size > _RECORD:
            raise Malformed(f"{path} is larger than an advisory may be ({_RECORD} bytes)")
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"{path} cannot be read", seen=str(error)) from error


def _record(body: bytes, where: str) -> Record:
    """One record, or the failure that names its file."""
    from modelway.scanners.builtin.osv import Invalid, parse  # noqa: PLC0415  (at first use)

    try:
        return parse(body)
    except Invalid as error:
        raise Malformed(
            f"{where} is no OSV advisory, so the index was left as it was",
            seen=str(error),
            cure="correct or remove it; records follow https://ossf.github.io/osv-schema/.",
        ) from error


def _zipped(path: Path, reporter: Reporter) -> Iterator[Record]:
    """Every record of a zip; a broken zip is refused whole."""
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415  (at first use)

    try:
        with ZipFile(path) as archive, path.open("rb") as file:
            entries = sorted(
                (entry for entry in archive.infolist() if entry.filename.endswith(".json")),
                key=lambda entry: entry.filename,
            )
            if sum(entry.file_size for entry in entries) > _ALL:
                raise Malformed(f"{path} holds more than {_ALL} bytes", cure="import less at a time.")
            for number, entry in enumerate(entries):
                if number % 5000 == 0:
                    reporter.progress(f"{path.name}: {number} of {len(entries)} advisories")
                yield _record(_unzipped(archive, entry, file), f"{path}: {entry.filename}")
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Malformed(
            f"{path} is no readable zip, so the index was left as it was",
            seen=str(error),
            cure="download it again.",
        ) from error


def _unzipped(archive: ZipFile, entry: ZipInfo, file: BinaryIO) -> bytes:
    """One entry, no larger than a record may be, whatever its header says.

    Of a plain entry the bytes are taken directly: ``ZipFile.open`` costs as much as reading the JSON.
    """
    from zipfile import ZIP_DEFLATED, BadZipFile  # noqa: PLC0415  (at first use)

    if entry.compress_type != ZIP_DEFLATED or entry.flag_bits & _ENCRYPTED:
        with archive.open(entry) as stream:
            body = stream.read(_RECORD + 1)
    else:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            raise BadZipFile(f"{entry.filename} is not where the zip says")
        name, extra = _LOCAL.unpack(header)
        file.seek(name + extra, os.SEEK_CUR)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        body = inflate.decompress(file.read(min(entry.compress_size, _RECORD)), _RECORD + 1)
        if len(body) <= _RECORD and (not inflate.eof or zlib.crc32(body) != entry.CRC):
            raise BadZipFile(f"{entry.filename} is damaged")
    if len(body) > _RECORD:
        raise Malformed(f"{entry.filename} is larger than an advisory may be ({_RECORD} bytes)")
    return body
