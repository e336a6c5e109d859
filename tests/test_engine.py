"""The engine keeps its promises for any start, any crash and any misfortune."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from modelway.core.approval import approval
from modelway.core.config import Analysis, Capacity
from modelway.core.image import Digest, Image
from modelway.core.plan import FULL, Goal, Need, Waypoint, plan, way_back
from modelway.core.record import Attempt, Passed, Record, Reinstated, Withdrawn
from modelway.core.steps import Step
from modelway.core.version import Version, VersionId
from modelway.engine import Engine
from modelway.errors import Differs, NotAllowed, Superseded, Unavailable, Unhealthy, Unrestored
from tests.fake_target import CrashError, FakeTarget, without_time


def version(letter: str) -> Version:
    return Version(image=Image("repo", Digest.parse("sha256:" + letter * 64)))


NEW, OLD, OLDER = version("a"), version("b"), version("c")
CONTRACT = "contract-1"


def passed_record(of: Version, hour: int) -> Record:
    at = f"2025-12-31T{hour:02}:00:00.000000Z"
    return Record(
        id=of.id,
        digest=str(of.image.digest),
        attempt=Attempt(number=1, at=at),
        passed=Passed(contract=CONTRACT, attempt=1, at=at),
    )


def fresh(**misfortunes: object) -> FakeTarget:
    """An environment where OLD serves and OLDER served before it."""
    target = FakeTarget(**misfortunes)  # type: ignore[arg-type]
    target.records = {OLD.id: passed_record(OLD, 2), OLDER.id: passed_record(OLDER, 1)}
    target.traffic = {OLD.id: 100}
    target.running = Capacity()
    return target


def empty(**misfortunes: object) -> FakeTarget:
    return FakeTarget(**misfortunes)  # type: ignore[arg-type]


def goal_for(wanted: Version, target: FakeTarget, points: tuple[Waypoint, ...], **more: object) -> Goal:
    return Goal(version=wanted.id, contract=CONTRACT, waypoints=points, early=target.early, **more)  # type: ignore[arg-type]


def approve(goal: Goal, target: FakeTarget, wanted: Version | None = NEW) -> set[Step]:
    return {*approval(goal, target.observe(wanted))}


def engine(target: FakeTarget) -> Engine:
    return Engine(target=target, clock=target.clock, verify=target.verify, say=lambda _: None)


def run_until_done(target: FakeTarget, goal: Goal, approved: set[Step], tries: int = 12) -> str:
    """Start again after every death, as a person would; the platform goes on meanwhile."""
    for _ in range(tries):
        try:
            engine(target).deploy(NEW, goal, approved)
        except CrashError:
            target.pass_time()
        except Unavailable:
            continue
        except (Unhealthy, Unrestored) as end:
            return type(end).__name__
        else:
            return "done"
    return "never"


COMPARED = Analysis(error_rate_increase=1, latency_p95_ratio=1.5)
points = st.sampled_from(
    [
        (Waypoint(percent=100),),
        (Waypoint(percent=10, soak=300), Waypoint(percent=100)),
        (Waypoint(percent=10, soak=60), Waypoint(percent=50, soak=60), Waypoint(percent=100, soak=60)),
        (Waypoint(percent=0), Waypoint(percent=100, soak=60)),
        (Waypoint(percent=0), Waypoint(percent=10, soak=60, analysis=COMPARED), Waypoint(percent=100)),
        (
            Waypoint(percent=20, analysis=COMPARED),
            Waypoint(percent=60, soak=60, analysis=COMPARED),
            Waypoint(percent=100),
        ),
    ]
)
needs = st.sampled_from([(), (Need(id="artifact", words="copy"), Need(id="alarm", words="create"))])
starts = st.sampled_from([empty, fresh])
flags = st.booleans()


@given(starts, points, needs, flags)
@example(fresh, (Waypoint(percent=100),), (), False)
def test_reaches_the_wanted_version_and_then_has_nothing_to_do(start, way, missing, early):
    target = start(needs=missing, early=early)
    goal = goal_for(NEW, target, way, capacity=Capacity(instances=2))
    assert run_until_done(target, goal, approve(goal, target)) == "done"
    assert target.traffic == {NEW.id: 100}
    assert target.running == Capacity(instances=2)
    assert plan(goal, target.observe(NEW)) == ()
    before = list(target.calls)
    assert run_until_done(target, goal, set()) == "done"
    assert target.calls == before


@given(starts, points, needs, flags, st.lists(st.tuples(st.integers(0, 12), flags), max_size=5))
def test_any_crash_is_resumed_under_the_same_approval_to_the_same_end(start, way, missing, early, crashes):
    undisturbed, target = (start(needs=missing, early=early) for _ in range(2))
    goal = goal_for(NEW, target, way)
    approved = approve(goal, target)
    for writes, after_effect in crashes:
        target.crash_in, target.crash_after_effect = writes, after_effect
        try:
            engine(target).deploy(NEW, goal, approved)
        except CrashError:
            target.pass_time()
    target.crash_in = None
    assert run_until_done(target, goal, approved) == "done"
    assert run_until_done(undisturbed, goal, approved) == "done"
    assert without_time(target) == without_time(undisturbed)
    shifts = [c for c in target.calls if c.startswith(("shift", "stage", "prepare"))]
    assert len(shifts) == len(set(shifts)), "something was done twice"


@given(points, flags, st.sampled_from([0, 100]), st.lists(st.tuples(st.integers(0, 14), flags), max_size=4))
def test_a_sick_version_ends_at_the_last_good_one_whatever_dies(way, early, sick_at, crashes):
    assume(sick_at or early or way[0].percent == 0)
    target = fresh(early=early, sick={NEW.id: sick_at})
    goal = goal_for(NEW, target, way)
    approved = approve(goal, target)
    for writes, after_effect in crashes:
        target.crash_in, target.crash_after_effect = writes, after_effect
        try:
            engine(target).deploy(NEW, goal, approved)
        except CrashError:
            target.pass_time()
        except Unhealthy:
            break
    target.crash_in = None
    assert run_until_done(target, goal, approved) == "Unhealthy"
    assert target.traffic == {OLD.id: 100}
    assert target.records[NEW.id].passed is None
    shifted = [c for c in target.calls if c.startswith(f"shift {NEW.id} 100")]
    assert len(shifted) <= 1, "a sick version was shifted again"


@given(points, flags, st.integers(0, 8), flags)
def test_a_platform_that_reverts_while_the_client_is_dead_is_not_fought(way, early, writes, after_effect):
    target = fresh(early=early, reverts=frozenset({NEW.id}), crash_in=writes, crash_after_effect=after_effect)
    goal = goal_for(NEW, target, way)
    assert run_until_done(target, goal, approve(goal, target)) == "Unhealthy"
    assert target.traffic == {OLD.id: 100}
    assert sum(c.startswith(f"shift {NEW.id}") for c in target.calls) == 1
    assert run_until_done(target, goal, approve(goal, target)) == "Unhealthy"
    assert sum(c.startswith(f"shift {NEW.id}") for c in target.calls) == 1


@given(points, st.integers(1, 3), st.lists(st.tuples(st.integers(0, 4), flags), max_size=2))
def test_lack_of_capacity_never_marks_a_version_failed(way, refusals, crashes):
    target = fresh(no_room=refusals)
    goal = goal_for(NEW, target, way)
    approved = approve(goal, target)
    for writes, after_effect in crashes:
        target.crash_in, target.crash_after_effect = writes, after_effect
        try:
            engine(target).deploy(NEW, goal, approved)
        except CrashError:
            target.pass_time()
        except Unavailable as end:
            assert "no capacity" in str(end)
        assert target.records.get(NEW.id, passed_record(NEW, 0)).failed is None
    target.crash_in = None
    ends = [run_until_done(target, goal, approved, tries=1) for _ in range(refusals + 1)]
    assert ends[-1] == "done"
    assert set(ends[:-1]) <= {"never", "done"}


def test_a_first_release_that_is_sick_has_nowhere_to_go():
    target = empty(sick={NEW.id: 100})
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(Unrestored, match="sick"):
        engine(target).deploy(NEW, goal, approve(goal, target))


@pytest.mark.parametrize("kept", [False, True])
def test_a_version_the_platform_cannot_start_leaves_the_old_one_in_service(kept: bool, monkeypatch) -> None:  # noqa: FBT001
    """As Lambda tells it of one whose container ends while it is made; it may be there all the same."""
    target = fresh()

    def stage(wanted: Version, *, release: str) -> None:
        if kept:
            FakeTarget.stage(target, wanted, release=release)
        raise Unhealthy("its container did not start", seen="FunctionError.InitTimeout")

    monkeypatch.setattr(target, "stage", stage)
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(Unhealthy, match=f"did not start(?s:.*)Version {OLD.id} serves again"):
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.traffic == {OLD.id: 100}
    assert (NEW.id in target.records) is kept
    assert not kept or target.records[NEW.id].failed


def test_what_was_not_approved_is_not_done():
    target = fresh()
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(Differs, match="changed since the plan"):
        engine(target).deploy(NEW, goal, set())
    assert target.calls == []


def test_a_failed_version_is_shifted_again_only_under_a_new_approval_with_retry():
    target = fresh(sick={NEW.id: 100})
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    approved = approve(goal, target)
    assert run_until_done(target, goal, approved) == "Unhealthy"
    target.sick = {}
    again = goal_for(NEW, target, (Waypoint(percent=100),), retry=1)
    with pytest.raises(Differs):
        engine(target).deploy(NEW, again, approved)
    engine(target).deploy(NEW, again, approve(again, target))
    assert target.traffic == {NEW.id: 100}
    assert target.records[NEW.id].failed is None


def test_a_release_overtaken_by_a_newer_one_ends_as_superseded():
    target = fresh(crash_in=2, crash_after_effect=True)
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    approved = approve(goal, target)
    with pytest.raises(CrashError):
        engine(target).deploy(NEW, goal, approved)
    target.pass_time()
    newest = version("d")
    other = goal_for(newest, target, (Waypoint(percent=100),))
    engine(target).deploy(newest, other, approve(other, target, newest))
    with pytest.raises(Superseded):
        engine(target).deploy(NEW, goal, approved)
    assert target.traffic == {newest.id: 100}


def rollback(target: FakeTarget, contract: str = CONTRACT, to: Version | None = None) -> None:
    """As the command does it: withdraw what serves, then go to the newest pass that is left, or to one."""
    serving = target.observe(None).serving
    assert serving
    target.record(serving, Withdrawn(reason="bad answers"))
    state = target.observe(None)
    back = Goal(version=to.id) if to else way_back(Goal(version=serving, contract=contract), state)
    assert back
    engine(target).restore(back, set(plan(back, state)))


def test_a_failed_release_run_again_leaves_alone_what_a_newer_one_is_doing():
    target = fresh(sick={NEW.id: 100})
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    approved = approve(goal, target)
    assert run_until_done(target, goal, approved) == "Unhealthy"
    newest = version("d")
    other = goal_for(newest, target, (Waypoint(percent=100),))
    target.crash_in, target.crash_after_effect = 2, True  # staged, attempted, shifted; not verified yet
    with pytest.raises(CrashError):
        engine(target).deploy(newest, other, approve(other, target, newest))
    target.pass_time()
    assert run_until_done(target, goal, approved) == "Unhealthy"
    assert target.traffic == {newest.id: 100}, "the newer release was rolled back by an older one's re-run"


def test_two_rollbacks_in_a_row_go_two_versions_back():
    target = fresh()
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    engine(target).deploy(NEW, goal, approve(goal, target))
    rollback(target)
    assert target.traffic == {OLD.id: 100}
    rollback(target)
    assert target.traffic == {OLDER.id: 100}


@pytest.mark.parametrize(("to", "served"), [(None, OLD), (OLDER, OLDER)])
def test_the_way_back_leads_to_what_served_although_the_tests_are_others_by_now(to, served):
    """Going back asks no tests that a version never passed; it is no attempt that was broken off for that."""
    target, others, last = fresh(), "contract-2", version("d")
    goal = replace(goal_for(NEW, target, (Waypoint(percent=FULL),)), contract=others)
    engine(target).deploy(NEW, goal, approve(goal, target))
    rollback(target, contract=others, to=to)
    assert target.traffic == {served.id: 100}
    before, after = fresh().records[served.id].passed, target.records[served.id].passed
    assert before
    assert after == replace(before, attempt=2), "nothing is made up of what it was asked, and when"
    target.sick = {last.id: 100}
    goal = replace(goal_for(last, target, (Waypoint(percent=FULL),)), contract=others)
    with pytest.raises(Unhealthy):
        engine(target).deploy(last, goal, approve(goal, target, last))
    assert target.traffic == {served.id: 100}


def test_a_withdrawn_version_is_not_deployed_until_it_is_reinstated():
    target = fresh()
    target.record(OLDER.id, Withdrawn(reason="leaks memory"))
    goal = goal_for(OLDER, target, (Waypoint(percent=100),))
    with pytest.raises(NotAllowed, match="withdrawn"):
        engine(target).deploy(OLDER, goal, approve(goal, target, OLDER))
    target.record(OLDER.id, Reinstated(reason="it was the host"))
    engine(target).deploy(OLDER, goal, approve(goal, target, OLDER))
    assert target.traffic == {OLDER.id: 100}


def test_a_new_contract_is_asked_of_a_version_that_serves():
    target = fresh()
    goal = Goal(version=OLD.id, contract="contract-2")
    engine(target).deploy(OLD, goal, approve(goal, target, OLD))
    assert target.calls == [f"verify {OLD.id} 100", f"record {OLD.id} passed"]


def test_only_versions_no_rollback_needs_are_retired():
    target = fresh()
    ancient = version("e")
    target.records[ancient.id] = passed_record(ancient, 0)
    goal = goal_for(NEW, target, (Waypoint(percent=100),), keep=2)
    engine(target).deploy(NEW, goal, approve(goal, target))
    assert set(target.records) == {NEW.id, OLD.id, OLDER.id}


def test_a_soak_interrupted_by_a_crash_resumes_the_remainder():
    target = fresh(crash_in=99)
    way = (Waypoint(percent=10, soak=300), Waypoint(percent=100))
    goal = goal_for(NEW, target, way)
    approved = approve(goal, target)
    target.crash_in = 3  # stage, attempt, shift 10 %, then die at shift 100 %
    began = target.clock.time
    with pytest.raises(CrashError):
        engine(target).deploy(NEW, goal, approved)
    engine(target).deploy(NEW, goal, approved)
    assert 300 <= (target.clock.time - began).total_seconds() < 310
    assert target.traffic[NEW.id] == FULL


def test_answers_given_while_another_release_took_over_are_no_pass():
    target = fresh()
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),))
    approved = approve(goal, target)

    def overtaken_meanwhile(id_: VersionId, percent: int) -> None:
        target.verify(id_, percent)
        at = target.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        target.records[OLD.id] = replace(target.records[OLD.id], attempt=Attempt(number=2, at=at))
        target.traffic = {OLD.id: 100}

    racing = replace(engine(target), verify=overtaken_meanwhile)
    with pytest.raises(Superseded):
        racing.deploy(NEW, goal, approved)
    assert target.records[NEW.id].passed is None


def test_the_way_back_passes_over_what_the_platform_took_back_before():
    target = fresh(sick={NEW.id: 1})
    broken = Attempt(number=2, at="2025-12-31T03:00:00.000000Z", pointer="before that")
    target.records[OLD.id] = replace(target.records[OLD.id], attempt=broken)
    target.traffic = {OLDER.id: 100}
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),))
    with pytest.raises(Unhealthy):
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.traffic == {OLDER.id: 100}


def test_the_way_back_leads_to_what_another_release_interrupted():
    target = fresh(sick={NEW.id: 1})
    del target.records[OLDER.id]
    begun = Attempt(number=2, at="2025-12-31T03:00:00.000000Z")
    target.records[OLD.id] = replace(target.records[OLD.id], attempt=begun)
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),))
    with pytest.raises(Unhealthy):
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.traffic == {OLD.id: 100}


def test_a_deletion_nobody_saw_in_the_plan_waits_for_the_next_release():
    target = fresh()
    target.traffic = {OLDER.id: 100}  # whose pass is older than that of OLD
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),), keep=1)
    engine(target).deploy(NEW, goal, approve(goal, target))
    assert OLDER.id in target.records
    engine(target).deploy(NEW, goal, approve(goal, target))
    assert OLDER.id not in target.records


def test_a_way_back_that_turns_out_sick_is_not_taken_twice():
    target = fresh(sick={NEW.id: 1, OLD.id: 1})
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),))
    with pytest.raises(Unrestored):
        engine(target).deploy(NEW, goal, approve(goal, target))
    back = way_back(goal, target.observe(None))
    assert back
    assert back.version == OLDER.id


def test_an_attempt_whose_mark_was_taken_away_is_not_taken_for_the_one_that_passed():
    target = fresh(reverts=frozenset({OLDER.id}))
    target.records[OLDER.id] = replace(target.records[OLDER.id], attempt=None)
    goal = Goal(version=OLDER.id, contract=CONTRACT)
    with pytest.raises(Unhealthy):
        engine(target).restore(goal, approve(goal, target, None))
    assert target.calls.count(f"shift {OLDER.id} 100") == 1


def test_a_version_is_not_blamed_for_a_pointer_that_was_deleted():
    target = fresh()
    begun = Attempt(number=2, at="2025-12-31T03:00:00.000000Z", pointer="of the pointer that was deleted")
    target.records[OLD.id] = replace(target.records[OLD.id], attempt=begun)
    target.traffic = {}
    goal = Goal(version=OLD.id, contract=CONTRACT)
    assert engine(target).restore(goal, approve(goal, target, None)).serving == OLD.id


SCALED = Capacity(instances=4)
SUSPEND = Need(id="suspend", words="suspend autoscaling", resets=True)


@pytest.mark.parametrize("sick", [{}, {NEW.id: 1}])
def test_capacity_lost_on_the_way_is_set_again_there_and_back(sick):
    target = fresh(sick=sick, needs=(SUSPEND,))
    target.running = SCALED
    losing = target.prepare

    def prepare(need: str, version: Version, /) -> None:
        losing(need, version)
        target.running = Capacity(instances=1)

    target.prepare = prepare  # type: ignore[method-assign]
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),), capacity=SCALED)
    with pytest.raises(Unhealthy) if sick else contextlib.nullcontext():
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.traffic == {OLD.id if sick else NEW.id: 100}
    assert target.running == SCALED


def test_the_way_back_does_not_wait_for_a_capacity_nobody_foresaw():
    target = fresh(sick={NEW.id: 1})
    target.running = SCALED
    goal = goal_for(NEW, target, (Waypoint(percent=FULL),), capacity=SCALED)
    approved = approve(goal, target)

    def changed_meanwhile(id_: VersionId, percent: int) -> None:
        target.running = Capacity(instances=7)
        target.verify(id_, percent)

    with pytest.raises(Unhealthy):
        replace(engine(target), verify=changed_meanwhile).deploy(NEW, goal, approved)
    assert target.traffic == {OLD.id: 100}
