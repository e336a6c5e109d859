"""Many releases at once, each on its own runner, in virtual time: what AWS's rates let through, and what not.

Each runner makes the calls a real release made. What it waits in between comes from modelway's own rule for
waits, and after a throttled call from botocore's own back-off; buckets are those of ``rates``.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff, RetryContext, RetryQuotaChecker
from rates import Rate, rate
from recording import Call, Event, Pause

from modelway.adapters.aws import patient
from modelway.adapters.pacing import Pace
from modelway.adapters.waits import waits

if TYPE_CHECKING:
    from botocore.retries.standard import ThrottlingErrorDetector

_LATENCY = 0.05, 0.15
"""Seconds a call takes."""


class _Throttled:
    """Botocore's word for an answer that says so."""

    @staticmethod
    def is_throttling_error_from_context(context: RetryContext) -> bool:
        """Every error here is one."""
        del context
        return True


@dataclass(slots=True)
class Bucket:
    """What one account may still call."""

    of: Rate
    tokens: float
    since: float = 0.0

    def take(self, now: float) -> bool:
        """Whether a call comes through."""
        self.tokens = min(self.of.burst, self.tokens + (now - self.since) * self.of.refill)
        self.since = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class Outcome:
    """What came of all of them."""

    calls: int = 0
    throttled: Counter[str] = field(default_factory=Counter)
    """By bucket."""
    finished: int = 0
    longest: float = 0.0
    """Seconds from the first start to the last end."""

    @property
    def share(self) -> float:
        """Of all calls, those that were throttled."""
        return self.throttled.total() / self.calls


@dataclass(slots=True)
class Account:
    """One account and region."""

    outcome: Outcome = field(default_factory=Outcome)
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def call(self, operation: str, now: float) -> bool:
        """Whether a call comes through."""
        self.outcome.calls += 1
        limit = rate(operation)
        if limit is None:
            return True
        bucket = self.buckets.setdefault(limit.name, Bucket(limit, limit.burst))
        if bucket.take(now):
            return True
        self.outcome.throttled[limit.name] += 1
        return False


class GivenUp(Exception):
    """Botocore tried as often as it may: the release ends as unavailable, to be run again."""


@dataclass(slots=True)
class Runner:
    """One release; a generator of the moments at which it does something."""

    account: Account
    events: Sequence[Event]
    takes: Mapping[tuple[float, float], float]
    """Seconds the platform takes where a loop waits by this rule."""
    chance: random.Random
    now: float
    _quotas: dict[str, RetryQuota] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)

    def live(self) -> Iterator[float]:
        """Go through the release; raises ``GivenUp``."""
        loops: set[int] = set()
        looked = looks(self.events)
        for event in self.events:
            match event:
                case Call(operation):
                    yield from self._call(operation)
                case Pause(_, (first, longest), loop) if loop not in loops:
                    loops.add(loop)
                    yield from self._watch((first, longest), looked[first, longest])
                case Pause(seconds, None):
                    self.now += seconds
                    yield self.now
                case _:  # a further round of a loop that was gone through
                    pass

    def _watch(self, rule: tuple[float, float], look: Sequence[str]) -> Iterator[float]:
        """Look again and again until the platform is done."""
        done = self.now + self.takes[rule] * self.chance.uniform(0.7, 1.3)
        for pause in waits(*rule):
            self.now += pause
            yield self.now
            if self.now >= done:
                return  # the look that sees it is recorded behind the loop
            for operation in look:
                yield from self._call(operation)

    def _call(self, operation: str) -> Iterator[float]:
        """Call, and again where it is throttled, as botocore does."""
        service = operation.partition(".")[0]
        throttled = cast("ThrottlingErrorDetector", _Throttled())
        quota = RetryQuotaChecker(self._quotas.setdefault(service, RetryQuota()), throttled)
        backoff = ExponentialBackoff(random=self.chance.random, throttling_detector=throttled)
        most: int = patient().retries["total_max_attempts"]  # type: ignore[attr-defined]
        pace = self._paces.setdefault(service, Pace(self.chance.uniform))
        for attempt in range(1, most + 1):
            self.now += pace.wait(self.now)
            yield self.now
            self.now += self.chance.uniform(*_LATENCY)
            yield self.now
            if self.account.call(operation, self.now):
                return
            pace.refuse(self.now)
            context = RetryContext(attempt_number=attempt, request_context={})
            if attempt == most or not quota.acquire_retry_quota(context):
                raise GivenUp(operation)
            self.now += backoff.delay_amount(context)
            yield self.now


def looks(events: Sequence[Event]) -> Mapping[tuple[float, float], Sequence[str]]:
    """The calls of one look at what is under way, by the rule of the waits for it."""
    found: dict[tuple[float, float], Sequence[str]] = {}
    calls: list[str] = []
    before: Pause | None = None
    for event in events:
        if isinstance(event, Call):
            calls.append(event.operation)
            continue
        if event.rule and before and before.loop == event.loop:
            found[event.rule] = tuple(calls)
        elif event.rule:  # it ended with the first look: what is asked then is what comes first
            found.setdefault(event.rule, tuple(calls[-1:]))
        calls, before = [], event
    return found


def together(
    events: Sequence[Event],
    takes: Mapping[tuple[float, float], float],
    *,
    releases: int,
    within: float,
    seed: int = 1,
) -> Outcome:
    """So many releases, begun within so many seconds."""
    chance, account = random.Random(seed), Account()  # noqa: S311 - not a secret
    queue: list[tuple[float, int, Iterator[float]]] = []
    for number in range(releases):
        begin = chance.uniform(0, within)
        own = random.Random(seed * releases + number)  # noqa: S311 - as above
        runner = Runner(account, events, takes, own, begin)
        heapq.heappush(queue, (begin, number, runner.live()))
    while queue:
        now, number, life = heapq.heappop(queue)
        try:
            heapq.heappush(queue, (next(life), number, life))
        except StopIteration:
            account.outcome.finished += 1
            account.outcome.longest = max(account.outcome.longest, now)
        except GivenUp:
            pass
    return account.outcome
