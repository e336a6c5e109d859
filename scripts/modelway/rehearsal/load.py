"""Users of the model while it is released: threads that ask it, and count what they get."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from modelway.ports import HttpRequest

if TYPE_CHECKING:
    from types import TracebackType

QUIET, BUSY = 5.0, 30.0
"""Requests a second before production changes, and from then on."""
_THREADS = 6
_LONGEST = 70.0
"""Seconds a user waits for an answer."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What users got."""

    answers: Mapping[str, int]
    """How often by HTTP status, or by the error of a request that got none."""

    @property
    def sent(self) -> int:
        """All requests."""
        return sum(self.answers.values())

    @property
    def lost(self) -> int:
        """Requests users did not get a good answer to."""
        return self.sent - self.answers.get("200", 0)


@dataclass(slots=True)
class Load:
    """Requests at a steady rate, from entering its ``with`` block to leaving it."""

    ask: Callable[[HttpRequest], str]
    """One request: its status, or the error of one that got no answer."""
    request: HttpRequest
    changing: Callable[[], bool]
    """Whether production began to change; asked now and then until it says so."""
    _rate: float = QUIET
    _counted: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        asking = [threading.Thread(target=self._ask_on, args=(n,), daemon=True) for n in range(_THREADS)]
        self._running = [*asking, threading.Thread(target=self._watch, daemon=True)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._running:
            thread.join(_LONGEST)

    @property
    def tally(self) -> Tally:
        """What was counted so far."""
        with self._lock:
            return Tally(dict(self._counted))

    def _watch(self) -> None:
        """Become busy once production changes: many requests cost time, and tell nothing before."""
        while not self._over.wait(0.5):
            if self.changing():
                self._rate = BUSY
                return

    def _ask_on(self, number: int) -> None:
        """Ask at this thread's own beats; a slow answer delays its next question, as with real users."""
        due = time.monotonic() + number / BUSY
        while not self._over.wait(min(0.2, max(0.0, due - time.monotonic()))):
            if time.monotonic() < due:
                continue
            due = max(due + _THREADS / self._rate, time.monotonic())
            answer = self.ask(self.request)
            with self._lock:
                self._counted[answer] += 1
