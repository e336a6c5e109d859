"""The process of the registry that keeps the rehearsal's blobs: CNCF Distribution, on loopback."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from modelway.errors import Unavailable
from modelway.rehearsal import registry_program

_CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  cache: {{blobdescriptor: inmemory}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http: {{addr: {address}}}
"""
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 10.0
_ATTEMPTS = 3
"""A port that was free may be taken before the registry has it."""


@dataclass(frozen=True, slots=True)
class Server:
    """The registry's process."""

    address: str
    process: subprocess.Popen[bytes]

    def is_ready(self) -> bool:
        """Wait until it answers; false when it ended instead, its port taken by another, say."""
        host, _, port = self.address.rpartition(":")
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((host, int(port))) == 0:
                    return self.process.poll() is None
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """Stop it; nothing it holds needs an orderly end."""
        self.process.kill()
        self.process.wait()


def start(state: Path, blobs: Path, host: str) -> Server:
    """Start the registry on a free port and wait until it answers; it dies with this process."""
    program = registry_program.find()
    if program is None:
        what = "The rehearsal needs the CNCF Distribution registry"
        raise Unavailable(
            what, seen="no docker-registry on PATH", cure="apt-get install docker-registry (Debian, Ubuntu)"
        )
    binary = str(program)
    _forget_manifests(blobs)
    for _ in range(_ATTEMPTS):
        server = _launch(binary, state, blobs, f"{host}:{_free_port(host)}")
        if server.is_ready():
            return server
        server.stop()
    log = state / "registry.log"
    what = "The rehearsal's image registry did not start"
    raise Unavailable(what, seen=log.read_text(errors="replace")[-500:], cure=f"read {log}")


def _launch(binary: str, state: Path, blobs: Path, address: str) -> Server:
    config = state / "registry.yml"
    config.write_text(_CONFIG.format(root=blobs, address=address))
    with (state / "registry.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a fixed command line
            [binary, "serve", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing else runs yet: one thread
        )
    return Server(address, process)


def _die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:  # the parent was faster
        os._exit(1)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _forget_manifests(blobs: Path) -> None:
    """Keep the layers of an earlier rehearsal, so that bytes move once; images are those of this run."""
    for folder in blobs.glob("docker/registry/v2/repositories/**/_manifests"):
        shutil.rmtree(folder)
