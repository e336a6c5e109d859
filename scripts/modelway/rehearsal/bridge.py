"""A bridge made for this run, and what its containers reach over it: Lambda's Runtime API, and this AWS.

Everything else of the cloud binds to loopback, which no container can reach. Over the bridge each function
has a port of its own for its events (AWS's clients take no path there), and signed AWS calls are answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from modelway.rehearsal.context import Context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1, and says nothing of every request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a container that is removed breaks its connections."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A server on the bridge."""

    address: str
    """``host:port``, as containers reach it."""
    close: Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Bridge:
    """The network, and this AWS on its gateway."""

    context: Context
    network: str = ""
    address: str = ""
    """Where signed AWS calls are answered: ``host:port``."""
    _gateway: str = ""
    _listeners: list[Listener] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Make the network and listen; once is enough."""
        with self._lock:
            if self.network:
                return
            name = f"modelway-rehearsal-{self.context.run}"
            made = self.context.docker().networks.create(name, labels=dict(self.context.labels))
            made.reload()
            self._gateway = made.attrs["IPAM"]["Config"][0]["Gateway"]
            self.address = self._listen(self._signed_calls).address
            self.network = name

    def listen(self, answer: Callable[[Request], Response]) -> Listener:
        """Answer on a port of its own."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return answer(Request(environ))(environ, start_response)

        return self._listen(application)

    def _listen(self, application: WSGIApplication) -> Listener:
        server: BaseWSGIServer = make_server(
            self._gateway, 0, application, threaded=True, request_handler=_Handler
        )
        threading.Thread(target=server.serve_forever, name="bridge", daemon=True).start()

        def close() -> None:
            server.shutdown()
            server.server_close()

        listener = Listener(f"{self._gateway}:{server.server_port}", close)
        self._listeners.append(listener)
        return listener

    def close(self) -> None:
        """Stop listening; the network goes with the run's containers."""
        for listener in self._listeners:
            listener.close()

    def _signed_calls(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if Request(environ).headers.get("Authorization", "").startswith("AWS4-"):
            environ["HTTP_HOST"] = self.context.address
            return self.context.hooks.application[0](environ, start_response)
        return Response("Only signed AWS calls are answered here.\n", 403)(environ, start_response)


_bridges: dict[str, Bridge] = {}
_lock = threading.Lock()


def bridge_of(context: Context) -> Bridge:
    """The one bridge of a run; raises ``docker.errors.DockerException`` where there can be none."""
    with _lock:
        if context.run not in _bridges:
            _bridges[context.run] = Bridge(context=context)
            context.on_shutdown(_bridges[context.run].close)
    _bridges[context.run].open()
    return _bridges[context.run]
