"""Deciding what to do: from what is to what is wanted, in steps. Nothing here touches the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from modelway.core.altered import Altered
from modelway.core.config import Analysis, Capacity
from modelway.core.record import Attempt, Record
from modelway.core.steps import Analyse, Configure, Pause, Prepare, Retire, Shift, Soak, Stage, Step, Verify
from modelway.core.version import VersionId

FULL = 100
"""All the traffic, in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something a version needs around it and does not find: a copied artifact, an alarm."""

    id: str
    """Stable and short, as ``artifact`` or ``alarm:error_rate``; the target knows what it means."""
    words: str
    """What will be done, for people: ``create the alarm iris-production-error-rate``."""
    resets: bool = False
    """Making it loses the capacity, which is set again in the end, on the way back too."""
    late: bool = False
    """It belongs to the pointer, not to the version: made once the version has passed with all traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why traffic cannot be moved now."""

    what: str
    seen: str = ""
    cure: str = ""
    by_config: bool = True
    """The config asks for what cannot be; otherwise the world has to change first."""


class Blame(StrEnum):
    """Whose fault it was that the platform took the last shift back."""

    VERSION = "version"
    PLATFORM = "platform"
    """Capacity, quota or permission: the version may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """The platform refused or reverted the last change of the pointer."""

    blame: Blame
    reason: str
    """In the platform's own words."""
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one environment is running, as observed a moment ago."""

    records: Mapping[VersionId, Record] = field(default_factory=dict)
    traffic: Mapping[VersionId, int] = field(default_factory=dict)
    """Percent by version; what modelway did not create is under ``foreign``.

    A version at 0 runs beside the others and can be asked, but no user is sent to it.
    """
    settled: bool = True
    """No change of the pointer is under way."""
    modified: str | None = None
    """When the pointer last changed, as the platform writes it; ``None`` while there is none."""
    needs: tuple[Need, ...] = ()
    """What the wanted version does not find yet."""
    obstacles: tuple[Obstacle, ...] = ()
    """Why traffic cannot be moved to the wanted version now."""
    setback: Setback | None = None
    capacity: Capacity | None = None
    """Capacity of what serves, as far as the config may set it; ``None`` while nothing serves."""
    foreign: str | None = None
    """What the pointer serves, where modelway did not make it."""
    sick: str | None = None
    """What the platform finds wrong with what serves right now, as an alarm that went off."""
    soaked: float = 0.0
    """Seconds since the pointer's weights last changed."""
    leftovers: tuple[VersionId, ...] = ()
    """Versions that were retired but for what is remembered of them: that process died meanwhile."""
    altered: tuple[Altered, ...] = ()
    """What of the wanted version somebody changed since it serves; the next release's shift sets it."""

    @property
    def serving(self) -> VersionId | None:
        """The version with all the traffic, if one has it."""
        return next((v for v, percent in self.traffic.items() if percent == FULL), None)

    def baseline(self, candidate: VersionId) -> VersionId | None:
        """The version the candidate takes traffic from: the one with most of the rest."""
        others = {v: percent for v, percent in self.traffic.items() if v != candidate and percent}
        return max(others, key=lambda v: others[v], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """A share of traffic to reach, and what has to happen there before going on."""

    percent: int
    """0 runs the version beside what serves, where it can be asked and has no traffic."""
    soak: float = 0.0
    """Seconds to watch before going on."""
    analysis: Analysis | None = None
    """How the version must compare with what serves, where both have traffic."""
    pause: bool = False
    """A person has to say so before going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is wanted of one environment."""

    version: VersionId
    contract: str | None = None
    """Hash of the contract tests it must pass; ``None`` asks for none (an old version's way back)."""
    waypoints: tuple[Waypoint, ...] = (Waypoint(percent=FULL),)
    """One where the platform walks them all, several where we do."""
    early: bool = False
    """Whether the version can be asked before it has traffic."""
    capacity: Capacity | None = None
    """``None`` leaves the capacity as it is."""
    retry: int = 0
    """Attempts up to this number may be followed by another, although they failed."""
    release: str = ""
    """The release's name; a semantic version is not shifted after a higher one was attempted."""
    hotfix: bool = False
    """Shift it all the same."""
    go_on: bool = False
    """A person said so: pauses are over."""
    keep: int | None = None
    """Passed versions kept for rollback beside the wanted one; ``None`` retires nothing."""


class Standing(StrEnum):
    """How a version stands in an environment."""

    NEW = "new"
    """Never attempted, or its last attempt is over and it may be attempted again."""
    OPEN = "open"
    """An attempt has begun and has not ended."""
    PASSED = "passed"
    """It passed in its last attempt and serves."""
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """Nobody could tell whether it is well, and its last attempt was given up."""
    SUPERSEDED = "superseded"
    """Its attempt did not end before another version's began."""
    WITHDRAWN = "withdrawn"


_BROKEN_OFF = frozenset({Standing.SUPERSEDED, Standing.INCONCLUSIVE})
"""Ends of an attempt that say nothing against the version."""


def standing(version: VersionId, state: State) -> Standing:
    """Judge a version by its record and by where the pointer is.

    An attempted version that does not serve although the pointer settled and changed since has
    failed, in any later process too: the platform took it back.
    """
    record = state.records.get(version)
    if record is None:
        return Standing.NEW
    attempt = record.attempt
    ended = closed(record)
    if attempt is None or ended:
        return ended or Standing.NEW
    passed = record.passed is not None and record.passed.attempt >= attempt.number
    if version in state.traffic:
        return Standing.PASSED if passed else Standing.OPEN
    if passed:
        return Standing.NEW
    later = (r.attempt for r in state.records.values() if r.id != version)
    if any(other and other.at > attempt.at for other in later):
        return Standing.SUPERSEDED
    untouched = not state.settled or state.modified in {None, attempt.pointer}  # None: it was deleted
    excused = state.setback is not None and state.setback.blame is Blame.PLATFORM
    return Standing.OPEN if untouched or excused else Standing.FAILED


def closed(record: Record) -> Standing | None:
    """What the record says by itself of how the version's last attempt ended badly."""
    if record.withdrawn:
        return Standing.WITHDRAWN
    if record.ended_badly:
        return Standing.FAILED
    return Standing.INCONCLUSIVE if record.undecided else None


def next_attempt(goal: Goal, state: State) -> int:
    """The number of the attempt a shift to the goal belongs to."""
    record = state.records.get(goal.version)
    if record is None or record.attempt is None:  # where its mark was deleted, it is not what ended before
        marks = (record.passed, record.failed, record.inconclusive) if record else ()
        return 1 + max((mark.attempt for mark in marks if mark), default=0)
    if standing(goal.version, state) in {Standing.OPEN, Standing.PASSED}:
        return record.attempt.number
    return record.attempt.number + 1


def fallbacks(state: State, wanted: VersionId) -> tuple[Record, ...]:
    """Versions to go back to, the newest pass first; those whose last attempt did not end are the last.

    Not "what served when this process began": a resumed run began late. Not a version that was
    withdrawn, or whose last attempt failed.
    """
    good = [
        record
        for record in state.records.values()
        if record.passed and record.id != wanted and not record.withdrawn and not record.ended_badly
    ]
    return tuple(sorted(good, key=lambda record: _trust(record, state), reverse=True))


def _trust(record: Record, state: State) -> tuple[bool, str, str]:
    """The greater, the better to go back to."""
    ended = standing(record.id, state) not in {Standing.FAILED, *_BROKEN_OFF}
    passed, attempt = record.passed, record.attempt
    began = attempt.at if passed and attempt and passed.attempt >= attempt.number else ""  # or went back to
    return ended, max(passed.at if passed else "", began), record.id


def plan(goal: Goal, state: State) -> tuple[Step, ...]:
    """List the steps that take a settled ``state`` to ``goal``, in order; none when it is reached."""
    record = state.records.get(goal.version)
    attempt = next_attempt(goal, state)
    steps: list[Step] = [Prepare(need.id, need.words) for need in state.needs if not need.late]
    if record is None:
        steps.append(Stage(goal.version))
    if goal.contract and goal.early and _unasked(goal, state):
        steps.append(Verify(goal.version, goal.contract, 0))
    for waypoint in _way(goal, state):
        steps += _along(waypoint, goal, state)
    if goal.contract and not _passed(record, goal.contract, attempt):
        steps.append(Verify(goal.version, goal.contract, FULL))
    steps += [Prepare(need.id, need.words) for need in state.needs if need.late]
    if goal.capacity and (state.capacity != goal.capacity or any(need.resets for need in state.needs)):
        steps.append(Configure(goal.version, goal.capacity))
    steps += [Retire(version) for version in _retired(goal, state)]
    return tuple(steps)


def _unasked(goal: Goal, state: State) -> bool:
    """Whether the version has neither traffic nor answered these tests without it."""
    record = state.records.get(goal.version)
    checked = record is not None and record.checked is not None and record.checked.contract == goal.contract
    return not checked and not state.traffic.get(goal.version)


def _way(goal: Goal, state: State) -> tuple[Waypoint, ...]:
    """The waypoints; without another version that keeps the rest, there is no share but all of it.

    At a share of another rollout than the config's, what those passed over ask is asked, a person among them.
    """
    points, reached = goal.waypoints, state.traffic.get(goal.version, 0)
    if state.baseline(goal.version) is None:
        return tuple(point for point in points if point.percent == FULL)
    before = [point for point in points if point.percent < reached]
    if not before or reached in {point.percent for point in points}:
        return points
    here = replace(before[-1], percent=reached, pause=any(point.pause for point in before))
    return (*before, here, *points[len(before) :])


def _along(waypoint: Waypoint, goal: Goal, state: State) -> Iterator[Step]:
    """What is still to be done at one waypoint."""
    id_, percent, record = goal.version, waypoint.percent, state.records.get(goal.version)
    attempt = next_attempt(goal, state)
    # What can be asked as soon as it is staged need not run beside first.
    reached = state.traffic.get(id_, 0 if goal.early else -1)
    if percent < reached or (percent == FULL and reached == FULL and _passed(record, goal.contract, attempt)):
        return
    if percent > reached:
        yield Shift(id_, percent, attempt)
    if percent == 0 and goal.contract and not goal.early and _unasked(goal, state):
        yield Verify(id_, goal.contract, 0)
    if waypoint.soak and (percent > reached or state.soaked < waypoint.soak):
        yield Soak(id_, percent, waypoint.soak)
    if waypoint.analysis and not _analysed(record, attempt, percent):
        yield Analyse(id_, percent, waypoint.soak, waypoint.analysis)
    if waypoint.pause and not goal.go_on:
        yield Pause(id_, percent)


def _analysed(record: Record | None, attempt: int, percent: int) -> bool:
    """Whether the version compared well at this share in this attempt."""
    analysed = record and record.analysed
    return bool(analysed and analysed.attempt == attempt and analysed.percent >= percent)


def _passed(record: Record | None, contract: str | None, attempt: int) -> bool:
    """Whether the version passed these tests in this attempt."""
    passed = record and record.passed
    return bool(passed and passed.contract == contract and passed.attempt >= attempt)


def _retired(goal: Goal, state: State) -> tuple[VersionId, ...]:
    """Versions that serve nothing and that no rollback will want, the withdrawn and failed apart.

    Those are kept as a memory: a version that was taken out must be known when it is wanted again.
    """
    if goal.keep is None:
        return ()
    beyond = fallbacks(state, goal.version)[goal.keep :]
    unwanted = {r.id for r in beyond if r.id not in state.traffic and not r.failed}
    return tuple(sorted(unwanted | ({*state.leftovers} - {goal.version})))


def way_back(goal: Goal, state: State) -> Goal | None:
    """Where to go if the goal turns out sick: all at once to the newest version that passed here."""
    best = next(iter(fallbacks(state, goal.version)), None)
    if best is None or best.passed is None:
        return None
    # Tests it never passed are not held against an old version.
    contract = goal.contract if best.passed.contract == goal.contract else None
    return Goal(version=best.id, contract=contract, capacity=goal.capacity, retry=reopening(best, state))


def reopening(record: Record, state: State) -> int:
    """The ``retry`` of going back: that the last attempt was broken off is no reason to stay."""
    attempt = record.attempt
    return attempt.number if attempt and standing(record.id, state) in _BROKEN_OFF else 0


def plan_back(goal: Goal, state: State) -> tuple[Step, ...]:
    """The way back as it will be after the goal's attempt: approved together with the way there."""
    attempt = Attempt(number=next_attempt(goal, state), at="9999")
    attempted = state.records.get(goal.version, Record(id=goal.version, digest="")).with_mark(attempt)
    records = {**state.records, goal.version: attempted}
    kept = None if any(need.resets for need in state.needs) else state.capacity
    there = replace(state, records=records, traffic={goal.version: FULL}, settled=True, capacity=kept)
    back = way_back(goal, there)
    return plan(back, replace(there, needs=())) if back else ()
