"""What one layer adds and hides, of the files an inventory reads; and all layers laid over each other."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modelway.scanners.builtin.content import Content, Watch
from modelway.scanners.builtin.stream import Limits, damaged
from modelway.scanners.builtin.tar import Kind, Member, Tar
from modelway.scanners.builtin.wanted import content, wanted

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True, slots=True)
class Link:
    """A file that is another one."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The part of a layer an inventory needs."""

    files: Mapping[str, bytes | Link]
    hidden: frozenset[str]
    """Paths of lower layers that are gone, with all below them."""
    opaque: frozenset[str]
    """Folders whose content in lower layers is gone."""
    content: Content | None = None
    """What its files say beside packages, where that was asked for."""


@dataclass(slots=True)
class Budget:
    """What is left of the limits, for all layers together."""

    limits: Limits
    kept: int = field(init=False, default=0)
    members: int = field(init=False, default=0)
    unpacked: int = field(init=False, default=0)

    def keep(self, content: bytes) -> bytes:
        """Count bytes that stay in memory."""
        self.kept += len(content)
        if self.kept > self.limits.kept:
            raise damaged(f"Its package metadata has more than {self.limits.kept} bytes.")
        return content

    def unpack(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Pass pieces on, counting them."""
        for piece in chunks:
            self.unpacked += len(piece)
            if self.unpacked > self.limits.unpacked:
                raise damaged(f"Its layers have more than {self.limits.unpacked} bytes.")
            yield piece

    def member(self) -> None:
        """Count one file."""
        self.members += 1
        if self.members > self.limits.members:
            raise damaged(f"Its layers have more than {self.limits.members} files.")


def read_layer(tar: Tar, budget: Budget, watch: Watch | None = None) -> Layer:
    """Go through a layer once and keep what an inventory needs, and what the watch has seen."""
    files: dict[str, bytes | Link] = {}
    hidden: set[str] = set()
    opaque: set[str] = set()
    for member in tar:
        budget.member()
        path = _clean(member.name)
        if watch and (listener := watch.member(path, member)) is not None:
            tar.listen(listener)
        folder, _, name = path.rpartition("/")
        if name.startswith(_WHITEOUT):
            if name == _OPAQUE:
                opaque.add(folder)
            elif not name.startswith(".wh..wh."):  # AUFS's own notes are no whiteouts
                hidden.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
        elif wanted(path):
            _add(files, path, member, tar, budget)
    return Layer(
        files=files,
        hidden=frozenset(hidden),
        opaque=frozenset(opaque),
        content=watch.seen() if watch else None,
    )


def merge(layers: Iterable[tuple[str, Layer]]) -> dict[str, tuple[str, bytes]]:
    """Lay layers over each other, lowest first: path to the layer it came with, and the content.

    Whiteouts hide only what lower layers brought (OCI image-spec, layer.md).
    """
    files: dict[str, tuple[str, bytes | Link]] = {}
    for name, layer in layers:
        if layer.hidden or layer.opaque:
            files = {path: file for path, file in files.items() if not _is_hidden(path, layer)}
        files |= {path: (name, content) for path, content in layer.files.items()}
    return {path: (layer, _follow(content, files)) for path, (layer, content) in files.items()}


def snapshots(path: str, layers: Sequence[tuple[str, Layer]]) -> Iterator[tuple[str, bytes]]:
    """Every state a file had since it was last absent, lowest first: the layer and the content."""
    found: list[tuple[str, bytes]] = []
    for number, (name, layer) in enumerate(layers, start=1):
        if (layer.hidden or layer.opaque) and _is_hidden(path, layer):
            found = []
        if path in layer.files:
            content = layer.files[path]
            # a link may lead to a file of any layer below
            known = content if isinstance(content, bytes) else merge(layers[:number])[path][1]
            found.append((name, known))
    yield from found


def _add(files: dict[str, bytes | Link], path: str, member: Member, tar: Tar, budget: Budget) -> None:
    """Keep one wanted member, in the form the inventory reads."""
    match member.kind:
        case Kind.FILE if member.sparse:
            raise damaged(f"/{path} is stored as a sparse file.")
        case Kind.FILE:
            files[path] = budget.keep(content(path, tar, budget.limits))
        case Kind.HARD_LINK:
            files[path] = files.get(target := _clean(member.link), Link(target))
        case Kind.SYMBOLIC_LINK:
            files[path] = Link(_target(path, member.link))
        case Kind.FOLDER | Kind.OTHER:
            files.pop(path, None)


def _clean(name: str) -> str:
    """A member's path relative to the root, as an engine would unpack it."""
    path = name.removeprefix("./").strip("/")
    if "//" in path or "./" in path or path in {".", ".."}:
        path = posixpath.normpath(path).removeprefix("./").strip("/")
    if path.startswith("../") or path == "..":
        raise damaged(f"The path {name!r} leads out of the image.")
    return "" if path == "." else path


def _target(path: str, link: str) -> str:
    """What a symbolic link names, relative to the root; it cannot leave the root either."""
    absolute = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), link))
    return absolute.lstrip("/")


def covers(layer: Layer, path: str) -> bool:
    """Whether a layer hides or replaces a file of a lower one."""
    if _is_hidden(path, layer):
        return True
    if layer.content is None:
        return False
    paths, wanted = layer.content.paths, hash(path)
    at = bisect_left(paths, wanted)
    return at < len(paths) and paths[at] == wanted


def _is_hidden(path: str, layer: Layer) -> bool:
    """Whether a layer above hides this path or a folder it is in."""
    if "" in layer.opaque or path in layer.hidden:
        return True
    folder = posixpath.dirname(path)
    while folder:
        if folder in layer.hidden or folder in layer.opaque:
            return True
        folder = posixpath.dirname(folder)
    return False


def _follow(content: bytes | Link, files: Mapping[str, tuple[str, bytes | Link]]) -> bytes:
    """The content of a file, through links; empty where a link leads to nothing that was kept."""
    for _ in range(8):
        if isinstance(content, bytes):
            return content
        content = files.get(content.target, ("", b""))[1]
    return b""
