"""One execution environment: a real container that fetches events from the Runtime API, one at a time.

docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and lambda-runtime-environment.html. One container
stands for all environments of a version; a laptop has no room for more.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, RLock
from typing import TYPE_CHECKING
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from modelway.rehearsal.bridge import Bridge, Listener
from modelway.rehearsal.log_lines import Line, lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker.models.containers import Container

_EXIT_EVERY = 0.2
"""Seconds between two looks whether the container is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an invocation ended."""

    payload: bytes
    error: str = ""
    """``Unhandled`` where the function failed."""
    seconds: float = 0.0
    """Of the handler, without waiting and without the start."""


@dataclass(slots=True, kw_only=True)
class Environment:
    """One container, from its first event to its removal."""

    start: Callable[[Environment], Container]
    arn: str
    stream: str
    init_seconds: float
    timeout: float
    _listener: Listener | None = None
    _container: Container | None = None
    _ready: bool = False
    """It asked for its first event."""
    _events: list[tuple[str, bytes]] = field(default_factory=list)
    _answers: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    _init_error: bytes | None = None
    _closed: bool = False
    _started: int = 0
    """Containers so far."""
    _changed: Condition = field(default_factory=Condition)
    _turn: RLock = field(default_factory=RLock)
    _last_lines: tuple[Line, ...] = ()

    def invoke(self, payload: bytes) -> Outcome:
        """Hand one event over and wait for its answer; starts the container where none runs."""
        with self._turn:
            failed = self.warm(self.init_seconds + self.timeout)
            if failed is not None:
                return failed
            request = str(uuid4())
            began = time.perf_counter()
            with self._changed:
                self._events.append((request, payload))
                self._changed.notify_all()
            found = self._await(lambda: request in self._answers, self.timeout)
            seconds = time.perf_counter() - began
            if found:
                body, error = self._answers.pop(request)
                return Outcome(payload=body, error=error, seconds=seconds)
            died = self._died()
            self._remove()
            return died or self._timed_out(request, self.timeout, seconds)

    def warm(self, seconds: float) -> Outcome | None:
        """Start the container if none runs, and wait until it is ready; how it failed, if it did."""
        with self._turn:
            if self._container is not None and self._died():
                self._remove()
            if self._container is None:
                self._begin()
                self._container = self.start(self)
            if self._await(lambda: self._ready or self._init_error is not None, seconds) and self._ready:
                return None
            failed = self._failed_init(seconds)
            self._remove()
            return failed

    def _begin(self) -> None:
        """Forget the container before: a request of it that still waits gets no event of this one."""
        with self._changed:
            self._ready, self._init_error, self._events = False, None, []
            self._started += 1
            self._changed.notify_all()

    def _failed_init(self, seconds: float) -> Outcome:
        """In Lambda's words."""
        if self._init_error is not None:
            return Outcome(payload=self._init_error, error="Unhandled")
        return self._died() or self._timed_out(str(uuid4()), seconds, seconds)

    def _await(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait for something the container does; whether it came before the time was over or it died."""
        end = time.monotonic() + seconds
        with self._changed:
            while not done():
                left = end - time.monotonic()
                if left <= 0 or self._closed:
                    return False
                woken = self._changed.wait(min(left, _EXIT_EVERY))
                if not woken and self._died():
                    return done()
        return True

    def _died(self) -> Outcome | None:
        """What is said of a process that ended by itself."""
        from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

        if self._container is None:
            return None
        try:
            self._container.reload()
        except APIError:
            return _error("Runtime.ExitError", "Error: Runtime exited")
        if self._container.status not in {"exited", "dead"}:
            return None
        state: Mapping[str, object] = self._container.attrs["State"]
        if state.get("OOMKilled"):
            return _error("Runtime.OutOfMemory", "Error: Runtime exited with error: signal: killed")
        status = state.get("ExitCode")
        what = "without providing a reason" if status == 0 else f"with error: exit status {status}"
        return _error("Runtime.ExitError", f"Error: Runtime exited {what}")

    def _timed_out(self, request: str, limit: float, seconds: float) -> Outcome:
        said = f"RequestId: {request} Error: Task timed out after {limit:.2f} seconds"
        failed = {"errorType": "Sandbox.Timedout", "errorMessage": said}
        return Outcome(payload=json.dumps(failed).encode(), error="Unhandled", seconds=seconds)

    def listening(self, bridge: Bridge) -> str:
        """Where its container fetches events: ``host:port``, the same for one container after the other."""
        if self._listener is None:
            self._listener = bridge.listen(self.answer)
        return self._listener.address

    def answer(self, request: Request) -> Response:
        """One request of the Runtime API: ``/2018-06-01/runtime/...``."""
        match request.path.strip("/").split("/"):
            case ["2018-06-01", "runtime", "invocation", "next"]:
                return self._next_event()
            case ["2018-06-01", "runtime", "invocation", invocation, "response"]:
                return self._answered(invocation, request.get_data(), error=False)
            case ["2018-06-01", "runtime", "invocation", invocation, "error"]:
                return self._answered(invocation, request.get_data(), error=True)
            case ["2018-06-01", "runtime", "init", "error"]:
                return self._failed_to_start(request.get_data())
            case _:
                return Response("The rehearsal does not do this part of the Runtime API.\n", 404)

    def _next_event(self) -> Response:
        """Waits as long as it takes."""
        with self._changed:
            mine = self._started
            self._ready = True
            self._changed.notify_all()
            while not self._events and not self._closed and mine == self._started:
                self._changed.wait()
            if self._closed or mine != self._started:
                return Response(status=500)
            request, payload = self._events.pop(0)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0",
        }
        return Response(payload, 200, headers, content_type="application/json")

    def _answered(self, request: str, body: bytes, *, error: bool) -> Response:
        """What the function returned, or raised."""
        with self._changed:
            self._answers[request] = (body, "Unhandled" if error else "")
            self._changed.notify_all()
        return _accepted()

    def _failed_to_start(self, body: bytes) -> Response:
        """Why it cannot start."""
        with self._changed:
            self._init_error = body
            self._changed.notify_all()
        return _accepted()

    def lines(self) -> tuple[Line, ...]:
        """Its last log lines, those of containers before it included."""
        return (*self._last_lines, *(lines(self._container) if self._container else ()))

    def close(self) -> None:
        """Remove it for good."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with self._turn:
            self._remove()
        if self._listener:
            self._listener.close()

    def _remove(self) -> None:
        """Remove the container, keeping what it said."""
        from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

        if self._container is None:
            return
        self._last_lines = (*self._last_lines, *lines(self._container))[-400:]
        with suppress(APIError):
            self._container.remove(force=True, v=True)
        self._container = None


def _error(kind: str, message: str) -> Outcome:
    failed = {"errorType": kind, "errorMessage": f"RequestId: {uuid4()} {message}"}
    return Outcome(payload=json.dumps(failed).encode(), error="Unhandled")


def _accepted() -> Response:
    return Response('{"status":"OK"}', 202, content_type="application/json")
