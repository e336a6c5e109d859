"""What ``doctor`` looks at on this machine: tools, disk, the advisories' age."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelway.adapters import buildkit, disk, engine, process
from modelway.core.config import ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, absent, missing, ok
from modelway.core.duration import words
from modelway.errors import NotEvaluated, Unavailable
from modelway.ports import Advisories, Clock

_AREA = "this machine"
_PYTHON = (3, 11)


def examinations(root: Path) -> Iterator[Examination]:
    """Tools and room."""
    yield Examination(area=_AREA, subject="Python", look=_python)
    yield Examination(area=_AREA, subject="git", look=lambda: _git(root))
    yield Examination(area=_AREA, subject="Docker engine", look=_engine)
    yield Examination(area=_AREA, subject="BuildKit", look=_buildkit)
    yield Examination(area=_AREA, subject="disk", look=lambda: _disk(root))


def advisories(configs: Sequence[ModelConfig], index: Advisories, clock: Clock) -> Iterator[Examination]:
    """The advisories, where a config scans with them."""
    own = [config for config in configs if "builtin" in config.scan.scanners]
    if not own:
        return
    most = min(config.scan.max_database_age for config in own)

    def look() -> Diagnosis:
        cure = "scripts/run scan-db update"
        try:
            about = index.about()
        except NotEvaluated as failure:
            return absent(NotEvaluated(failure.what, seen=failure.seen, cure=failure.cure or cure))
        if about.as_of is None:
            return missing("the advisories do not say of which day they are", cure)
        age = clock.now() - about.as_of
        if age > most:
            return missing(f"of {about.as_of:%Y-%m-%d}; the policy allows {words(most)}", cure)
        return ok(f"{about.records} records of {about.as_of:%Y-%m-%d}")

    yield Examination(area=_AREA, subject="advisories", look=look)


def _python() -> Diagnosis:
    """The one modelway runs with."""
    seen = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info >= _PYTHON:
        return ok(seen)
    return missing(seen, "install Python 3.11 or newer and put it first in PATH")


def _git(root: Path) -> Diagnosis:
    """A working copy git answers for."""
    try:
        version = process.run(["git", "--version"], timeout=20).out.strip()
    except Unavailable as failure:
        return absent(failure)
    answer = process.run(["git", "-C", str(root), "rev-parse", "--is-shallow-repository"], timeout=20)
    if answer.code:
        return missing(f"{version}; {answer.tail}", f"git init {root}, or clone the team's repository")
    if answer.out.strip() == "true":
        return missing(f"{version}; a shallow clone", "git fetch --unshallow")
    return ok(version)


def _engine() -> Diagnosis:
    """An engine that answers."""
    try:
        with engine.reached():
            found = engine.client().version()
    except Unavailable as failure:
        return absent(failure)
    return ok(f"{found.get('Version', '')} on {found.get('Os', '')}/{found.get('Arch', '')}")


def _buildkit() -> Diagnosis:
    """A docker command that builds with it."""
    try:
        found = buildkit.tool()
    except Unavailable as failure:
        return absent(failure)
    return ok(f"{found.program}{' buildx' if found.buildx else ''}")


def _disk(root: Path) -> Diagnosis:
    """Room where the engine keeps images; here, where that cannot be seen."""
    try:
        disk.enough_for_build()
    except Unavailable as failure:
        if "disk" in failure.what:
            return absent(failure)
        raise
    return ok(f"{shutil.disk_usage(root).free / 2**30:.0f} GiB free here")
