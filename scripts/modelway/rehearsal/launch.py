"""Starting, finding and stopping a rehearsal cloud from the outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import modelway
from modelway.core.json import Json, JsonObject
from modelway.errors import Unavailable

PYTHONPATH = str(Path(modelway.__file__).parent.parent)
"""Where the started process finds this program."""
_STOP_SECONDS = 40.0
_LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A running rehearsal cloud; leaving its ``with`` block stops it."""

    state: Path
    endpoint: str
    token: str
    pid: int
    variables: Mapping[str, str]
    direct: tuple[str, ...] = ()
    """More addresses no proxy is asked for: those of its load balancers."""
    process: subprocess.Popen[bytes] | None = None
    """The process, where this one started it; its standard input tells it that we live."""

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables a client needs; over ``base``, without any ``AWS_*`` of its own."""
        kept = {name: value for name, value in (base or {}).items() if not name.startswith("AWS_")}
        direct = {name: _with_loopback(kept.get(name, ""), self.direct) for name in ("NO_PROXY", "no_proxy")}
        return {**kept, **self.variables, **direct}

    def control(self, path: str, payload: JsonObject | None = None) -> Json:
        """GET ``/_rehearse/<path>``, or POST the payload there; raises ``ValueError`` with a refusal."""
        request = urllib.request.Request(  # noqa: S310 - our own http endpoint
            f"{self.endpoint}/_rehearse/{path}",
            data=None if payload is None else json.dumps(payload).encode(),
            headers={"X-Rehearse-Token": self.token},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                told: Json = json.load(answer)
                return told
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["message"]) from error
        except OSError as error:
            what = f"The rehearsal cloud at {self.endpoint} does not answer"
            raise Unavailable(what, seen=_tail(self.state / "cloud.log") or str(error)) from error

    def stop(self) -> None:
        """Stop it and everything it started; twice does no harm."""
        if self.process:
            _stop_child(self.process)
        else:
            _stop_stranger(self.pid)
        (self.state / "cloud.json").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(  # noqa: PLR0913 - each an option of the program
    state: Path,
    *,
    clock_factor: float,
    keep: bool = False,
    blobs: Path | None = None,
    port: int = 0,
    program: Sequence[str] = ("-m", "modelway.rehearsal.cloud"),
) -> Cloud:
    """Start a cloud and wait until it answers; raises ``Unavailable`` with the last lines of its log.

    It ends with this process unless ``keep``; ``blobs`` is a folder that keeps image layers between runs;
    ``program`` is another one with the same options.
    """
    if find(state):
        what = f"A rehearsal is running already in {state}"
        raise Unavailable(what, cure="scripts/run rehearse --stop")
    state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *program]
    command += ["--state", str(state), "--clock-factor", str(clock_factor), "--port", str(port)]
    command += (["--keep"] if keep else []) + (["--blobs", str(blobs)] if blobs else [])
    log = state / "cloud.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL if keep else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            env=os.environ | {"PYTHONPATH": PYTHONPATH},
            start_new_session=True,  # Ctrl-C is for the starter, which stops this in order
        )
    return _await_ready(process, state, log)


def _await_ready(process: subprocess.Popen[bytes], state: Path, log: Path) -> Cloud:
    stdout = process.stdout
    try:
        ready = stdout.readline() if stdout else b""
    except BaseException:
        _stop_child(process)
        raise
    if stdout:
        stdout.close()
    if ready != b"ready\n":
        _stop_child(process)
        what = "The rehearsal cloud did not start"
        raise Unavailable(what, seen=_tail(log), cure=f"read {log}")
    return _read(state, process)


def find(state: Path) -> Cloud | None:
    """The cloud that runs with this state folder, if it answers."""
    try:
        cloud = _read(state, None)
        os.kill(cloud.pid, 0)
        cloud.control("faults")
    except (OSError, ValueError, KeyError, Unavailable):
        return None
    return cloud


def stop_all(state: Path) -> tuple[str, ...]:
    """Stop a kept cloud, remove its files but the kept layers, and containers nobody owns; say what went."""
    from modelway.rehearsal import leftovers  # noqa: PLC0415 - docker's client is imported only where needed

    cloud = find(state)
    removed = []
    if cloud:
        cloud.stop()
        removed.append(f"rehearsal cloud at {cloud.endpoint}")
    if leftovers.reach_engine():
        removed += [f"container {name}" for name in leftovers.remove_orphans()]
    for path in state.iterdir() if state.is_dir() else ():
        if path.name != "blobs":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed.append(str(path))
    return tuple(removed)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""


def _read(state: Path, process: subprocess.Popen[bytes] | None) -> Cloud:
    told = json.loads((state / "cloud.json").read_text())
    return Cloud(
        state=state,
        endpoint=told["endpoint"],
        token=told["token"],
        pid=told["pid"],
        variables=told["environment"],
        direct=tuple(told["direct"]),
        process=process,
    )


def _with_loopback(hosts: str, more: tuple[str, ...]) -> str:
    return ",".join([*([hosts] if hosts else []), _LOOPBACK, *more])


def _stop_child(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    stdin: IO[bytes] | None = process.stdin
    if stdin:
        stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_stranger(pid: int) -> None:
    """Stop a cloud an earlier process started."""
    end = time.monotonic() + _STOP_SECONDS
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < end:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
