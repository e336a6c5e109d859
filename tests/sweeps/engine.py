"""What runs containers in a sweep: threads that answer as a model's container would.

A sweep starts thousands of them and asks only whether the right one answers. Everything of AWS around
them is the rehearsal's own. Only what the rehearsal uses of docker's client is here; the rest raises
``AttributeError``. ``BEHAVIOUR`` in a container's environment is one of ``dying wrong failing``.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

_ANSWERS = {"wrong": (200, b"[1]"), "failing": (500, b"cannot predict")}
_GOOD = (200, b"[0]")


class _Server(ThreadingHTTPServer):
    """Answers for one container."""

    daemon_threads = True
    behaviour = ""


class _Handler(BaseHTTPRequestHandler):
    """``/ping`` and ``/invocations``."""

    protocol_version = "HTTP/1.1"
    server: _Server  # type: ignore[mutable-override] # it is made by no other

    def do_GET(self) -> None:
        """Healthy, as long as it lives."""
        self._answer(200, b"")

    def do_POST(self) -> None:
        """The answer of its behaviour."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(*_ANSWERS.get(self.server.behaviour, _GOOD))

    def _answer(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@dataclass
class Container:
    """One container, as docker's client shows it."""

    environment: Mapping[str, str]
    published: Sequence[str]
    labels: Mapping[str, str]
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    status: str = "created"
    ports: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _server: _Server | None = None

    @property
    def name(self) -> str:
        """Its id does."""
        return self.id[:12]

    @property
    def attrs(self) -> Mapping[str, object]:
        """What ``docker inspect`` says, as far as anybody asks."""
        code = int(self.environment.get("BEHAVIOUR") == "dying")
        return {"State": {"Status": self.status, "ExitCode": code, "OOMKilled": False}}

    def start(self) -> None:
        """Run; what answers no requests has done its work at once, as has what dies."""
        behaviour = self.environment.get("BEHAVIOUR", "")
        events = self.environment.get("AWS_LAMBDA_RUNTIME_API")
        if events and behaviour != "dying":
            self.status = "running"
            Thread(target=_handle, args=(events, behaviour), daemon=True).start()
            return
        if behaviour == "dying" or not self.published:
            self.status = "exited"
            return
        self.status, self._server = "running", _Server(("127.0.0.1", 0), _Handler)
        self._server.behaviour = behaviour
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        port = str(self._server.server_address[1])
        self.ports = {name: [{"HostIp": "127.0.0.1", "HostPort": port}] for name in self.published}

    def reload(self) -> None:
        """What is shown is true already."""

    def logs(self, **_: object) -> bytes:
        """One line."""
        return b"2026-01-01T00:00:00.000000000Z started\n"

    def stop(self, *, timeout: int = 0) -> None:
        """End."""
        del timeout
        self.remove()
        self.status = "exited"

    def remove(self, *, force: bool = False, v: bool = False) -> None:
        """Stop answering."""
        del force, v
        self.status = "removed"
        if self._server:
            Thread(target=self._close, args=(self._server,), daemon=True).start()
            self._server = None

    @staticmethod
    def _close(server: _Server) -> None:
        server.shutdown()
        server.server_close()


def _handle(address: str, behaviour: str) -> None:
    """Answer events of Lambda's Runtime API until it says that there are no more."""
    status, body = _ANSWERS.get(behaviour, _GOOD)
    text = base64.b64encode(body).decode()
    answer = json.dumps({"statusCode": status, "body": text, "isBase64Encoded": True})
    path = "/2018-06-01/runtime/invocation"
    connection = http.client.HTTPConnection(address)
    with suppress(OSError, http.client.HTTPException):
        while True:
            connection.request("GET", f"{path}/next")
            event = connection.getresponse()
            event.read()
            if event.status != http.client.OK:
                break
            request = event.headers["Lambda-Runtime-Aws-Request-Id"]
            connection.request("POST", f"{path}/{request}/response", answer)
            connection.getresponse().read()
    connection.close()


class Containers:
    """Makes containers."""

    def create(
        self,
        image: str,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str],
        labels: Mapping[str, str],
        ports: Mapping[str, object] | None = None,
        **_: object,
    ) -> Container:
        """A container that does not run yet; what else it is given is for real ones."""
        del image, command
        return Container(environment=environment, published=tuple(ports or {}), labels=labels)


class Images:
    """Every image is here already."""

    def get(self, name: str) -> str:
        """Any image."""
        return name


@dataclass
class Volume:
    """A volume nobody writes to."""

    name: str = field(default_factory=lambda: secrets.token_hex(8))

    def remove(self) -> None:
        """Gone."""


class Volumes:
    """Makes volumes."""

    def create(self, *, labels: Mapping[str, str]) -> Volume:
        """A volume."""
        del labels
        return Volume()

    def get(self, name: str) -> Volume:
        """One that was made."""
        return Volume(name)


class Network:
    """A network of threads is loopback."""

    attrs: ClassVar[Mapping[str, object]] = {"IPAM": {"Config": [{"Gateway": "127.0.0.1"}]}}

    def reload(self) -> None:
        """What is shown is true already."""


class Networks:
    """Makes networks."""

    def create(self, name: str, *, labels: Mapping[str, str]) -> Network:
        """A network."""
        del name, labels
        return Network()


class Engine:
    """What the rehearsal uses of ``docker.DockerClient``."""

    volumes = Volumes()
    networks = Networks()

    containers = Containers()
    images = Images()
