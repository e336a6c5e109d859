"""A bridge made for this run, and what its containers reach over it: Lambda's Runtime API, and this AWS.

Everything else of the cloud binds to loopback, which no container can reach. Over the bridge only two things
are answered: paths that begin with a function's own key, and signed AWS calls.
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
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1, and says nothing of every request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a container that is removed breaks its connections."""


@dataclass(slots=True, kw_only=True)
class Bridge:
    """The network, and the server on its gateway."""

    context: Context
    unsigned: dict[str, Callable[[Request], Response]] = field(default_factory=dict)
    """What answers requests that are no AWS calls, by the beginning of their path."""
    network: str = ""
    address: str = ""
    """``host:port`` as containers reach it."""
    _server: BaseWSGIServer | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Make the network and listen; once is enough."""
        with self._lock:
            if self._server:
                return
            name = f"modelway-rehearsal-{self.context.run}"
            made = self.context.docker().networks.create(name, labels=dict(self.context.labels))
            made.reload()
            gateway = made.attrs["IPAM"]["Config"][0]["Gateway"]
            self._server = make_server(gateway, 0, self._application, threaded=True, request_handler=_Handler)
            self.network, self.address = name, f"{gateway}:{self._server.server_port}"
            threading.Thread(target=self._server.serve_forever, name="bridge", daemon=True).start()

    def close(self) -> None:
        """Stop listening; the network goes with the run's containers."""
        if self._server:
            self._server.shutdown()

    def _application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        for prefix, answer in self.unsigned.items():
            if request.path.startswith(prefix):
                return answer(request)(environ, start_response)
        if request.headers.get("Authorization", "").startswith("AWS4-"):
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
