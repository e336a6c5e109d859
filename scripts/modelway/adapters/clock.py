"""The real clock. The only reader of ``MODELWAY_CLOCK_FACTOR``, by which the rehearsal compresses waits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from modelway.adapters import environment
from modelway.errors import Malformed

VARIABLE = "MODELWAY_CLOCK_FACTOR"


@dataclass(frozen=True, slots=True)
class RealClock:
    """The machine's clock; waits are divided by ``factor``, the time of day is never touched."""

    factor: float = 1.0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Wait; a signal that raises ends the wait at once."""
        if seconds > 0:
            time.sleep(seconds / self.factor)

    def elapsed(self, since: datetime, /) -> float:
        """Seconds since then, as waits count them."""
        return (self.now() - since).total_seconds() * self.factor

    def ago(self, seconds: float, /) -> datetime:
        """The time of day so many seconds ago, as waits count them."""
        return self.now() - timedelta(seconds=seconds / self.factor)


def from_environment() -> RealClock:
    """The clock with the factor the environment asks for, 1 where it asks for none."""
    text = environment.get(VARIABLE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not (isfinite(factor) and factor > 0):
        raise Malformed(
            f"{VARIABLE} is not a clock factor",
            seen=f"Expected a number above 0, got {text!r}.",
            cure=f"unset {VARIABLE}: only the rehearsal sets it.",
        )
    return RealClock(factor)
