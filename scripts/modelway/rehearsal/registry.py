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


@dataclass(frozen=True, slots=True)
class Server:
    """The registry's process."""

    address: str
    process: subprocess.Popen[bytes]

    def wait_ready(self) -> None:
        """Wait until it answers; raises ``Unavailable`` with where its log is."""
        host, _, port = self.address.rpartition(":")
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.01)
        what = "The rehearsal's image registry did not start"
        raise Unavailable(what, seen=f"exit code {self.process.poll()}", cure="read registry.log")

    def stop(self) -> None:
        """Stop it; nothing it holds needs an orderly end."""
        self.process.kill()
        self.process.wait()


def start(state: Path, blobs: Path, host: str) -> Server:
    """Start the registry on a free port; it dies with this process."""
    binary = shutil.which("docker-registry") or shutil.which("registry")
    if binary is None:
        what = "The rehearsal needs the CNCF Distribution registry"
        raise Unavailable(
            what, seen="no docker-registry on PATH", cure="apt-get install docker-registry (Debian, Ubuntu)"
        )
    _forget_manifests(blobs)
    address = f"{host}:{_free_port(host)}"
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
