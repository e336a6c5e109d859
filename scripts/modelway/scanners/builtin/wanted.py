"""Which files of an image an inventory reads, and how much of each is kept until all layers are known."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelway.scanners.builtin import apk, conda, rpm
from modelway.scanners.builtin.stream import Limits, damaged
from modelway.scanners.builtin.tar import Tar

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
DPKG_STATUS = "var/lib/dpkg/status"
DPKG_STATUS_D = "var/lib/dpkg/status.d/"
DPKG_INFO = "var/lib/dpkg/info/"
APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
RPM = ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/share/rpm/rpmdb.sqlite")
RPM_JOURNAL = tuple(f"{path}-wal" for path in RPM)
"""What rpm has written and not yet put into its database; empty unless it was killed."""
PYTHON = ("/METADATA", "/PKG-INFO", ".egg-info")
_PYTHON_FILE = re.compile(r"(?:^|/)[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)\Z")
_CONDA = re.compile(r"(?:.+/)?conda-meta/[^/]+\.json\Z")
OF_PYTHON = re.compile(rb"(?:/METADATA|/PKG-INFO|\.egg-info)\Z")
"""Files whose owner is asked for: a distribution's Python packages are its own to judge."""
_HEAD = 64 << 10  # names and versions come first in METADATA; descriptions may be long

FOREIGN: Mapping[str, re.Pattern[str]] = {
    "rpm (Berkeley DB or ndb, as before rpm 4.16)": re.compile(
        r"(?:var/lib|usr/lib/sysimage|usr/share)/rpm/Packages(?:\.db)?\Z"
    ),
    "rpm (without a database: a manifest)": re.compile(r"var/lib/rpmmanifest/container-manifest-2\Z"),
    "pacman": re.compile(r"var/lib/pacman/local/[^/]+/desc\Z"),
    "portage": re.compile(r"var/db/pkg/[^/]+/[^/]+/PF\Z"),
    "opkg": re.compile(r"(?:usr/lib|var/lib)/opkg/status\Z"),
    "nix": re.compile(r"nix/var/nix/db/db\.sqlite\Z"),
}
"""Package databases this scanner sees and cannot read."""
_FOREIGN_HINT = re.compile(r"/(?:Packages(?:\.db)?|container-manifest-2|desc|PF|status|db\.sqlite)\Z")


def wanted(path: str) -> bool:
    """Whether the inventory reads this file, or must know that it is there."""
    if path.endswith(PYTHON):
        return bool(_PYTHON_FILE.search(path))
    if path.startswith("var/lib/dpkg/"):
        return (
            path == DPKG_STATUS
            or (path.startswith(DPKG_STATUS_D) and not path.endswith(".md5sums"))
            or (path.startswith(DPKG_INFO) and path.endswith(".list"))
        )
    if path.endswith((".json", ".sqlite", ".sqlite-wal", "/installed", "os-release")):
        return path in OS_RELEASE or path in APK or path in RPM or path in RPM_JOURNAL or is_conda(path)
    return foreign(path) != ""


def content(path: str, tar: Tar, limits: Limits) -> bytes:
    """As much of a wanted file as the inventory reads; raises ``NotEvaluated`` for what cannot be read."""
    if path.startswith(DPKG_INFO):
        return _owned(tar.read(limits.metadata))
    if path.endswith(PYTHON):
        return tar.head(_HEAD)
    if path.startswith(DPKG_STATUS) or path in OS_RELEASE:
        return tar.read(limits.metadata)
    if path in APK:
        return apk.shortened(tar.read(limits.metadata), OF_PYTHON)
    if path in RPM:
        return _rpm(path, tar.read(limits.database))
    if path in RPM_JOURNAL:
        return tar.head(1)
    if is_conda(path):
        return _conda(path, tar.read(limits.metadata))
    return b""


def is_conda(path: str) -> bool:
    """Whether conda noted a package there."""
    return "conda-meta/" in path and bool(_CONDA.match(path))


def foreign(path: str) -> str:
    """The package manager whose database this is, if it is one that cannot be read here."""
    if not _FOREIGN_HINT.search(path):
        return ""
    return next((manager for manager, pattern in FOREIGN.items() if pattern.match(path)), "")


def _owned(listed: bytes) -> bytes:
    """Of dpkg's list of a package's files, Python's metadata."""
    return b"\n".join(line for line in listed.split(b"\n") if OF_PYTHON.search(line))


def _rpm(path: str, database: bytes) -> bytes:
    """Rpm's database, read at once: it is large, and every layer that installs something has its own."""
    try:
        return rpm.packed(tuple(rpm.installed(database, OF_PYTHON)))
    except rpm.Unreadable as error:
        raise damaged(f"/{path} is no database rpm would write: {error}.") from error


def _conda(path: str, note: bytes) -> bytes:
    """Conda's note of a package without the long list of its files."""
    try:
        return conda.packed(conda.noted(note, OF_PYTHON))
    except conda.Unreadable as error:
        raise damaged(f"/{path} is no note conda would write: {error}.") from error
