"""The last log lines of a container, as CloudWatch Logs events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker.models.containers import Container

KEPT = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and its time in milliseconds since 1970."""

    time: int
    text: str
    stamp: str
    """The engine's own, to the nanosecond: what tells two equal lines apart."""


def lines(container: Container) -> tuple[Line, ...]:
    """The last lines of standard output and error; none where the engine has none to give."""
    from docker.errors import APIError  # noqa: PLC0415 - only where containers are used

    try:
        output = container.logs(stdout=True, stderr=True, timestamps=True, tail=KEPT)
    except APIError:
        return ()
    # A line may hold a carriage return, as AWS's runtime clients write tracebacks: only \n ends one.
    return tuple(_parse(raw) for raw in output.decode(errors="replace").split("\n") if raw)


def _parse(raw: str) -> Line:
    """``2026-11-22T14:00:00.123456789Z text``, as the engine writes it with timestamps."""
    stamp, _, text = raw.partition(" ")
    moment = datetime.fromisoformat(f"{stamp[:26].rstrip('Z')}+00:00")
    return Line(int(moment.timestamp() * 1000), text, stamp)
