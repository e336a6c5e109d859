"""Paths that a config names: they exist, and they stay inside the repository and the build context."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from modelway.core.checks import Wanted
from modelway.core.problem import Flaw

_NOT_SENT = frozenset({".git", ".modelway"})
"""Folders that no build needs and that may be large."""


def flaws(root: Path, wanted: Wanted) -> Iterator[Flaw]:
    """What is wrong with one path of a config."""
    parts = PurePosixPath(wanted.path).parts
    if PurePosixPath(wanted.path).is_absolute() or ".." in parts or "\0" in wanted.path:
        yield _flaw(
            wanted,
            f"{wanted.path} leaves the repository",
            "Write a path below the repository root, without '..'.",
        )
        return
    try:
        landed = (root / wanted.path).resolve()
        there = landed.is_dir() if wanted.kind == "folder" else landed.is_file()
    except (OSError, RuntimeError) as error:
        yield _flaw(wanted, f"{wanted.path} cannot be followed: {error}", "Correct the path, or its links.")
        return
    if not landed.is_relative_to(root.resolve()):
        yield _flaw(
            wanted,
            f"{wanted.path} is a link that leaves the repository",
            "Copy what it points to into the repository.",
        )
    elif not there:
        found = "is not a " + wanted.kind if landed.exists() else "does not exist"
        yield _flaw(
            wanted, f"{wanted.path} {found}", f"Name a {wanted.kind}, relative to the repository root."
        )
    elif wanted.context:
        yield from _leaving_links(root, landed, wanted)


def _flaw(wanted: Wanted, message: str, cure: str) -> Flaw:
    return Flaw(path=wanted.keys, message=message, cure=cure)


def _leaving_links(root: Path, context: Path, wanted: Wanted) -> Iterator[Flaw]:
    """Links a build would copy as they are, pointing at nothing inside the image."""
    leaving = [link for link in _links(context) if not _stays(link, context)]
    for link in _sent(context, leaving) if leaving else ():
        path = link.relative_to(root.resolve()).as_posix()
        message = f"{path} is a link that leaves the build context (to {os.fspath(link.readlink())})"
        yield _flaw(wanted, message, "Copy the file to its place, or name the link in .dockerignore.")


def _links(folder: Path) -> Iterator[Path]:
    """Every symbolic link below the folder; none is followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False) and entry.name not in _NOT_SENT:
                yield from _links(Path(entry.path))


def _stays(link: Path, context: Path) -> bool:
    """Whether the link points into the context, judged as inside an image: by its text."""
    target = os.path.normpath(link.parent / link.readlink())
    return not link.readlink().is_absolute() and Path(target).is_relative_to(context)


def _sent(context: Path, links: list[Path]) -> list[Path]:
    """Those of the links that ``.dockerignore`` lets through."""
    ignore = context / ".dockerignore"
    if not ignore.is_file():
        return links
    from docker.utils.build import PatternMatcher  # noqa: PLC0415 # only where such links are found

    lines = (line.strip() for line in ignore.read_text("utf-8-sig", errors="replace").splitlines())
    matcher = PatternMatcher([line for line in lines if line and not line.startswith("#")])
    # The stub wants a path object; docker's code wants text.
    texts = {link: str(link.relative_to(context)) for link in links}
    return [link for link, text in texts.items() if not matcher.matches(text)]  # type: ignore[arg-type]
