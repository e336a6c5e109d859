"""Which packages are installed in an image, read from the package managers' own files.

Sees what dpkg, apk, rpm, pip, conda and their like have written down. It cannot see libraries inside
wheels, statically linked code, or files somebody copied in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from modelway.core.findings import Package
from modelway.core.plain import shown
from modelway.core.report import Unread
from modelway.errors import NotEvaluated
from modelway.scanners.builtin import apk, conda, dpkg, python, rpm
from modelway.scanners.builtin.distro import Unknown, fields, told
from modelway.scanners.builtin.installed import Inventory
from modelway.scanners.builtin.layer import Layer, merge, snapshots
from modelway.scanners.builtin.python import Files
from modelway.scanners.builtin.stream import damaged
from modelway.scanners.builtin.wanted import (
    APK,
    DPKG_INFO,
    DPKG_STATUS,
    DPKG_STATUS_D,
    OF_PYTHON,
    OS_RELEASE,
    RPM,
    RPM_JOURNAL,
    foreign,
    is_conda,
)

_PLAIN = re.compile(r"[!-~]{1,256}\Z")
_OTHERS = "list a scanner that can under scan.scanners: trivy or grype"


def take_inventory(layers: Sequence[tuple[str, Layer]]) -> Inventory:
    """Lay the layers over each other and list every package; raises ``NotEvaluated``."""
    files = merge(layers)
    system = _system(files, layers)
    notes: list[str] = []
    others = (*python.packages(files, dict(_owners(files)), notes), *_conda(files))
    distro, told_not = _distro(files, {one.ecosystem for one in system})
    unread = (*_foreign(files), *told_not)
    if not (system or others or unread):
        raise NotEvaluated(
            "Nothing was scanned: the image has no package database",
            seen="Neither a database of dpkg, apk or rpm nor metadata of a Python package is in any layer.",
            cure="use a base image that keeps its package database, or a scanner that knows this one.",
        )
    if not (system or unread):
        notes.append("The image has no operating-system packages: only Python packages were looked at.")
    packages = sorted({*system, *others}, key=lambda p: (p.ecosystem, p.name, p.version, p.path))
    return Inventory(distro=distro, packages=tuple(packages), unread=unread, notes=tuple(sorted(set(notes))))


def _foreign(files: Files) -> Iterator[Unread]:
    """Packages nobody looked at must not look like packages without findings."""
    found = {manager: path for path in files if (manager := foreign(path))}
    for manager, path in sorted(found.items()):
        yield Unread(
            area=f"packages:{manager.partition(' ')[0]}",
            what=f"packages of {manager}: the builtin scanner cannot read /{shown(path)}",
            cure=f"build on a base whose packages it reads (dpkg, apk, rpm from 4.16), or {_OTHERS}",
        )
    for path in RPM_JOURNAL:
        if files.get(path, ("", b""))[1]:
            yield Unread(
                area="packages:rpm",
                what=f"packages of rpm: it has not finished writing its database, for /{path} is not empty",
                cure="end the RUN instruction that installs packages with `rpm --rebuilddb`",
                path=f"/{path}",
            )


def _distro(files: Files, have: set[str]) -> tuple[str, Sequence[Unread]]:
    """The distribution as OSV names it, and which packages have none whose advisories are theirs."""
    release = next((files[path][1] for path in OS_RELEASE if files.get(path, ("", b""))[1]), b"")
    about = fields(release)
    if not about and not have:
        return "", ()
    found = told(about)
    if isinstance(found, Unknown):
        said = f"os-release says ID={shown(found.id)} VERSION_ID={shown(found.version)}"
        cure = (
            "use a release of Debian, Ubuntu, Alpine, Wolfi, AlmaLinux, Rocky Linux or Red Hat as base and"
            f" keep its /etc/os-release, or {_OTHERS}"
        )
        what = f"the distribution cannot be told, so no advisories can be chosen: {said}"
        return "", [_system_unread(one, what, cure) for one in sorted(have or {"system"})]
    own = found.family.ecosystem
    if own not in have:
        what = f"the image is {found.name}, but its package database ({found.family.database}) is in no layer"
        return found.name, [_system_unread(own, what, "do not delete it while building")]
    what, cure = f"the image is {found.name}: nobody knows whose these are", f"remove them, or {_OTHERS}"
    return found.name, [_system_unread(one, what, cure) for one in sorted(have - {own})]


def _system_unread(ecosystem: str, what: str, cure: str) -> Unread:
    """The operating system's packages were not judged."""
    return Unread(area=f"packages:{ecosystem}", what=what, cure=cure)


