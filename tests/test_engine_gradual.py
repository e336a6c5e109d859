"""Shares, comparisons, pauses and aborts: what holds on the way, for any start, crash and misfortune."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.analysis import Sample
from modelway.core.config import Analysis
from modelway.core.pending_release import under_way
from modelway.core.plan import Goal, State, Waypoint
from modelway.core.record import Attempt, Failed, Passed, Record
from modelway.core.steps import Pause
from modelway.core.version import VersionId
from modelway.errors import Differs, NotAllowed, NotEvaluated, Unfinished, Unhealthy, Unrestored
from tests.fake_target import CrashError, FakeTarget, without_time
from tests.test_engine import CONTRACT, NEW, OLD, approve, empty, engine, fresh, goal_for

LIMITS = Analysis(error_rate_increase=1, latency_p95_ratio=1.5)
WAY = (
    Waypoint(percent=10, soak=300, analysis=LIMITS, pause=True),
    Waypoint(percent=50, soak=300, analysis=LIMITS),
    Waypoint(percent=100, soak=60),
)
BESIDE = (Waypoint(percent=0, pause=True), Waypoint(percent=100, soak=60))
crashes = st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=4)


def worse(version: VersionId, seconds: float) -> Sample:
    """The candidate fails five requests of a hundred, the others none."""
    requests = int(seconds * 10)
    return Sample(requests=requests, errors=requests // 20 if version == NEW.id else 0, latency_p95=0.05)


def slower(version: VersionId, seconds: float) -> Sample:
    """The candidate takes twice as long."""
    return Sample(requests=int(seconds * 10), errors=0, latency_p95=0.1 if version == NEW.id else 0.05)


def quiet(version: VersionId, seconds: float) -> Sample:
    """Hardly anybody asks the candidate."""
    return Sample(requests=3 if version == NEW.id else int(seconds * 10), errors=0, latency_p95=0.05)


def ends(
    target: FakeTarget, goal: Goal, deaths: Iterable[tuple[int, bool]] = ()
) -> type[BaseException] | None:
    """How a release ends that dies so and so often and is started again; the platform goes on meanwhile."""
    approved = approve(goal, target) | approve(replace(goal, go_on=False), target)
    for writes, after_effect in (*deaths, (10**6, False)):
        target.crash_in, target.crash_after_effect = writes, after_effect
        try:
            engine(target).deploy(NEW, goal, approved)
        except CrashError:
            target.pass_time()
        except (Unhealthy, NotEvaluated, Unfinished, Unrestored) as end:
            return type(end)
        else:
            return None
    raise AssertionError


@given(st.sampled_from([worse, slower]), crashes)
def test_a_candidate_that_does_worse_goes_back_and_never_beyond_its_share(samples, deaths):
    target = fresh(samples=samples)
    assert ends(target, goal_for(NEW, target, WAY), deaths) is Unhealthy
    assert target.traffic == {OLD.id: 100}
    assert target.records[NEW.id].ended_badly
    assert f"shift {NEW.id} 50" not in target.calls
    assert ends(target, goal_for(NEW, target, WAY)) is Unhealthy, "what failed failed"


@given(crashes)
def test_a_candidate_nobody_can_judge_goes_back_and_is_not_called_sick(deaths):
    target = fresh(samples=quiet)
    goal = goal_for(NEW, target, WAY)
    began = target.clock.time
    assert ends(target, goal, deaths) is NotEvaluated
    assert target.traffic == {OLD.id: 100}
    assert target.records[NEW.id].failed is None
    assert f"shift {NEW.id} 50" not in target.calls
    longest = 300 + LIMITS.max_wait.total_seconds()
    assert longest <= (target.clock.time - began).total_seconds() < longest + 60
    assert ends(target, goal) is NotEvaluated, "its attempt is over"
    target.samples = fresh().samples
    again = goal_for(NEW, target, WAY, retry=1, go_on=True)
    assert ends(target, again) is None
    assert target.traffic == {NEW.id: 100}


def test_metrics_nobody_told_are_asked_for_again_and_never_promote():
    """As CloudWatch says of a query that it could not answer it; at first, or until there is no more time."""
    target, failures = fresh(), [NotEvaluated("CloudWatch did not answer", seen="errors: InternalError")] * 3
    tell = target.samples

    def hiccup(version: VersionId, seconds: float) -> Sample:
        if failures:
            raise failures.pop()
        return tell(version, seconds)

    target.samples = hiccup
    assert ends(target, goal_for(NEW, target, WAY, go_on=True)) is None
    assert not failures
    target = fresh(samples=hiccup)
    failures[:] = [NotEvaluated("CloudWatch did not answer", seen="errors: InternalError")] * 1000
    assert ends(target, goal_for(NEW, target, WAY)) is NotEvaluated
    assert target.traffic == {OLD.id: 100}
    assert target.records[NEW.id].failed is None


def test_a_comparison_waits_for_enough_requests_and_no_longer():
    target = fresh()
    way = (Waypoint(percent=10, analysis=replace(LIMITS, min_requests=1000)), Waypoint(percent=100))
    began = target.clock.time
    assert ends(target, goal_for(NEW, target, way)) is None
    assert 100 <= (target.clock.time - began).total_seconds() < 100 + 60, "ten requests come in a second"


@pytest.mark.parametrize(("way", "share"), [(WAY, 10), (BESIDE, 0)])
@given(deaths=crashes, times=st.integers(1, 3))
def test_a_release_waits_for_a_person_however_often_it_is_started(way, share, deaths, times):
    target = fresh(beside=True)
    goal = goal_for(NEW, target, way)
    for _ in range(times):
        assert ends(target, goal, deaths) is Unfinished
        assert target.traffic == {OLD.id: 100 - share, NEW.id: share}
    assert sum(call.startswith("shift") for call in target.calls) == 1
    assert ends(target, replace(goal, go_on=True), deaths) is None
    assert target.traffic == {NEW.id: 100}
    shifts = [call for call in target.calls if call.startswith("shift")]
    assert len(shifts) == len(set(shifts))


def test_what_can_be_asked_at_once_waits_for_a_person_without_running_beside():
    target = fresh(early=True)
    goal = goal_for(NEW, target, BESIDE)
    assert ends(target, goal) is Unfinished
    assert target.calls == [f"stage {NEW.id}", f"verify {NEW.id} 0", f"record {NEW.id} checked"]
    assert ends(target, replace(goal, go_on=True)) is None


def test_a_pause_is_part_of_what_is_approved():
    target = fresh()
    goal = goal_for(NEW, target, WAY)
    waits = Pause(NEW.id, 10)
    assert waits in approve(goal, target)
    with pytest.raises(Differs, match="changed since the plan"):
        engine(target).deploy(NEW, goal, approve(goal, target) - {waits})
    with pytest.raises(Unfinished, match=r"waits at 10 % .* until a person goes on"):
        engine(target).deploy(NEW, goal, approve(goal, target))


@given(crashes)
def test_what_is_sick_beside_the_others_stops_running_there(deaths):
    target = fresh(beside=True, sick={NEW.id: 0})
    assert ends(target, goal_for(NEW, target, BESIDE), deaths) is Unhealthy
    assert target.traffic == {OLD.id: 100}
    assert target.records[NEW.id].ended_badly


@pytest.mark.parametrize("percent", [10, 100])
def test_an_alarm_while_a_share_is_watched_takes_it_back(percent):
    target = fresh()

    def goes_off(text: str) -> None:
        if text.startswith(f"watch version {NEW.id} at {percent} %"):
            target.alarm = "alarm errors is in ALARM"

    goal = goal_for(NEW, target, WAY, go_on=True)
    with pytest.raises(Unhealthy, match="is sick"):
        replace(engine(target), say=goes_off).deploy(NEW, goal, approve(goal, target))
    assert target.traffic == {OLD.id: 100}


def test_without_its_bake_nothing_is_waited_for():
    target = fresh(samples=quiet)
    bare = tuple(replace(point, soak=0, analysis=None, pause=False) for point in WAY)
    began = target.clock.time
    assert ends(target, goal_for(NEW, target, bare)) is None
    assert (target.clock.time - began).total_seconds() < 1


def test_a_bake_is_skipped_under_the_approval_of_the_whole_way():
    target = fresh()
    goal = goal_for(NEW, target, WAY, go_on=True)
    approved = approve(goal, target)
    target.crash_in = 3  # staged, attempted, shifted to 10 %
    with pytest.raises(CrashError):
        engine(target).deploy(NEW, goal, approved)
    bare = tuple(replace(point, soak=0, analysis=None) for point in WAY)
    engine(target).deploy(NEW, replace(goal, waypoints=bare), approved)
    assert target.traffic == {NEW.id: 100}


@pytest.mark.parametrize("way", [WAY, BESIDE, (Waypoint(percent=100),)])
@given(writes=st.integers(1, 12), moved=st.booleans(), after=st.booleans(), deaths=crashes)
def test_an_abort_at_any_moment_ends_where_it_was_good(way, writes, moved, after, deaths):
    target = fresh(beside=True, crash_in=writes, crash_after_effect=after)
    goal = goal_for(NEW, target, way, go_on=True)
    approved = approve(goal, target)
    with contextlib.suppress(CrashError):
        engine(target).deploy(NEW, goal, approved)
    target.crash_in = None
    if moved:
        target.pass_time()
    aborted = under_way(target.observe(None))
    assert aborted in {None, NEW.id}
    if aborted is None:
        return  # it had not begun, or had passed
    for count, after_effect in (*deaths, (10**6, False)):
        target.crash_in, target.crash_after_effect = count, after_effect
        try:
            if under_way(target.observe(None)) is None:
                break
            assert "serves" in engine(target).abort(Goal(version=aborted, contract=CONTRACT), "not today")
        except CrashError:
            target.pass_time()
    target.crash_in = None
    target.pass_time()
    assert ends(target, goal) is Unhealthy
    assert target.traffic == {OLD.id: 100}
    failed = target.records[NEW.id].failed
    assert failed
    assert "aborted: not today" in failed.reason


def test_what_is_gone_back_to_is_not_taken_for_a_release_under_way():
    target = fresh(sick={NEW.id: 100}, crash_in=5, crash_after_effect=True)
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(CrashError):  # staged, attempted, shifted, called sick, attempted OLD, shifted it
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.calls[-1] == f"shift {OLD.id} 100"
    assert under_way(target.observe(None)) is None
    target.pass_time()
    assert under_way(target.observe(None)) is None


@pytest.mark.parametrize(
    ("share", "settled", "releasing"),
    [(10, True, True), (10, False, True), (0, True, True), (0, False, False), (100, True, False)],
)
def test_an_older_version_released_after_one_that_failed_is_under_way(share, settled, releasing):
    """It passed once, and so did what is gone back to; but that gets its traffic all at once."""
    older = Record(
        id=OLD.id,
        digest="sha256:1",
        attempt=Attempt(number=2, at="2026-01-03", pointer="t2"),
        passed=Passed(contract=CONTRACT, attempt=1, at="2026-01-01"),
    )
    failed = Record(
        id=NEW.id,
        digest="sha256:2",
        attempt=Attempt(number=1, at="2026-01-02", pointer="t1"),
        failed=Failed(attempt=1, reason="sick"),
    )
    traffic = {OLD.id: share, VersionId("0123456789ab"): 100 - share}
    records = {OLD.id: older, NEW.id: failed}
    state = State(records=records, traffic=traffic, settled=settled, modified="t3")
    assert under_way(state) == (OLD.id if releasing else None)


def test_a_first_release_that_is_aborted_has_nowhere_to_go():
    target = empty(crash_in=2, crash_after_effect=True)
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(CrashError):
        engine(target).deploy(NEW, goal, approve(goal, target))
    with pytest.raises(Unrestored):
        engine(target).abort(goal, "not today")


def test_where_the_platform_has_no_cancel_an_abort_is_seen_through_by_the_release():
    target = fresh(crash_in=2, crash_after_effect=True)
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    approved = approve(goal, target)
    with pytest.raises(CrashError):
        engine(target).deploy(NEW, goal, approved)

    def refused() -> None:
        raise NotAllowed("there is no cancel", cure="Wait.")

    target.interrupt = refused  # type: ignore[method-assign]
    with pytest.raises(Unfinished, match="no cancel"):
        engine(target).abort(goal, "not today")
    with pytest.raises(Unhealthy, match="aborted"):
        engine(target).deploy(NEW, goal, approved)
    assert target.traffic == {OLD.id: 100}


@given(crashes, crashes)
def test_crashes_before_and_after_the_pause_change_nothing_about_the_end(before, after):
    undisturbed, target = fresh(), fresh()
    for one, deaths in ((undisturbed, ((), ())), (target, (before, after))):
        goal = goal_for(NEW, one, WAY)
        assert ends(one, goal, deaths[0]) is Unfinished
        assert ends(one, replace(goal, go_on=True), deaths[1]) is None
    assert without_time(target) == without_time(undisturbed)


def test_the_way_from_beside_to_all_traffic_is_one_attempt():
    target = fresh(beside=True)
    assert ends(target, goal_for(NEW, target, (Waypoint(percent=0), Waypoint(percent=100)))) is None
    assert target.calls.count(f"record {NEW.id} attempt") == 1


def test_a_way_back_that_was_begun_is_finished_without_a_plan_file():
    target = fresh(crash_in=5, sick={NEW.id: 100})
    goal = goal_for(NEW, target, (Waypoint(percent=100),))
    with pytest.raises(CrashError):  # staged, attempted, shifted, called sick, attempted OLD; not shifted
        engine(target).deploy(NEW, goal, approve(goal, target))
    assert target.calls[-1] == f"record {OLD.id} attempt"
    assert ends(target, goal) is Unhealthy
    assert target.traffic == {OLD.id: 100}
