"""Advisories in files: OSV records, folders and zips of them; Amazon's, CISA's and FIRST's own formats."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

from modelway.errors import Malformed
from modelway.ports import Reporter

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

    from modelway.scanners.builtin.exploitation import Known
    from modelway.scanners.builtin.osv import Record

_RECORD = 16 << 20
_ALL = 16 << 30
_LOCAL = struct.Struct("<26xHH")
"""A local file header: what is asked of it is how long the name and the extra field after it are."""
_ENCRYPTED = 1
_LIST = 256 << 20
"""Bytes of a list or of updateinfo.xml, unpacked; Amazon's has 40 MB, FIRST's 10."""


@dataclass(frozen=True, slots=True)
class Source:
    """Records that have one age."""

    name: str
    records: Iterator[Record]


def opened(path: Path, reporter: Reporter) -> Iterator[Source | Known]:
    """What a file holds, or every file of a folder: each zip by itself, for each has its own age."""
    if not path.is_dir():
        yield _opened(path, path.name, reporter)
        return
    found = sorted(file for file in path.rglob("*") if _readable(file))
    loose = [file for file in found if file.suffix == ".json" and not _kev(file)]
    if loose:
        yield Source(path.name, (record(content(file), str(file)) for file in loose))
    for file in found:
        if file not in loose:
            yield _opened(file, f"{path.name}/{file.relative_to(path)}", reporter)


def _readable(path: Path) -> bool:
    return path.suffix in {".json", ".zip"} or _is_epss(path) or _is_updateinfo(path)


def _opened(path: Path, name: str, reporter: Reporter) -> Source | Known:
    """One file, by what its name says it is."""
    if path.suffix == ".zip":
        return Source(name, zipped(path, reporter))
    if _is_epss(path):
        return epss(path)
    if _is_updateinfo(path):
        return Source(name, _amazons(path))
    return kev(path) if _kev(path) else Source(name, iter([record(content(path), str(path))]))


def _is_epss(path: Path) -> bool:
    return path.name.startswith("epss") and path.name.endswith((".csv", ".csv.gz"))


def _is_updateinfo(path: Path) -> bool:
    return path.name.endswith(("updateinfo.xml", "updateinfo.xml.gz"))


def _kev(path: Path) -> bool:
    """Whether a JSON file is CISA's list; only its beginning is looked at."""
    with path.open("rb") as file:
        return b'"catalogVersion"' in file.read(4096)


def kev(path: Path) -> Known:
    """CISA's list of exploited vulnerabilities; raises ``Malformed``."""
    from modelway.scanners.builtin import exploitation  # noqa: PLC0415  (at first use)

    try:
        return exploitation.kev(content(path))
    except exploitation.Invalid as error:
        raise _refused(path, "CISA's list of exploited vulnerabilities", str(error)) from error


def epss(path: Path) -> Known:
    """FIRST's estimates of a day; raises ``Malformed``."""
    from modelway.scanners.builtin import exploitation  # noqa: PLC0415  (at first use)

    try:
        with _unpacked(path) as stream:
            return exploitation.epss(io.TextIOWrapper(stream, encoding="utf-8"))
    except (exploitation.Invalid, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise _refused(path, "FIRST's estimates (EPSS)", str(error)) from error


def _amazons(path: Path) -> Iterator[Record]:
    """The records of Amazon's updateinfo."""
    from modelway.scanners.builtin import osv, updateinfo  # noqa: PLC0415  (at first use)

    try:
        with _unpacked(path) as stream:
            yield from updateinfo.records(stream)
    except (osv.Invalid, OSError, EOFError, zlib.error) as error:
        raise _refused(path, "an updateinfo of Amazon Linux", str(error)) from error


def _unpacked(path: Path) -> IO[bytes]:
    """A file's bytes, unpacked where it is packed, and no more than a list can have."""
    packed = path.suffix == ".gz"
    with path.open("rb") as file:
        whole = gzip.GzipFile(fileobj=file) if packed else file
        body = whole.read(_LIST + 1)
    if len(body) > _LIST:
        raise OSError(f"it has more than {_LIST} bytes")
    return io.BytesIO(body)


def _refused(path: Path, what: str, seen: str) -> Malformed:
    return Malformed(
        f"{path} is not {what}, so the index was left as it was", seen=seen, cure="download it again."
    )


def content(path: Path) -> bytes:
    """A file's bytes."""
    try:
        if path.stat().st_size > _RECORD:
            raise Malformed(f"{path} is larger than an advisory may be ({_RECORD} bytes)")
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"{path} cannot be read", seen=str(error)) from error


def record(body: bytes, where: str) -> Record:
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


def zipped(path: Path, reporter: Reporter) -> Iterator[Record]:
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
                yield record(_unzipped(archive, entry, file), f"{path}: {entry.filename}")
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
