"""CloudWatch Logs of endpoints: what their containers wrote, read when somebody asks.

Group ``/aws/sagemaker/Endpoints/<endpoint>``, stream ``<variant>/<instance>``, as SageMaker names them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from moto.logs.models import LogsBackend, LogStream, logs_backends

from modelway.rehearsal.context import Call, Context
from modelway.rehearsal.endpoints import Endpoint
from modelway.rehearsal.fleet import Server
from modelway.rehearsal.log_lines import Line

PREFIX = "/aws/sagemaker/Endpoints/"


def group_of(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"{PREFIX}{endpoint}"


@dataclass(frozen=True, slots=True)
class Streams:
    """Every container that ever served, also those that died: their logs outlive them, as on AWS."""

    _servers: list[tuple[Endpoint, Server]] = field(default_factory=list)
    _copied: dict[str, Line] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, endpoint: Endpoint, server: Server) -> None:
        """Copy this container's lines from now on."""
        with self._lock:
            self._servers.append((endpoint, server))

    def install(self, context: Context) -> None:
        """Bring moto's streams up to date before each call of CloudWatch Logs."""

        def copy(call: Call) -> None:
            if call.service == "logs":
                self.copy(call.account, call.region)

        context.before(copy)

    def copy(self, account: str, region: str) -> None:
        """Append what containers of this account have written since the last time."""
        backend = logs_backends[account][region]
        with self._lock:
            for endpoint, server in self._servers:
                if (endpoint.account, endpoint.region) == (account, region):
                    self._append(_stream(backend, endpoint, server), server)

    def _append(self, stream: LogStream, server: Server) -> None:
        lines = server.lines()
        last = self._copied.get(stream.arn)
        known = lines.index(last) + 1 if last in lines else 0
        if new := lines[known:]:
            stream.put_log_events([{"timestamp": line.time, "message": line.text} for line in new])
            self._copied[stream.arn] = new[-1]


def _stream(backend: LogsBackend, endpoint: Endpoint, server: Server) -> LogStream:
    group = group_of(endpoint.endpoint_name)
    if group not in backend.groups:
        backend.create_log_group(group, {})
    streams = backend.groups[group].streams
    if server.stream not in streams:
        backend.create_log_stream(group, server.stream)
    return streams[server.stream]
