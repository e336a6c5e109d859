"""Distributions: what os-release says, what OSV calls that, and what its advisories name.

Names: OSV schema, "Defined ecosystems", and the folders of OSV's export. Amazon Linux is not among them;
its name here is made like the others', so that advisories of one's own can be about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modelway.scanners.builtin import versions
from modelway.scanners.builtin.versions import Compare

_DEBIAN_CODENAMES = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}
_FIELD = re.compile(r"^([A-Z_]+)=[\"']?(.*?)[\"']?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Distributions with one package manager."""

    ecosystem: str
    """The type of its packages' URLs: ``deb``, ``apk``, ``rpm``."""
    database: str
    """Where its packages are noted."""
    compare: Compare


DEB = Family(
    ecosystem="deb",
    database="/var/lib/dpkg/status and /var/lib/dpkg/status.d",
    compare=versions.debian,
)
APK = Family(ecosystem="apk", database="/lib/apk/db/installed", compare=versions.alpine)
RPM = Family(ecosystem="rpm", database="/var/lib/rpm/rpmdb.sqlite", compare=versions.redhat)
FAMILIES: Mapping[str, Family] = {one.ecosystem: one for one in (DEB, APK, RPM)}


@dataclass(frozen=True, slots=True)
class Distro:
    """A release of a distribution."""

    name: str
    """As OSV names its ecosystem: ``Debian:12``."""
    family: Family


@dataclass(frozen=True, slots=True)
class Unknown:
    """What an os-release says that nothing here knows."""

    id: str
    version: str


def fields(release: bytes) -> Mapping[str, str]:
    """The variables of an os-release file (os-release(5))."""
    return dict(_FIELD.findall(release.decode(errors="replace")))


def told(about: Mapping[str, str]) -> Distro | Unknown:
    """The release a file is about, as OSV names it."""
    id_, version = about.get("ID", ""), about.get("VERSION_ID", "")
    family, name = _KNOWN.get(id_, (DEB, _nothing))
    found = name(about, version)
    return Distro(found, family) if found else Unknown(id_, version)


def ecosystems(distro: str, known: Mapping[str, int]) -> tuple[str, ...]:
    """Those of an index that are about a distribution.

    Red Hat's advisories name a repository each (``Red Hat:enterprise_linux:9::appstream``); an image
    has packages of several.
    """
    if distro.startswith("Red Hat:"):
        return tuple(name for name in known if name == distro or name.startswith(f"{distro}::"))
    return (distro,) if distro in known else ()


def _nothing(about: Mapping[str, str], version: str) -> str:
    del about, version
    return ""


def _debian(about: Mapping[str, str], version: str) -> str:
    major = version.partition(".")[0] or _DEBIAN_CODENAMES.get(about.get("VERSION_CODENAME", ""), "")
    return f"Debian:{major}" if major.isdecimal() else ""


def _ubuntu(about: Mapping[str, str], version: str) -> str:
    lts = ":LTS" if "LTS" in about.get("VERSION", "") else ""
    return f"Ubuntu:{version}{lts}" if re.fullmatch(r"[0-9]{2}\.[0-9]{2}", version) else ""


def _alpine(about: Mapping[str, str], version: str) -> str:
    """Its development branch (``3.23_alpha20250612``) is no release anybody writes advisories for."""
    del about
    release = re.fullmatch(r"([0-9]+\.[0-9]+)\.[0-9]+", version)
    return f"Alpine:v{release[1]}" if release else ""


def _rolling(name: str) -> Callable[[Mapping[str, str], str], str]:
    """A distribution without releases."""

    def named(about: Mapping[str, str], version: str) -> str:
        del about, version
        return name

    return named


def _major(prefix: str) -> Callable[[Mapping[str, str], str], str]:
    """A distribution whose advisories are for major releases."""

    def named(about: Mapping[str, str], version: str) -> str:
        del about
        major = version.partition(".")[0]
        return f"{prefix}:{major}" if major.isdecimal() else ""

    return named


_KNOWN: Mapping[str, tuple[Family, Callable[[Mapping[str, str], str], str]]] = {
    "debian": (DEB, _debian),
    "ubuntu": (DEB, _ubuntu),
    "alpine": (APK, _alpine),
    "wolfi": (APK, _rolling("Wolfi")),
    "chainguard": (APK, _rolling("Chainguard")),
    "almalinux": (RPM, _major("AlmaLinux")),
    "amzn": (RPM, _major("Amazon Linux")),
    "rhel": (RPM, _major("Red Hat:enterprise_linux")),
    "rocky": (RPM, _major("Rocky Linux")),
}
