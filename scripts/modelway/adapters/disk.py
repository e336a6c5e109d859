"""Whether the engine's disk has room, and what would make some."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelway.adapters import engine
from modelway.errors import Unavailable

FOR_A_BUILD = 3 * 2**30
"""Bytes a build should find free: a slim Python image with scientific packages takes two of them."""


def enough_for_build(need: int = FOR_A_BUILD) -> None:
    """Raise ``Unavailable`` with what can be freed, where less than ``need`` bytes are free."""
    with engine.reached():
        root = Path(str(engine.client().info().get("DockerRootDir", "")))
    if not root.is_dir():
        return  # The engine runs on another machine; its disk cannot be seen from here.
    free = shutil.disk_usage(root).free
    if free < need:
        raise Unavailable(
            f"the disk under {root} will not suffice for the build",
            seen=f"{_gib(free)} are free, a build needs about {_gib(need)}",
            cure=_freeable(),
        )


def _freeable() -> str:
    """Commands that make room, each with what it would free, as ``docker system df`` counts."""
    with engine.reached():
        usage = engine.client().df()
    images = sum(int(i["Size"]) for i in usage.get("Images") or [] if not i.get("Containers"))
    cache = sum(int(c["Size"]) for c in usage.get("BuildCache") or [] if not c.get("InUse"))
    stopped = sum(
        int(c.get("SizeRw") or 0) for c in usage.get("Containers") or [] if c.get("State") != "running"
    )
    return (
        f"docker builder prune (frees {_gib(cache)}), docker container prune ({_gib(stopped)}),"
        f" docker image prune --all (up to {_gib(images)}: images that no container uses)"
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
