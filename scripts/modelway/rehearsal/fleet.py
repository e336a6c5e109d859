"""The real containers behind an endpoint: started as SageMaker starts them, asked, and removed.

One container stands for all instances of a variant; a laptop has no room for more.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Condition, Event
from typing import TYPE_CHECKING

import urllib3
from moto.core.utils import utcnow

from modelway.rehearsal.context import Context
from modelway.rehearsal.log_lines import Line, lines

if TYPE_CHECKING:
    from docker.models.containers import Container

PORT = "8080/tcp"
_PING_SECONDS = 2  # docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_PING_EVERY = 0.1
_DRAIN_SECONDS = 10

_http = urllib3.PoolManager(maxsize=64, num_pools=64, retries=False)


class StartError(Exception):
    """A container did not start or never got healthy; its text is SageMaker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What the container of one variant is started from."""

    variant: str
    weight: float
    image: str
    """As the model names it."""
    pull: str
    """As this machine's Docker pulls it."""
    resolved: str
    """As the model names it, by digest."""
    environment: Mapping[str, str]
    model: Path | None
    startup_seconds: float
    """How long ``/ping`` may take to answer 200."""


@dataclass(slots=True, kw_only=True)
class Server:
    """One running container of one variant."""

    launch: Launch
    container: Container
    instance: str = field(default_factory=lambda: f"i-{secrets.token_hex(9)[:17]}")
    url: str = ""
    resolved_at: datetime = field(default_factory=utcnow)
    """When the image's tag was resolved."""
    _asked: int = 0
    _idle: Condition = field(default_factory=Condition)
    _last_lines: tuple[Line, ...] | None = None

    @property
    def stream(self) -> str:
        """The name of its log stream."""
        return f"{self.launch.variant}/{self.instance}"

    def enter(self) -> None:
        """A request is on its way; the container stays until ``leave``."""
        with self._idle:
            self._asked += 1

    def leave(self) -> None:
        """The request was answered."""
        with self._idle:
            self._asked -= 1
            self._idle.notify_all()

    def await_healthy(self, given_up: Event) -> None:
        """Ask ``/ping`` until it answers 200; raises ``StartError``."""
        end = time.monotonic() + self.launch.startup_seconds
        while time.monotonic() < end and not given_up.wait(_PING_EVERY):
            self.container.reload()
            if self.container.status in {"exited", "dead"}:
                break
            if self._answers():
                return
        msg = (
            f"The primary container for production variant {self.launch.variant} did not pass the ping "
            "health check. Please check CloudWatch logs for this endpoint."
        )
        raise StartError(msg)

    def ask(
        self, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> urllib3.BaseHTTPResponse:
        """POST to the container; raises ``urllib3.exceptions.HTTPError``."""
        address, timeout = self.url + path, urllib3.Timeout(total=seconds)
        try:
            return _http.request("POST", address, body=body, headers=headers, timeout=timeout)
        except urllib3.exceptions.ProtocolError:
            # The container closed a kept connection just as it was used again: not a failure of the model.
            return _http.request("POST", address, body=body, headers=headers, timeout=timeout)

    def lines(self) -> tuple[Line, ...]:
        """Its last log lines, also after it is gone."""
        return lines(self.container) if self._last_lines is None else self._last_lines

    def remove(self) -> None:
        """Let requests under way end, keep the last log lines, remove the container."""
        with self._idle:
            self._idle.wait_for(lambda: self._asked <= 0, timeout=_DRAIN_SECONDS)
        if self._last_lines is None:
            self._last_lines = lines(self.container)
            _discard(self.container)

    def _answers(self) -> bool:
        if not self.url:
            bound = self.container.ports.get(PORT)
            if not bound:
                return False
            self.url = f"http://{bound[0]['HostIp']}:{bound[0]['HostPort']}"
        try:
            answer = _http.request("GET", f"{self.url}/ping", timeout=_PING_SECONDS)
        except urllib3.exceptions.HTTPError:
            return False
        return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK


@dataclass(frozen=True, slots=True)
class Fleet:
    """The containers of one endpoint config."""

    config: str
    servers: tuple[Server, ...]

    def remove(self) -> None:
        """Remove every container, once requests under way have ended."""
        for server in self.servers:
            server.remove()


def start(context: Context, launch: Launch) -> Server:
    """``docker run IMAGE serve``; raises ``StartError``."""
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - only where containers are used

    engine = context.docker()
    volumes = {str(launch.model): {"bind": "/opt/ml/model", "mode": "ro"}} if launch.model else {}
    try:
        try:
            engine.images.get(launch.pull)
        except ImageNotFound:
            engine.images.pull(launch.pull)
        container = engine.containers.create(
            launch.pull,
            ["serve"],
            environment=dict(launch.environment),
            labels=dict(context.labels),
            ports={PORT: (context.host, 0)},
            volumes=volumes,
        )
    except APIError as error:
        msg = f"CannotPullContainerError. Could not pull {launch.image}: {error.explanation}"
        raise StartError(msg) from error
    try:
        container.start()
    except APIError as error:
        _discard(container)
        msg = (
            f"CannotStartContainerError. Please ensure the model container for variant {launch.variant} "
            "starts correctly when invoked with 'docker run <image> serve'"
        )
        raise StartError(msg) from error
    return Server(launch=launch, container=container)


def _discard(container: Container) -> None:
    from docker.errors import APIError  # noqa: PLC0415 - as above

    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in {404, 409}:  # gone, or going
            raise
