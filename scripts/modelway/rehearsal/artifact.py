"""A model archive as SageMaker wants it: ``model.tar.gz``, the same bytes for the same files.

Times, owners and the order of files are left out, so a training that changed nothing makes no new version.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path

from modelway.adapters import unpacking
from modelway.errors import NotAllowed

_LEVEL = 6


def pack(folder: Path, archive: Path) -> str:
    """Write the folder's files to the archive; return the SHA-256 of its bytes, 64 hex digits.

    Raises ``NotAllowed`` where the folder is empty: a model without files serves nothing.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        raise NotAllowed(
            "Training wrote no model",
            seen=f"{folder} is empty: the container wrote nothing to /opt/ml/model.",
            cure="let `train` write the model's files to /opt/ml/model, and exit with 0 only if it did.",
        )
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=_LEVEL) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files:
            tar.add(path, arcname=str(path.relative_to(folder)), filter=_bare)
    with archive.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive that ``pack`` wrote."""
    with tarfile.open(archive, "r:gz") as tar:
        unpacking.unpack(tar, folder)


def _bare(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without what differs from machine to machine."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry
