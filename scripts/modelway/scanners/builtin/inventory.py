"""Which packages are installed in an image, read from the package managers' own files.

Sees what dpkg, pip and their like have written down. It cannot see libraries inside wheels,
statically linked code, or files somebody copied in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from modelway.core.findings import Package
from modelway.errors import NotEvaluated
from modelway.scanners.builtin import dpkg
from modelway.scanners.builtin.layer import (
    DPKG_INFO,
    DPKG_STATUS,
    DPKG_STATUS_D,
    OS_RELEASE,
    PYTHON,
    Layer,
    foreign,
    merge,
)
from modelway.scanners.builtin.stream import damaged

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_PLAIN = re.compile(r"[!-~]{1,256}\Z")
_FOLDER = re.compile(r"([^/]+?)-([^-/]+?)(?:-py[0-9.]+)?(?:\.dist-info|\.egg-info)(?:/|\Z)")
_DEBIAN_CODENAMES = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}

Files = Mapping[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is installed."""

    distro: str
    """As OSV names it: ``Debian:12``; empty where there is no distribution."""
    packages: tuple[Package, ...]
    notes: tuple[str, ...]


def take_inventory(layers: Iterable[tuple[str, Layer]]) -> Inventory:
    """Lay the layers over each other and list every package; raises ``NotEvaluated``."""
    files = merge(layers)
    _refuse_foreign(files)
    system = tuple(_debian(files))
    notes: list[str] = []
    python = tuple(_python(files, notes))
    distro = _distro(files, has_packages=bool(system))
    if not system and not python:
        raise NotEvaluated(
            "Nothing was scanned: the image has no package database",
            seen="Neither dpkg's status nor metadata of a Python package is in any layer.",
            cure="use a base image that keeps its package database, or a scanner that knows this one.",
        )
    if not system:
        notes.append("The image has no operating-system packages: only Python packages were looked at.")
    packages = sorted({*system, *python}, key=lambda p: (p.ecosystem, p.name, p.version, p.path))
    return Inventory(distro=distro, packages=tuple(packages), notes=tuple(sorted(set(notes))))


def pypi_name(name: str) -> str:
    """A Python package's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _refuse_foreign(files: Files) -> None:
    """Packages nobody looked at must not look like packages without findings."""
    found = {manager: path for path in files if (manager := foreign(path))}
    for manager, path in sorted(found.items()):
        raise NotEvaluated(
            f"The image has {manager} packages, which the builtin scanner cannot read",
            seen=f"It has /{path}.",
            cure="build on a Debian or Ubuntu base with pip packages, or list another scanner under"
            f" scan.scanners: one that reads {manager} (trivy, grype), where this modelway has it.",
        )


def _distro(files: Files, *, has_packages: bool) -> str:
    """The distribution as OSV names its ecosystem."""
    release = next((files[path][1] for path in OS_RELEASE if files.get(path, ("", b""))[1]), b"")
    fields = dict(
        re.findall(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", release.decode(errors="replace"), re.MULTILINE)
    )
    if not fields and not has_packages:
        return ""
    version = fields.get("VERSION_ID", "")
    match fields.get("ID"):
        case "debian":
            version = version.partition(".")[0] or _DEBIAN_CODENAMES.get(
                fields.get("VERSION_CODENAME", ""), ""
            )
            distro = f"Debian:{version}" if version.isdecimal() else ""
        case "ubuntu":
            lts = ":LTS" if "LTS" in fields.get("VERSION", "") else ""
            distro = f"Ubuntu:{version}{lts}" if re.fullmatch(r"[0-9]{2}\.[0-9]{2}", version) else ""
        case _:
            distro = ""
    if not distro:
        raise NotEvaluated(
            "The image's distribution cannot be told, so no advisories can be chosen for its packages",
            seen=f"os-release says ID={_shown(fields.get('ID', ''))} VERSION_ID={_shown(version)}.",
            cure="use a released Debian or Ubuntu as base, and keep its /etc/os-release.",
        )
    if not has_packages:
        raise NotEvaluated(
            f"The image is {distro}, but its package database is not there",
            seen="Neither /var/lib/dpkg/status nor /var/lib/dpkg/status.d is in any layer.",
            cure="do not delete /var/lib/dpkg while building.",
        )
    return distro


def _debian(files: Files) -> Iterator[Package]:
    """What dpkg knows, distroless images included."""
    for path, (layer, content) in files.items():
        if path != DPKG_STATUS and not path.startswith(DPKG_STATUS_D):
            continue
        try:
            for one in dpkg.installed(content.decode(errors="replace")):
                yield Package(
                    ecosystem="deb",
                    name=_plain(one.name),
                    version=_plain(one.version),
                    source_name=_plain(one.source),
                    source_version=_plain(one.source_version),
                    path=f"/{path}",
                    layer=layer,
                )
        except dpkg.Unreadable as error:
            raise damaged(f"/{path} has a paragraph dpkg would not write: {_shown(str(error))}.") from error


def _python(files: Files, notes: list[str]) -> Iterator[Package]:
    """What pip and setuptools wrote down."""
    owners = dict(_owners(files))
    for path, (layer, content) in files.items():
        if not path.endswith(PYTHON):
            continue
        name, version = _identity(path, content)
        if not (_NAME.match(name) and _PLAIN.match(version)):
            notes.append(f"/{_shown(path)} does not say which package it is.")
            continue
        yield Package(
            ecosystem="pypi",
            name=pypi_name(name),
            version=version,
            path=f"/{_shown(path)}",
            layer=layer,
            owner=owners.get(path, ""),
        )


def _identity(path: str, content: bytes) -> tuple[str, str]:
    """Name and version as the metadata says; as the folder is called where it does not."""
    header = content.decode(errors="replace").replace("\r\n", "\n").partition("\n\n")[0]
    fields = {
        key.lower(): value.strip()
        for key, value in reversed(re.findall(r"^(Name|Version):(.*)$", header, re.MULTILINE | re.IGNORECASE))
    }
    if fields.get("name") and fields.get("version"):
        return fields["name"], fields["version"]
    folders = _FOLDER.findall(path)
    return folders[-1] if folders else ("", "")


def _owners(files: Files) -> Iterator[tuple[str, str]]:
    """Python metadata a Debian package brought, by dpkg's own file lists."""
    for path, (_, content) in files.items():
        if path.startswith(DPKG_INFO):
            package = path.removeprefix(DPKG_INFO).removesuffix(".list").partition(":")[0]
            for line in content.decode(errors="replace").splitlines():
                yield line.lstrip("/"), package


def _plain(text: str) -> str:
    """A name or version as package managers write them."""
    if not _PLAIN.match(text):
        raise dpkg.Unreadable(text[:80])
    return text


def _shown(text: str) -> str:
    """Text from an image, harmless on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text.encode(errors="replace").decode())[:300]
