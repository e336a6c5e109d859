"""Whose process ids are whose: rehearsals that do not see each other may share one Docker engine."""

from __future__ import annotations

from pathlib import Path


def namespace() -> str:
    """The PID namespace of this process (pid_namespaces(7)); a process id means something only within it."""
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def is_alive(run: str) -> bool:
    """Whether the cloud that owns a run still works; a run elsewhere counts as alive: we cannot know.

    A run is called ``<process id>-<namespace>-<random>``.
    """
    process, _, rest = run.partition("-")
    if rest.partition("-")[0] != namespace():
        return True
    try:
        return b"modelway.rehearsal.cloud" in Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return False
