"""CloudWatch Logs of what runs in containers: what they wrote, read when somebody asks.

SageMaker's group is ``/aws/sagemaker/Endpoints/<endpoint>``, its stream ``<variant>/<instance>``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from moto.logs.models import LogsBackend, LogStream, logs_backends

from modelway.rehearsal.context import Call, Context
from modelway.rehearsal.log_lines import Line

PREFIX = "/aws/sagemaker/Endpoints/"


def group_of(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"{PREFIX}{endpoint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The log group of something that runs."""

    account: str
    region: str
    group: str


class Writer(Protocol):
    """A container, or one after the other, with a log stream."""

    @property
    def stream(self) -> str:
        """The stream's name."""

    def lines(self) -> tuple[Line, ...]:
        """The last lines."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Every container that ever served, also those that died: their logs outlive them, as on AWS."""

    _servers: list[tuple[Source, Writer]] = field(default_factory=list)
    _copied: dict[str, Line] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, source: Source, server: Writer) -> None:
        """Copy this container's lines from now on."""
        with self._lock:
            self._servers.append((source, server))

    def install(self, context: Context) -> None:
        """Bring moto's streams up to date before each call of CloudWatch Logs."""

        def copy(call: Call) -> None:
            if call.service == "logs":
                self.copy(call.account, call.region)
            if call.service == "logs" and call.operation == "DeleteLogGroup":
                self._forget(Source(account=call.account, region=call.region, group=call.resource))

        context.before(copy)

    def _forget(self, deleted: Source) -> None:
        """What was written is gone with its group, and so are its tags, which moto keeps."""
        backend = logs_backends[deleted.account][deleted.region]
        with self._lock:
            self._servers[:] = [each for each in self._servers if each[0] != deleted]
            if group := backend.groups.get(deleted.group):
                backend.tagger.delete_all_tags_for_resource(group.arn)

    def copy(self, account: str, region: str) -> None:
        """Append what containers of this account have written since the last time."""
        backend = logs_backends[account][region]
        with self._lock:
            for source, server in self._servers:
                if (source.account, source.region) == (account, region):
                    self._append(_stream(backend, source.group, server.stream), server)

    def _append(self, stream: LogStream, server: Writer) -> None:
        lines = server.lines()
        last = self._copied.get(stream.arn)
        known = lines.index(last) + 1 if last in lines else 0
        if new := lines[known:]:
            stream.put_log_events([{"timestamp": line.time, "message": line.text} for line in new])
            self._copied[stream.arn] = new[-1]


def _stream(backend: LogsBackend, group: str, name: str) -> LogStream:
    if group not in backend.groups:
        backend.create_log_group(group, {})
    streams = backend.groups[group].streams
    if name not in streams:
        backend.create_log_stream(group, name)
    return streams[name]
