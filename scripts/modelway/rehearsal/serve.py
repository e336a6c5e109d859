"""The server process of a rehearsal cloud: the registry, the parts, and answers until told to stop."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import secrets
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from modelway.errors import Unavailable
from modelway.rehearsal import registry
from modelway.rehearsal.context import Context

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from modelway.rehearsal.accounts import AccessKey

HOST = "127.0.0.1"
MOTO = "5.2.5"
"""The release whose gaps the parts fill; they patch its insides, so no other will do."""
PARTS = ("ecr", "sagemaker", "runtime", "cloudwatch", "autoscaling")
"""Modules of this package with ``install(context)``, in the order they are installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve."""

    run: str
    state: Path
    blobs: Path
    port: int
    clock_factor: float


class Part(Protocol):
    """A module that fills gaps of moto."""

    def install(self, context: Context) -> None:
        """Patch moto, register hooks."""


def serve(options: Options) -> None:
    """Serve until SIGTERM; raises ``Unavailable`` when it cannot start."""
    _check_moto()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with ExitStack() as cleanup:
        blobs = cleanup.enter_context(_own(options.blobs, options.state / "blobs"))
        listener = cleanup.enter_context(_listen(options.port))
        server = registry.start(options.state, blobs, HOST)
        cleanup.callback(server.stop)
        context = _context(options, listener, server.address)
        cleanup.callback(_shut_down, context)
        web, key = _web(context, listener)
        server.wait_ready()
        threading.Thread(target=web.serve_forever, daemon=True).start()
        cleanup.callback(web.shutdown)
        _announce(context, key)
        cleanup.callback((options.state / "cloud.json").unlink, missing_ok=True)
        stop.wait()


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


def _context(options: Options, listener: socket.socket, address: str) -> Context:
    return Context(
        run=options.run,
        host=HOST,
        port=listener.getsockname()[1],
        registry=address,
        gateway="172.17.0.1",
        password=secrets.token_urlsafe(24),
        token=secrets.token_urlsafe(24),
        clock_factor=options.clock_factor,
        state=options.state,
    )


def _web(context: Context, listener: socket.socket) -> tuple[BaseWSGIServer, AccessKey]:
    """The application, moto inside, on the socket that listens already."""
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # no web page may read from this
    from moto import backends  # noqa: PLC0415 - the settings above are read while importing
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    from modelway.rehearsal.accounts import create_laptop  # noqa: PLC0415
    from modelway.rehearsal.app import App  # noqa: PLC0415
    from modelway.rehearsal.front import Front  # noqa: PLC0415

    class Handler(MotoRequestHandler):
        """Keeps connections open, and says nothing of every request."""

        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing: the control endpoint keeps the log."""

        def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: docker tries TLS first, which is not an error of anybody."""

    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules  # lists a folder on every request
    for name in PARTS:
        cast("Part", importlib.import_module(f"modelway.rehearsal.{name}")).install(context)
    front = Front(context, registry.Client(context.registry))
    app = App(context=context, moto=DomainDispatcherApplication(create_backend_app), front=front)
    web = make_server(HOST, context.port, app, threaded=True, request_handler=Handler, fd=listener.fileno())
    return web, create_laptop()


def _announce(context: Context, key: AccessKey) -> None:
    """Write how to reach the cloud, for this user only, and say that it is ready."""
    told = {
        "run": context.run,
        "pid": int(context.run.partition("-")[0]),
        "endpoint": f"http://{context.address}",
        "registry": context.registry,
        "token": context.token,
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
        leftovers.forget_images({context.address, context.registry})
