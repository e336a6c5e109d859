"""The server process of a rehearsal cloud: the registry, the parts, and answers until told to stop."""

from __future__ import annotations

import base64
import faulthandler
import fcntl
import gc
import json
import os
import secrets
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import Unavailable
from modelway.rehearsal import registry
from modelway.rehearsal.context import Context

if TYPE_CHECKING:
    from docker import DockerClient
    from werkzeug.serving import BaseWSGIServer


HOST = "127.0.0.1"
_LATE_SECONDS = 10
_BALANCERS = 16
MOTO = "5.2.5"
"""The release whose gaps the parts fill; they patch its insides, so no other will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve."""

    run: str
    state: Path
    blobs: Path
    port: int
    clock_factor: float


@dataclass(frozen=True, slots=True)
class AccessKey:
    """The credentials a run hands out."""

    identity: str
    secret: str


def serve(options: Options, engine: Callable[[], DockerClient] | None = None) -> None:
    """Serve until SIGTERM; raises ``Unavailable`` when it cannot start."""
    _check_moto()
    asked: list[int] = []
    with suppress(_Stopped), ExitStack() as cleanup:
        signal.signal(signal.SIGTERM, partial(_stop, asked))  # at once, be it in the middle of importing
        blobs = cleanup.enter_context(_own(options.blobs, options.state / "blobs"))
        listener = cleanup.enter_context(_listen(options.port))
        server = registry.start(options.state, blobs, HOST)
        cleanup.callback(server.stop)
        context = _context(options, listener, server.address, engine)
        cleanup.callback(_shut_down, context)
        key = AccessKey(
            f"AKIA{base64.b32encode(secrets.token_bytes(10)).decode()}", secrets.token_urlsafe(30)
        )
        _announce(context, key)
        cleanup.callback((options.state / "cloud.json").unlink, missing_ok=True)
        cleanup.callback(_answer(context, key, listener).shutdown)
        while not asked:  # Python drops what is raised in a destructor or a callback
            signal.pause()


class _Stopped(BaseException):
    """SIGTERM came. Not an ``Exception``, so that nothing on the way takes it for its own."""


def _stop(asked: list[int], number: int, _frame: object) -> None:
    asked.append(number)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.dump_traceback_later(_LATE_SECONDS)  # what hangs, if anything does, is in the log
    raise _Stopped


def _check_moto() -> None:
    if (found := version("moto")) != MOTO:
        what = "The rehearsal fills the gaps of one release of moto"
        raise Unavailable(what, seen=f"expected {MOTO}, found {found}", cure=f"install moto=={MOTO}")


@contextmanager
def _own(blobs: Path, private: Path) -> Iterator[Path]:
    """Kept blobs serve one cloud at a time; a second one starts with none of its own."""
    blobs.mkdir(parents=True, exist_ok=True)
    with (blobs / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            private.mkdir(parents=True, exist_ok=True)
            yield private
        else:
            yield blobs


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    with socket.create_server((HOST, port), backlog=128) as listener:
        yield listener


def _context(
    options: Options, listener: socket.socket, address: str, engine: Callable[[], DockerClient] | None
) -> Context:
    return Context(
        run=options.run,
        host=HOST,
        port=listener.getsockname()[1],
        registry=address,
        password=secrets.token_urlsafe(24),
        token=secrets.token_urlsafe(24),
        balancers=_loopbacks(),
        clock_factor=options.clock_factor,
        state=options.state,
        engine=engine,
    )


def _loopbacks() -> tuple[str, ...]:
    """Addresses of this machine that hardly any other run has, for load balancers (RFC 1122: 127/8)."""
    net = f"127.{64 + secrets.randbelow(64)}.{secrets.randbelow(256)}"
    return tuple(f"{net}.{host}" for host in range(1, _BALANCERS + 1))


def _answer(context: Context, key: AccessKey, listener: socket.socket) -> BaseWSGIServer:
    """Begin to answer. Importing moto takes a second; calls made meanwhile wait on the socket."""
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # no web page may read from this; read while importing
    gc.disable()  # nothing to collect while importing: a fifth of its time
    from modelway.rehearsal import web  # noqa: PLC0415 - after the setting above, and after the announcement

    server = web.make(context, key.identity, key.secret, listener)
    gc.enable()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _announce(context: Context, key: AccessKey) -> None:
    """Write how to reach the cloud, for this user only, and say that it is ready."""
    told = {
        "run": context.run,
        "pid": int(context.run.partition("-")[0]),
        "endpoint": f"http://{context.address}",
        "registry": context.registry,
        "token": context.token,
        "direct": context.balancers,
        "environment": _environment(context, key),
    }
    path = context.state / "cloud.json"
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(told, file, indent=1)
    fresh.rename(path)
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), b"ready\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _environment(context: Context, key: AccessKey) -> Mapping[str, str]:
    """What a client needs in its environment to find this AWS and no other."""
    return {
        "AWS_ENDPOINT_URL": f"http://{context.address}",
        "AWS_ACCESS_KEY_ID": key.identity,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MODELWAY_CLOCK_FACTOR": str(context.clock_factor),
    }


def _shut_down(context: Context) -> None:
    """Let the parts stop what they started, then remove every container of the run."""
    for callback in context.shutdowns():
        try:
            callback()
        except Exception:  # noqa: BLE001 - one part's failure must not keep the others from stopping
            traceback.print_exc()
    from modelway.rehearsal import leftovers  # noqa: PLC0415 - only now

    if leftovers.reach_engine():
        leftovers.remove_containers(lambda run: run == context.run)
        leftovers.forget_images(lambda address: address in {context.address, context.registry})
