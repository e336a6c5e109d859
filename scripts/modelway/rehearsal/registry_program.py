"""The program that keeps the rehearsal's blobs: CNCF Distribution, found or unpacked from Debian's package.

It is unpacked rather than installed: the package would enable a service of its own on port 5000.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from modelway.adapters import environment, process
from modelway.errors import Unavailable
from modelway.ports import Reporter
from modelway.rehearsal import docker_engine

_PACKAGE = "docker-registry"
_WHAT = "The rehearsal needs the CNCF Distribution registry, and this machine has none"
_CURE = f"type: sudo apt-get install {_PACKAGE}; then run the same command again"


def find() -> Path | None:
    """The program, on the PATH or unpacked before."""
    named = shutil.which(_PACKAGE) or shutil.which("registry")
    own = _unpacked()
    return Path(named) if named else own if own.exists() else None


def ensure(reporter: Reporter, *, install: bool) -> Path:
    """The program, unpacked into this user's cache if need be; raises ``Unavailable`` with the cure."""
    found = find()
    if found:
        return found
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(_WHAT, seen="There is no apt-get here.", cure="Put its program `registry` on PATH.")
    if not install:
        raise Unavailable(_WHAT, seen="--no-install was given.", cure=_CURE)
    own = _unpacked()
    reporter.note(f"unpacking the image registry into {own.parent}: apt-get download {_PACKAGE}")
    own.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=own.parent) as folder:
        _download(Path(folder))
        package = next(Path(folder).glob("*.deb"), None)
        if package is None:
            raise Unavailable(_WHAT, seen=f"apt-get did not download {_PACKAGE}.", cure=_CURE)
        tree = Path(folder) / "tree"
        unpacked = process.run(["dpkg-deb", "--extract", str(package), str(tree)])
        if unpacked.code != 0:
            raise Unavailable(_WHAT, seen=unpacked.tail, cure=_CURE)
        (tree / "usr/bin" / _PACKAGE).replace(own)
    return own


def _download(folder: Path) -> None:
    """Fetch the package; where the lists are too old or missing, after an update of them."""
    # apt gives its download to a user of its own, which cannot write here, and says so in vain.
    command = ["apt-get", "--quiet", "-o", "APT::Sandbox::User=root", "download", _PACKAGE]
    if process.run(command, cwd=folder, timeout=600).code == 0:
        return
    process.run([*docker_engine.as_root(_WHAT, _CURE), "apt-get", "--quiet", "update"], timeout=600)
    finished = process.run(command, cwd=folder, timeout=600)
    if finished.code != 0:
        raise Unavailable(_WHAT, seen=finished.tail, cure=_CURE)


def _unpacked() -> Path:
    """Where it is unpacked: every rehearsal of this user finds it there."""
    home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "modelway" / "programs" / _PACKAGE