def _system(files: Files, layers: Sequence[tuple[str, Layer]]) -> list[Package]:
    """The operating system's packages, each with the layer that brought it."""
    found: list[Package] = []
    for path in files:
        if (reader := _reader(path)) is not None:
            found += _placed(path, reader, layers)
    return found


def _reader(path: str) -> Callable[[bytes], Iterator[Package]] | None:
    """What reads a package database."""
    if path == DPKG_STATUS or path.startswith(DPKG_STATUS_D):
        return _debian
    if path in APK:
        return _alpine
    return _redhat if path in RPM else None


def _placed(
    path: str, reader: Callable[[bytes], Iterator[Package]], layers: Sequence[tuple[str, Layer]]
) -> Iterator[Package]:
    """The packages of a database's last state, each with the layer since which it has been there."""
    states = list(snapshots(path, layers))
    history = [(layer, set(_read(path, reader, content))) for layer, content in states]
    for one in sorted(history[-1][1], key=lambda p: (p.name, p.version)):
        since = history[-1][0]
        for layer, packages in reversed(history):
            if one not in packages:
                break
            since = layer
        yield Package(
            ecosystem=one.ecosystem,
            name=one.name,
            version=one.version,
            source_name=one.source_name,
            source_version=one.source_version,
            path=f"/{path}",
            layer=since,
            licences=one.licences,
        )


def _read(path: str, reader: Callable[[bytes], Iterator[Package]], content: bytes) -> Iterator[Package]:
    """Every package of one state; raises ``NotEvaluated``."""
    try:
        yield from reader(content)
    except (dpkg.Unreadable, apk.Unreadable, rpm.Unreadable) as error:
        seen = f"/{path} has an entry its package manager would not write: {shown(str(error))}."
        raise damaged(seen) from error


def _debian(content: bytes) -> Iterator[Package]:
    """What dpkg knows, distroless images included."""
    for one in dpkg.installed(content.decode(errors="replace")):
        yield Package(
            ecosystem="deb",
            name=_plain(one.name),
            version=_plain(one.version),
            source_name=_plain(one.source),
            source_version=_plain(one.source_version),
        )


def _alpine(content: bytes) -> Iterator[Package]:
    """What apk knows."""
    for one in apk.installed(content.decode(errors="replace")):
        yield Package(
            ecosystem="apk",
            name=_plain(one.name),
            version=_plain(one.version),
            source_name=_plain(one.origin or one.name),
            source_version=_plain(one.version),
            licences=(shown(one.licence),) if one.licence else (),
        )


def _redhat(content: bytes) -> Iterator[Package]:
    """What rpm knows."""
    for one in rpm.unpacked(content):
        yield Package(
            ecosystem="rpm",
            name=_plain(one.name),
            version=_plain(one.version),
            source_name=_plain(one.source),
            source_version=_plain(one.version),
            licences=(shown(one.licence),) if one.licence else (),
        )


def _conda(files: Files) -> Iterator[Package]:
    """What conda installed; what of it is Python's is noted a second time, by its own metadata."""
    for path, (layer, content) in files.items():
        if is_conda(path):
            one = _noted(path, content)
            yield Package(
                ecosystem="conda",
                name=shown(one.name),
                version=shown(one.version),
                path=f"/{shown(path)}",
                layer=layer,
                licences=(shown(one.licence),) if one.licence else (),
            )


def _noted(path: str, content: bytes) -> conda.Installed:
    """A note, shortened when its layer was read; a link may lead to something else."""
    try:
        return conda.noted(content, OF_PYTHON)
    except conda.Unreadable as error:
        raise damaged(f"/{shown(path)} is no note conda would write: {error}.") from error


def _owners(files: Files) -> Iterator[tuple[str, str]]:
    """Python metadata a distribution's package brought, by its package manager's own lists of files."""
    for path, (_, content) in files.items():
        if path.startswith(DPKG_INFO):
            package = path.removeprefix(DPKG_INFO).removesuffix(".list").partition(":")[0]
            for line in content.decode(errors="replace").splitlines():
                yield line.lstrip("/"), package
        elif path in APK:
            packages = apk.installed(content.decode(errors="replace"))
            yield from ((file, one.name) for one in packages for file in one.files)
        elif path in RPM:
            yield from ((file, one.name) for one in rpm.unpacked(content) for file in one.files)


def _plain(text: str) -> str:
    """A name or version as package managers write them."""
    if not _PLAIN.match(text):
        raise dpkg.Unreadable(text[:80])
    return text
