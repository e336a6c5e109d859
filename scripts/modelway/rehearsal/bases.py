"""Base images where no image registry can be reached: made from the distribution's own packages.

A made base stands in for ``python:<version>-slim-<suite>``: the suite's own Python, pip and certificates,
in a minimal system. It is kept as a local image, so it is made once a machine.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelway.adapters import process
from modelway.errors import Unavailable
from modelway.ports import Reporter
from modelway.rehearsal.docker_engine import as_root, install_packages

REPOSITORY = "modelway-rehearsal/python"
_PYTHONS: Mapping[str, str] = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
"""Debian's suites and the Python each of them has."""
_PACKAGES = "python3,python3-pip,python3-venv,python-is-python3,ca-certificates"
_PULL_SECONDS = 300.0
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian")
_CACHES = ("var/cache/apt", "var/lib/apt/lists", "var/log")


def ensure(reporter: Reporter, reference: str, folder: Path, *, install: bool) -> str:
    """The local name of an image that can stand for ``reference``: itself where it is here or can be pulled.

    Raises ``Unavailable`` where it can neither be pulled nor made.
    """
    if _is_here(reference):
        return reference
    suite = suite_of(reference)
    made = f"{REPOSITORY}:{suite}"
    if suite and _is_here(made):
        reporter.note(f"base image: {made}, made here earlier, stands in for {reference}")
        return made
    why = _pull(reporter, reference)
    if not why:
        return reference
    if not suite:
        raise _unmakeable(reference, why)
    reporter.note(
        f"{reference} cannot be pulled ({why}); a stand-in is made from Debian {suite}'s own packages"
    )
    _make(reporter, suite, made, folder, install=install)
    return made


def suite_of(reference: str) -> str:
    """The Debian suite whose own Python is the one this image has; empty where there is none.

    ``python:3.11-slim-bookworm`` is Debian's ``bookworm``, because its Python is 3.11 too.
    """
    named = re.fullmatch(
        r"(?:.*/)?python:(\d+\.\d+)(?:\.\d+)?(?:-slim)?(?:-(\w+))?(?:@sha256:\w+)?", reference
    )
    if not named:
        return ""
    version, suite = named.groups()
    return next((s for s, v in _PYTHONS.items() if v == version and suite in {s, None}), "")


def _is_here(name: str) -> bool:
    """Whether this machine's engine has the image."""
    return process.run(["docker", "image", "inspect", "--format", "{{.Id}}", name]).code == 0


def _pull(reporter: Reporter, reference: str) -> str:
    """Pull an image; what went wrong, or nothing."""
    reporter.progress(f"pulling {reference}")
    try:
        finished = process.run(["docker", "pull", "--quiet", reference], timeout=_PULL_SECONDS)
    except Unavailable as late:
        return late.seen
    return finished.tail.splitlines()[-1][:200] if finished.code != 0 else ""


def _unmakeable(reference: str, why: str) -> Unavailable:
    """No registry, and nothing here is like this image."""
    known = ", ".join(f"python:{version}-slim-{suite}" for suite, version in _PYTHONS.items())
    return Unavailable(
        f"The base image {reference} cannot be pulled, and no stand-in for it can be made",
        seen=f"docker pull said: {why}\nStand-ins are made for: {known}.",
        cure="docker pull it where a registry can be reached and bring it here (docker save, docker load),"
        " or set the build argument of its FROM to one of these.",
    )


def _make(reporter: Reporter, suite: str, name: str, folder: Path, *, install: bool) -> None:
    """Bootstrap a minimal Debian with Python and import it as an image."""
    if not shutil.which("debootstrap"):
        why = "debootstrap, to make a base image without a registry"
        install_packages(reporter, ["debootstrap", "debian-archive-keyring"], why, install=install)
    root = as_root("Making a base image needs root", f"docker pull or docker load an image named {name}")
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="base-", dir=folder))
    tree, archive = scratch / "root", scratch / "base.tar"
    try:
        _bootstrap(reporter, root, suite, tree)
        _shrink(root, tree)
        reporter.progress("importing the base image")
        # Sorted and without times: the same packages give the same layer, wherever it is made.
        pack = [
            "tar",
            "--sort=name",
            "--mtime=@0",
            "--numeric-owner",
            "-C",
            str(tree),
            "-cf",
            str(archive),
            ".",
        ]
        process.succeed([*root, *pack])
        change = 'CMD ["python3"]'
        process.succeed(["docker", "import", "--change", change, str(archive), name])
    finally:
        process.run([*root, "rm", "-rf", "--one-file-system", str(scratch)])
    reporter.note(f"base image: {name} was made and is kept (docker image rm {name} removes it)")


def _tell(reporter: Reporter, line: str) -> None:
    """What debootstrap is at, without the hundreds of packages it is at it with."""
    doing = line.removeprefix("I: ").partition(" ")[0]
    if doing in {"Retrieving", "Extracting", "Unpacking", "Configuring"}:
        reporter.progress(f"making the base image: {doing.lower()} packages")


def _bootstrap(reporter: Reporter, root: list[str], suite: str, tree: Path) -> None:
    """Unpack and configure the packages; every package's signature chain is checked."""
    options = ["--variant=minbase", "--force-check-gpg", f"--include={_PACKAGES}"]
    words = " ".join(["exec debootstrap", *options, suite, f"'{tree}'", _mirror(), "1>&2"])
    finished = process.run([*root, "sh", "-c", words], say=lambda line: _tell(reporter, line))
    if finished.code != 0:
        raise Unavailable(
            f"debootstrap could not make a Debian {suite}",
            seen=finished.tail,
            cure="see that this machine reaches its Debian mirror (apt-get update), then run the same again.",
        )


def _mirror() -> str:
    """The Debian mirror this machine uses; empty for debootstrap's own, as on Ubuntu."""
    if not shutil.which("apt-get"):
        return ""
    lines = process.run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(SITE)"]).out
    sites = [line.split()[2] for line in lines.splitlines() if line.startswith("Debian Debian ")]
    return sites[0] if sites and re.fullmatch(r"https?://[^\s'@]+", sites[0]) else ""


def _shrink(root: list[str], tree: Path) -> None:
    """Remove what nobody reads in a container; the package database stays, scanners need it."""
    folders = " ".join(f"'{tree / name}'" for name in (*_UNUSED, *_CACHES))
    process.succeed([*root, "sh", "-c", f"find {folders} -mindepth 1 -delete"])
