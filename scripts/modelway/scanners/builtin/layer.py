"""What one layer adds and hides, of the files an inventory reads; and all layers laid over each other."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from modelway.scanners.builtin.content import Content, Watch
from modelway.scanners.builtin.stream import Limits, damaged
from modelway.scanners.builtin.tar import Kind, Member, Tar

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
DPKG_STATUS = "var/lib/dpkg/status"
DPKG_STATUS_D = "var/lib/dpkg/status.d/"
DPKG_INFO = "var/lib/dpkg/info/"
PYTHON = ("/METADATA", "/PKG-INFO", ".egg-info")
_PYTHON_FILE = re.compile(r"(?:^|/)[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)\Z")
_HEAD = 64 << 10  # names and versions come first in METADATA; descriptions may be long

FOREIGN: Mapping[str, re.Pattern[str]] = {
    "rpm": re.compile(r"(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:Packages(?:\.db)?|rpmdb\.sqlite)\Z"),
    "apk": re.compile(r"(?:usr/)?lib/apk/db/installed\Z"),
    "pacman": re.compile(r"var/lib/pacman/local/[^/]+/desc\Z"),
    "conda": re.compile(r"(?:.+/)?conda-meta/[^/]+\.json\Z"),
    "portage": re.compile(r"var/db/pkg/[^/]+/[^/]+/PF\Z"),
    "opkg": re.compile(r"(?:usr/lib|var/lib)/opkg/status\Z"),
    "nix": re.compile(r"nix/var/nix/db/db\.sqlite\Z"),
}
"""Package databases this scanner sees and cannot read."""
_FOREIGN_HINT = (
    "/rpm/",
    "/db/installed",
    "pacman/local/",
    "conda-meta/",
    "db/pkg/",
    "opkg/status",
    "nix/db/",
)

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
        elif _wanted(path):
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


def _add(files: dict[str, bytes | Link], path: str, member: Member, tar: Tar, budget: Budget) -> None:
    """Keep one wanted member, in the form the inventory reads."""
    match member.kind:
        case Kind.FILE if member.sparse:
            raise damaged(f"/{path} is stored as a sparse file.")
        case Kind.FILE:
            files[path] = budget.keep(_content(path, tar, budget.limits))
        case Kind.HARD_LINK:
            files[path] = files.get(target := _clean(member.link), Link(target))
        case Kind.SYMBOLIC_LINK:
            files[path] = Link(_target(path, member.link))
        case Kind.FOLDER | Kind.OTHER:
            files.pop(path, None)


def _content(path: str, tar: Tar, limits: Limits) -> bytes:
    """As much of a wanted file as the inventory reads."""
    if path.startswith(DPKG_INFO):
        lines = tar.read(limits.metadata).split(b"\n")
        return b"\n".join(line for line in lines if line.endswith((b"/METADATA", b"/PKG-INFO", b".egg-info")))
    if path.endswith(PYTHON):
        return tar.head(_HEAD)
    if path.startswith(DPKG_STATUS) or path in OS_RELEASE:
        return tar.read(limits.metadata)
    return b""


def _wanted(path: str) -> bool:
    """Whether the inventory reads this file, or must know that it is there."""
    if path.endswith(PYTHON):
        return bool(_PYTHON_FILE.search(path))
    if path.startswith("var/lib/dpkg/"):
        return (
            path == DPKG_STATUS
            or (path.startswith(DPKG_STATUS_D) and not path.endswith(".md5sums"))
            or (path.startswith(DPKG_INFO) and path.endswith(".list"))
        )
    if path in OS_RELEASE:
        return True
    return foreign(path) != ""


def foreign(path: str) -> str:
    """The package manager whose database this is, if it is one that cannot be read here."""
    if not any(hint in path for hint in _FOREIGN_HINT):
        return ""
    return next((manager for manager, pattern in FOREIGN.items() if pattern.match(path)), "")


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
