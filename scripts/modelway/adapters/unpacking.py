"""Unpacking archives nobody here made: nothing lands outside the folder, nothing special is made.

``tarfile``'s own filters would do, but came with Python 3.11.4, and Debian 12 has 3.11.2.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath

_FOLDER, _PROGRAM, _FILE = 0o755, 0o755, 0o644


def unpack(archive: tarfile.TarFile, folder: Path, *, under: str = "") -> None:
    """Unpack what lies ``under`` a name in the archive; raises ``tarfile.TarError`` for what is not safe.

    Owners, times and special bits are left out. Links may lead anywhere inside the folder.
    """
    for member in archive:
        name = member.name.removeprefix(under).lstrip("/") if under else member.name
        if PurePosixPath(name) == PurePosixPath():
            continue
        place = _inside(folder, folder / name, member.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        _make(archive, member, place, folder, under)


def _make(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path, folder: Path, under: str) -> None:
    """One entry."""
    if member.isdir():
        place.mkdir(mode=_FOLDER, exist_ok=True)
    elif member.issym():
        _inside(folder, place.parent / member.linkname, member.name)
        place.unlink(missing_ok=True)
        place.symlink_to(member.linkname)
    elif member.islnk():
        target = member.linkname.removeprefix(under).lstrip("/") if under else member.linkname
        _copy(_inside(folder, folder / target, member.name), place)
    elif member.isfile():
        source = archive.extractfile(member)
        if source is None:
            raise _unsafe(member.name, "cannot be read")
        place.unlink(missing_ok=True)
        with source, place.open("wb") as file:
            shutil.copyfileobj(source, file)
        place.chmod(_PROGRAM if member.mode & 0o111 else _FILE)
    else:
        raise _unsafe(member.name, "is no file, folder or link")


def _copy(source: Path, place: Path) -> None:
    """A hard link, as a file of its own."""
    if not source.is_file():
        raise _unsafe(place.name, "links to something that is not there")
    if source != place:
        shutil.copy(source, place)


def _inside(folder: Path, place: Path, name: str) -> Path:
    """The place, unless it is outside the folder, links on the way followed."""
    top = Path(os.path.realpath(folder))
    if not Path(os.path.realpath(place)).is_relative_to(top):
        raise _unsafe(name, "leads out of the archive")
    return place


def _unsafe(name: str, why: str) -> tarfile.TarError:
    return tarfile.ReadError(f"{name!r} {why}")
