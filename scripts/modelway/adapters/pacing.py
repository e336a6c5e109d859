"""How often a process asks a service of AWS: as often as it likes, until it is told that that is too often.

AWS counts the calls of an account's callers together. Botocore asks again after a refusal and then goes on as
before, so that many releases at once refuse each other until some give up. Here each of them pauses once it
was refused, for as long as chance says, and asks less often for a while: longer with each time it is refused
again. ``benchmarks/calls.py`` tells what that does to 200 releases. Requests to a model are never held up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import SystemRandom
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import THROTTLED
from modelway.ports import Clock

if TYPE_CHECKING:
    from botocore.session import Session

_FIRST, _GROWTH, _LONGEST, _LEAST = 10.0, 1.5, 30.0, 0.5
"""Seconds from one call to the next: after the first refusal, with each further one, at most, and no more."""
_HALVED = 60.0
"""Seconds in which they halve after one refusal; after two it takes four times as long, after three nine."""
_PAUSE = 10
"""The pause after a refusal is up to so many times as long as from one call to the next."""
_ONE = 3
"""Refusals within so many times that are one: what was under way, and what was asked again."""
_MODELS = frozenset({"lambda.Invoke", "sagemaker-runtime.InvokeEndpoint"})


@dataclass(slots=True)
class Pace:
    """The pace of one process at one service; times are seconds since any moment."""

    uniform: Callable[[float, float], float] = field(default_factory=lambda: SystemRandom().uniform)
    _apart: float = 0.0
    """Seconds from one call to the next at the last refusal."""
    _refusals: int = 0
    _refused: float = 0.0
    _due: float = 0.0

    def apart(self, now: float) -> float:
        """Seconds from one call to the next."""
        if not self._refusals:
            return 0.0
        left = self._apart * 0.5 ** ((now - self._refused) / (_HALVED * self._refusals**2))
        return left if left > _LEAST else 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next call may be sent, which is sent then."""
        begin = max(now, self._due)
        self._due = begin + self.apart(begin) * self.uniform(0.5, 1.5)
        return begin - now

    def refuse(self, now: float) -> None:
        """AWS said that there were too many calls."""
        if self._refusals and now - self._refused < _ONE * self._apart:
            return
        longer = max(2 * self.apart(now), _FIRST * _GROWTH**self._refusals)
        self._refusals += 1
        self._apart, self._refused = min(longer, _LONGEST), now
        self._due = max(self._due, now + self.uniform(0, _PAUSE * self._apart))


class Paces:
    """The paces of one process at all services, kept by what its clients' calls come to."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock.now()
        self._of: dict[tuple[str, str], Pace] = {}

    def keep(self, session: Session, account: str) -> None:
        """Hold up the calls of the session's clients, those made from now on, where that has to be."""

        def before_sign(event_name: str, **_: object) -> None:
            operation = event_name.removeprefix("before-sign.")
            if operation not in _MODELS:
                self._clock.sleep(self._pace(account, operation).wait(self._now()))

        def needs_retry(event_name: str, response: tuple[object, object] | None, **_: object) -> None:
            operation = event_name.removeprefix("needs-retry.")
            if operation not in _MODELS and _is_refusal(response):
                self._pace(account, operation).refuse(self._now())

        emitter = session.get_component("event_emitter")
        emitter.register("before-sign", before_sign)  # a signature is good for five minutes from then on
        emitter.register("needs-retry", needs_retry)

    def _now(self) -> float:
        since: datetime = self._began
        return self._clock.elapsed(since)

    def _pace(self, account: str, operation: str) -> Pace:
        return self._of.setdefault((account, operation.partition(".")[0]), Pace())


def _is_refusal(response: tuple[object, object] | None) -> bool:
    """Whether an answer, as botocore parsed it, says that there were too many calls."""
    parsed = response[1] if response else None
    error = parsed.get("Error") if isinstance(parsed, dict) else None
    return isinstance(error, dict) and error.get("Code") in THROTTLED
