"""The Docker engine a rehearsal needs: found, started, or installed from the distribution's packages.

Nothing is installed or started without saying so, and what was started here is stopped again.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modelway.adapters import environment, process
from modelway.errors import Unavailable
from modelway.ports import Reporter

_PATIENCE = 60.0
"""Seconds a starting engine gets."""
_SYSTEMD = Path("/run/systemd/system")
"""There only while systemd runs the machine (sd_booted(3))."""
_PACKAGES = ("docker.io", "docker-cli", "docker-buildx")
"""Debian 12 has all in the first; Debian 13 has the client and BuildKit's in packages of their own."""
_AGAIN = "then run the same command again"


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine, and how to stop it if it was started here."""

    note: Path
    """File that remembers that it was started here: ``systemd``, or the engine's process id."""

    def stop(self, reporter: Reporter) -> None:
        """Stop the engine if a rehearsal started it; nothing otherwise."""
        if not self.note.exists():
            return
        how = self.note.read_text().strip()
        reporter.progress("stopping the Docker engine that was started for the rehearsal")
        if how == "systemd":
            process.run([*as_root(), "systemctl", "stop", "docker.socket", "docker.service"], timeout=60)
        elif _is_engine(how):
            _end(int(how))
            _wait_for(lambda: not _is_engine(how), _PATIENCE)
        self.note.unlink(missing_ok=True)


def of(folder: Path) -> Engine:
    """The engine a rehearsal with this folder may have started."""
    return Engine(folder / "engine-started-here")


def ensure(reporter: Reporter, folder: Path, *, install: bool) -> Engine:
    """An engine that answers; ``folder`` keeps its log.

    Raises ``Unavailable`` with the command to type where it may not be installed or started from here.
    """
    engine = of(folder)
    if not _answers():
        _refuse_what_starting_cannot_cure()
        if not shutil.which("dockerd"):
            packages = [name for name in _PACKAGES if _known(name)] or ["docker.io"]
            install_packages(reporter, packages, "a Docker engine", install=install)
        if not _answers():
            _start(reporter, engine, folder / "dockerd.log", install=install)
    return engine


def install_packages(reporter: Reporter, packages: Sequence[str], why: str, *, install: bool) -> None:
    """Install packages of the distribution; raises ``Unavailable`` where that is not wanted or possible."""
    names = " ".join(packages)
    by_hand = f"sudo apt-get update && sudo apt-get install --no-install-recommends {names}"
    what = f"The rehearsal needs {why}, and this machine has none"
    if not shutil.which("apt-get"):
        seen = "Only Debian and its relatives are known here (there is no apt-get)."
        raise Unavailable(what, seen=seen, cure=f"install {why} by your system's means, {_AGAIN}")
    if not install:
        raise Unavailable(what, seen="--no-install was given.", cure=f"type: {by_hand}; {_AGAIN}")
    root = as_root(what, f"type: {by_hand}; {_AGAIN}")
    reporter.note(f"installing {why}: apt-get install {names}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = [*root, "env", *(f"{key}={value}" for key, value in quiet.items()), "apt-get", "--quiet", "--yes"]
    process.run([*apt, "update"], timeout=600)
    finished = process.run([*apt, "install", "--no-install-recommends", *packages], timeout=1800)
    if finished.code != 0:
        raise Unavailable(f"apt-get could not install {names}", seen=finished.tail, cure=f"type: {by_hand}")


def as_root(what: str = "This needs root", cure: str = "run the same command as root") -> list[str]:
    """What to put before a command that needs root: nothing, or sudo where it asks no password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and process.run(["sudo", "-n", "true"]).code == 0:
        return ["sudo", "-n"]
    raise Unavailable(what, seen="This is not root, and sudo is not there or asks a password.", cure=cure)


def _answers() -> bool:
    """Whether an engine answers the docker command."""
    if not shutil.which("docker"):
        return False
    with suppress(Unavailable):
        return process.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=20).code == 0
    return False


def _refuse_what_starting_cannot_cure() -> None:
    """An engine that is not ours to start: on another machine, or closed to this user."""
    if not shutil.which("docker"):
        return
    seen = process.run(["docker", "version"], timeout=30).tail
    what = "The Docker engine does not answer"
    if "permission denied" in seen.lower():
        cure = f"type: sudo usermod --append --groups docker $USER; log in anew, {_AGAIN}"
        raise Unavailable("This user may not use the Docker engine", seen=seen, cure=cure)
    if environment.get("DOCKER_HOST"):
        raise Unavailable(what, seen=seen, cure=f"start the engine DOCKER_HOST names, or unset it, {_AGAIN}")


def _start(reporter: Reporter, engine: Engine, log: Path, *, install: bool) -> None:
    """Start the installed engine: by systemd where it runs the machine, detached otherwise."""
    by_hand = "sudo systemctl start docker" if _SYSTEMD.exists() else "sudo dockerd &"
    what, cure = "The Docker engine does not run", f"type: {by_hand}; {_AGAIN}"
    if not install:
        raise Unavailable(what, seen="--no-install was given.", cure=cure)
    root = as_root(what, cure)
    log.parent.mkdir(parents=True, exist_ok=True)
    reporter.note(f"starting the Docker engine: {by_hand.removeprefix('sudo ')}")
    if _SYSTEMD.exists():
        process.run([*root, "systemctl", "start", "docker"], timeout=_PATIENCE)
        engine.note.write_text("systemd\n")
    else:
        # Its own session: Ctrl-C here must not end it before its containers are removed.
        command = f"setsid dockerd >{log.absolute()} 2>&1 </dev/null & echo $!"
        started = process.run([*root, "sh", "-c", command])
        engine.note.write_text(started.out.strip() + "\n")
    if not _wait_for(_answers, _PATIENCE):
        said = log.read_text(errors="replace")[-1500:] if log.exists() else ""
        seen = said or process.run(["docker", "version"], timeout=30).tail
        engine.stop(reporter)
        raise Unavailable("The Docker engine did not start", seen=seen, cure=cure)


def _known(package: str) -> bool:
    """Whether the distribution has this package."""
    return bool(shutil.which("apt-cache")) and process.run(["apt-cache", "show", package]).code == 0


def _end(pid: int) -> None:
    """Ask a process to end. By ourselves where we may: a bare system has no program ``kill``."""
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        process.run([*as_root(), "sh", "-c", f"kill {pid}"])


def _is_engine(pid: str) -> bool:
    """Whether this process is still the Docker engine: process ids are used again."""
    name = Path("/proc") / pid / "comm"
    return pid.isdecimal() and name.exists() and name.read_text().strip() == "dockerd"


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again until it is so, or until the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.3)
    return True
