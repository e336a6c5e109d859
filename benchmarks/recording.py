"""The AWS calls of a release, recorded: what is asked, and how long is waited in between, by which rule.

Releases run in the cloud of the sweeps: the rehearsal's AWS, the real targets and engine, and containers that
are threads. Waits are passed a hundred times as fast, and written down as they were meant.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from pathlib import Path

import modelway.targets.aws_lambda
import modelway.targets.ecs
import modelway.targets.sagemaker  # noqa: F401 - imported so that their waits can be told from others
from modelway.adapters import waits as rule
from modelway.adapters.clock import RealClock
from tests.sweeps import ground as grounds
from tests.sweeps.ground import Ground, Model
from tests.sweeps.sites import SITES

RELEASES = 3
"""The last of so many is recorded: it is the first that also deletes what is not kept."""
_WAITS = rule.waits
_BAKE = timedelta(minutes=10)
_FACTOR = 100.0
"""Waits are so much shorter; were they shorter still, the calls themselves would count for minutes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as ``lambda.GetAlias``."""

    operation: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait; ``rule`` is first and longest where it is one of several until something has happened."""

    seconds: float
    rule: tuple[float, float] | None = None
    loop: int = 0
    """Pauses of one loop have the same number."""


Event = Call | Pause


class _Wait(float):
    """Seconds that remember the rule they came from."""

    rule: tuple[float, float]
    loop: int


@dataclass(frozen=True, slots=True)
class _Noting(RealClock):
    """A clock that writes down what is waited."""

    events: list[Event] = field(default_factory=list)

    def sleep(self, seconds: float, /) -> None:
        """Wait, and say so."""
        if isinstance(seconds, _Wait):
            self.events.append(Pause(float(seconds), seconds.rule, seconds.loop))
        else:
            self.events.append(Pause(float(seconds)))
        RealClock.sleep(self, seconds)


class _Calls(list[str]):
    """The wire's list of calls, which are events too."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self.events = events

    def append(self, call: str, /) -> None:
        """Another call was sent."""
        super().append(call)
        self.events.append(Call(call.replace("application-auto-scaling", "application-autoscaling")))


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A cloud in which releases are recorded."""
    loops = iter(range(10**9))

    def noting(first: float, longest: float, *, within: float = inf) -> Iterator[float]:
        loop = next(loops)
        for seconds in _WAITS(first, longest, within=within):
            wait = _Wait(seconds)
            wait.rule, wait.loop = (first, longest), loop
            yield wait

    for module in list(sys.modules.values()):
        if getattr(module, "waits", None) is _WAITS and module is not rule:
            module.waits = noting  # type: ignore[attr-defined] # it has that name
    events: list[Event] = []
    clock = _Noting(_FACTOR, events)
    with tempfile.TemporaryDirectory() as folder, grounds.open_ground(Path(folder), clock) as ground:
        os.environ.update(ground.cloud.environment())
        yield Recorder(ground, events)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Releases in one cloud."""

    ground: Ground
    events: list[Event]

    def release(self, target: str) -> Sequence[Event]:
        """A good release by canary of ten minutes, to a place where others were before."""
        site, rollouts = SITES[target]
        model = Model(self.ground, site, rollouts["canary"])
        for number in range(RELEASES):
            if number == RELEASES - 1:
                model.rollout = replace(model.rollout, bake_time=_BAKE)
            model.next()
            self.ground.expect(None)
            self.events.clear()
            self.ground.wire.calls = _Calls(self.events)
            end = model.start()
            if end != "0":
                message = f"a release to {target} ended with exit {end}: {model.said}"
                raise SystemExit(message)
        return tuple(self.events)
