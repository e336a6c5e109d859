"""Build contexts: what a build would read, hashed file by file."""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.core.inputs import Entry
from modelway.errors import Malformed

if TYPE_CHECKING:
    from docker.utils.build import PatternMatcher


def entries(context: Path, ignore: str) -> tuple[Entry, ...]:
    """Files, links and empty folders after ``.dockerignore``; raises ``Malformed`` for links that leave."""
    if not context.is_dir():
        cure = "correct image.context: a folder, relative to the repository root"
        raise Malformed(f"the build context {context} is not a folder", cure=cure)
    return tuple(sorted(_entry(context, path) for path in _kept(context, ignore)))


def sent(ignore: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Those of the paths, relative to the context, that a ``.dockerignore`` lets through."""
    matcher = _matcher(ignore)
    return tuple(path for path in paths if not matcher.matches(path))  # type: ignore[arg-type]  # docker's code wants text


def _matcher(ignore: str) -> PatternMatcher:
    """The patterns of a ``.dockerignore``."""
    from docker.utils.build import PatternMatcher  # noqa: PLC0415 - keeps --help fast

    lines = (line.strip() for line in ignore.lstrip("\ufeff").splitlines())
    return PatternMatcher([line for line in lines if line and not line.startswith("#")])


def _kept(context: Path, ignore: str) -> Iterator[str]:
    """Paths that docker would send, folders only where nothing of theirs is sent."""
    matcher = _matcher(ignore)
    paths = {path.replace(os.sep, "/") for path in matcher.walk(str(context))}
    parents = {posixpath.dirname(path) for path in paths}
    return (path for path in paths if path not in parents)


def _entry(context: Path, path: str) -> Entry:
    """One path, hashed."""
    full = context / path
    mode = full.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Entry(path=path, kind="link", sha256=_text_hash(_inside(context, path, str(full.readlink()))))
    if stat.S_ISDIR(mode):
        return Entry(path=path, kind="folder")
    if not stat.S_ISREG(mode):
        cure = f"add {path} to .dockerignore"
        raise Malformed(f"{full} is neither a file, a link nor a folder, and cannot be copied", cure=cure)
    try:
        with full.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError as error:
        cure = f"make it readable, or add {path} to .dockerignore"
        raise Malformed(f"{full} cannot be read", seen=str(error), cure=cure) from error
    return Entry(path=path, kind="program" if mode & stat.S_IXUSR else "file", sha256=digest)


def _inside(context: Path, path: str, target: str) -> str:
    """A link's target, if it stays in the context."""
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.replace(os.sep, "/")))
    if landed.startswith(("../", "/")) or landed == "..":
        raise Malformed(
            f"{context / path} is a link that leaves the build context",
            seen=f"it points at {target}; a build sees nothing outside of {context}",
            cure=f"copy the file to its place, or add {path} to .dockerignore",
        )
    return target


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
