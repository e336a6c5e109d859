"""A target in memory that dies, reverts and falls sick on request.

It behaves as the platforms do where the engine could get it wrong: a shift takes effect later than
it is asked for, a platform may take a version back while nobody watches, and every write may be the
last thing a process does, with or without its effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from modelway.core.analysis import Sample
from modelway.core.config import Capacity
from modelway.core.estate import Thing
from modelway.core.image import DOCKER_MANIFEST
from modelway.core.plan import Blame, Need, Setback, State
from modelway.core.record import Adopted, Mark, Record
from modelway.core.version import Version, VersionId
from modelway.errors import Unhealthy
from modelway.ports import HttpAnswer, HttpRequest


class CrashError(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class Clock:
    """A clock every look at which is a little later than the last."""

    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The time of day, which never stands still."""
        self.time += timedelta(milliseconds=1)
        return self.time

    def monotonic(self) -> float:
        """Seconds since the epoch serve as well as any."""
        return self.now().timestamp()

    def sleep(self, seconds: float, /) -> None:
        """Time flies."""
        self.time += timedelta(seconds=seconds)

    def elapsed(self, since: datetime, /) -> float:
        """Seconds since then."""
        return (self.now() - since).total_seconds()

    def ago(self, seconds: float, /) -> datetime:
        """The time of day so many seconds ago."""
        return self.now() - timedelta(seconds=seconds)


def healthy(version: VersionId, seconds: float) -> Sample:
    """Ten requests a second, answered well."""
    del version
    return Sample(requests=int(seconds * 10), errors=0, latency_p95=0.05)


