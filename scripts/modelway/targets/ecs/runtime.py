"""Asking a service, and reading what its containers said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.http import Address, post
from modelway.core.version import VersionId
from modelway.ports import Clock, HttpAnswer, HttpRequest
from modelway.targets.ecs.settings import CONTAINER, LOADER

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_TRIES, _WAIT = 6, 2.0
_BUSY = {502, 503, 504}
"""What a load balancer answers itself, for some seconds after targets or weights have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The data plane of one service."""

    logs_client: Callable[[], CloudWatchLogsClient]
    clock: Clock

    def invoke(self, address: Address, request: HttpRequest) -> HttpAnswer:
        """Ask; what the model answers is an answer, whatever its status."""
        for _ in range(_TRIES - 1):
            answer = post(address, request, self.clock)
            if answer.status not in _BUSY:
                return answer
            self.clock.sleep(_WAIT)
        return post(address, request, self.clock)

    def last_lines(self, group: str, version: VersionId, lines: int) -> tuple[str, ...]:
        """Last log lines of the version's containers that logged last; streams are named by the version."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

        client = self.logs_client()
        told: list[str] = []
        try:
            for container in (LOADER, CONTAINER):
                streams = client.describe_log_streams(
                    logGroupName=group, logStreamNamePrefix=f"{version}/{container}/"
                )["logStreams"]
                if not streams:
                    continue
                newest = max(streams, key=lambda stream: stream.get("lastEventTimestamp", 0))
                events = client.get_log_events(
                    logGroupName=group,
                    logStreamName=newest["logStreamName"],
                    limit=lines,
                    startFromHead=False,
                )["events"]
                told += [event["message"].rstrip("\n") for event in events]
        except (ClientError, BotoCoreError):
            # Log lines only help to understand; that they are missing must not hide what happened.
            return tuple(told[-lines:])
        return tuple(told[-lines:])