@dataclass
class FakeTarget:
    """One environment of one model, with its misfortunes."""

    clock: Clock = field(default_factory=Clock)
    records: dict[VersionId, Record] = field(default_factory=dict)
    traffic: dict[VersionId, int] = field(default_factory=dict)
    running: Capacity | None = None
    """How much of what serves runs."""
    capacity: Capacity | None = None
    walks: bool = False
    beside: bool = False
    returning: str = "in no time at all."
    needs: tuple[Need, ...] = ()
    early: bool = False
    media_types: frozenset[str] = frozenset({DOCKER_MANIFEST})
    most: int | None = None
    others: frozenset[str] = frozenset()
    """Digests of images that run, which modelway did not bring."""
    sick: Mapping[VersionId, int] = field(default_factory=dict)
    """Versions that stop answering from this share of traffic on."""
    reverts: frozenset[VersionId] = frozenset()
    """Versions the platform takes back by itself, and blames."""
    no_room: int = 0
    """How many shifts the platform takes back for lack of capacity."""
    alarm: str | None = None
    """What an alarm says of the version being released."""
    samples: Callable[[VersionId, float], Sample] = healthy
    """What a version answered in so many seconds."""
    takes: float = 60.0
    """Seconds a shift takes."""
    asked: int | None = 0
    """How often the model was asked lately; ``None`` where nobody counts."""
    foreign: str | None = None
    """What serves and was made by somebody else."""
    crash_in: int | None = None
    """Writes until the process dies."""
    crash_after_effect: bool = False

    calls: list[str] = field(default_factory=list)
    changed: datetime = datetime(2025, 12, 31, tzinfo=UTC)
    setback: Setback | None = None
    pending: tuple[dict[VersionId, int], Setback | None] | None = None

    def _write(self, call: str, effect: Callable[[], object]) -> None:
        """Count a write, do it, and die where asked to."""
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                if self.crash_after_effect:
                    self.calls.append(call)
                    effect()
                raise CrashError
        self.calls.append(call)
        effect()

    def pass_time(self) -> None:
        """The platform finishes what it is doing, whether or not anybody watches."""
        if self.pending:
            self.traffic, self.setback = self.pending
            self.pending = None
            self.changed = self.clock.now()

    def images(self) -> frozenset[str]:
        found = {self.records[version].digest for version in self.traffic}
        return frozenset(found | {*self.others})

    def observe(self, wanted: Version | None, /) -> State:
        return State(
            records=dict(self.records),
            traffic=dict(self.traffic),
            settled=self.pending is None,
            modified=self.changed.isoformat() if self.traffic or self.setback else None,
            needs=self.needs if wanted else (),
            setback=self.setback,
            capacity=self.running if self.traffic else None,
            foreign=self.foreign,
            sick=self.alarm if wanted and wanted.id in self.traffic else None,
            soaked=self.clock.elapsed(self.changed),
        )

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        say("settling")
        if patience is not None and patience < self.takes:
            return
        self.pass_time()

    def prepare(self, need: str, version: Version, /) -> None:
        del version
        left = tuple(n for n in self.needs if n.id != need)
        self._write(f"prepare {need}", lambda: setattr(self, "needs", left))

    def recognise(self, version: VersionId, name: str, /) -> bool:
        del version, name
        return False

    def stage(self, version: Version, /, *, release: str) -> None:
        weights = str(version.artifact.sha256) if version.artifact else None
        image = str(version.image.digest)
        record = Record(id=version.id, digest=image, artifact=weights, release=release)
        self._write(f"stage {version.id}", lambda: self.records.setdefault(version.id, record))

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        assert version in self.records
        assert urgent or self.pending is None, "a second change while one is under way"
        self._write(f"shift {version} {percent}", lambda: self._begin(version, percent))
        del urgent

    def _begin(self, version: VersionId, percent: int) -> None:
        others = {v: p for v, p in self.traffic.items() if v != version}
        old = max(others, key=lambda v: others[v], default=None)
        wanted = {version: percent} | ({old: 100 - percent} if old and percent < 100 else {})
        assert sum(wanted.values()) == 100, "a share of the traffic goes nowhere"
        if self.no_room:
            self.no_room -= 1
            self.pending = dict(self.traffic), Setback(blame=Blame.PLATFORM, reason="no capacity")
        elif version in self.reverts:
            self.pending = dict(self.traffic), Setback(blame=Blame.VERSION, reason="ping failed")
        else:
            self.pending = wanted, None

    def interrupt(self) -> None:
        self._write("interrupt", self._take_back)

    def _take_back(self) -> None:
        """Traffic is as it was before the change under way, and nothing runs beside."""
        if self.pending or 0 in self.traffic.values():
            self.changed = self.clock.now()
        self.pending = None
        self.traffic = {v: percent for v, percent in self.traffic.items() if percent}

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        assert self.pending is None
        assert self.traffic[candidate], "measured without traffic"
        assert self.traffic[baseline], "compared with what has no traffic"
        return self.samples(candidate, seconds), self.samples(baseline, seconds)

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        raise NotImplementedError

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        return ()

    def words(self, version: VersionId, /) -> str:
        return str(version)

    def verify(self, version: VersionId, percent: int) -> None:
        """The contract tests, as the engine is handed them."""
        assert self.pending is None
        if percent:
            assert self.traffic.get(version) == 100, "verified without the traffic"
        if percent >= self.sick.get(version, 101):
            msg = f"{version} is sick"
            raise Unhealthy(msg)
        self.calls.append(f"verify {version} {percent}")

    def record(self, version: VersionId, mark: Mark, /) -> None:
        changed = self.records[version].with_mark(mark)
        name = type(mark).__name__.lower()
        self._write(f"record {version} {name}", lambda: self.records.update({version: changed}))
        if isinstance(mark, Adopted):
            self.traffic, self.foreign = {version: 100}, None

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        assert self.traffic.get(version) == 100
        self._write(f"configure {capacity.instances}", lambda: setattr(self, "running", capacity))

    @property
    def estate(self) -> FakeTarget:
        return self

    def things(self) -> tuple[Thing, ...]:
        pointer = [Thing(kind="pointer", name="pointer", words="the pointer")] if self.traffic else []
        return (*pointer, *(Thing(kind="version", name=v, words=f"version {v}") for v in self.records))

    def remove(self, thing: Thing, /) -> None:
        if thing.kind == "pointer":
            self._write("remove the pointer", self.traffic.clear)
        else:
            assert not self.traffic, "deleted under its traffic"
            self._write(f"remove {thing.name}", lambda: self.records.pop(VersionId(thing.name), None))

    def requests(self, seconds: float, /) -> int | None:
        return self.asked if self.traffic and seconds else 0

    def retire(self, version: VersionId, /) -> None:
        assert version not in self.traffic
        self._write(f"retire {version}", lambda: self.records.pop(version))


def without_time(target: FakeTarget) -> object:
    """The end state, times left out: two runs that did the same at different hours are equal."""
    strip = {
        v: replace(
            r,
            attempt=r.attempt and replace(r.attempt, at="", pointer=None),
            passed=r.passed and replace(r.passed, at=""),
        )
        for v, r in target.records.items()
    }
    return strip, target.traffic, target.running, target.needs, target.pending
