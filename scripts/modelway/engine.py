"""Carrying out a plan: observe, plan, refuse what was not approved, do the first step, look again.

There is no state file: the world is the journal. A run that died is finished by running it again,
because steps already done no longer appear in the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Never, TypeVar, assert_never

from modelway.core.analysis import Verdict, judge
from modelway.core.approval import approval_back
from modelway.core.plan import Goal, State, next_attempt, plan, plan_back, way_back
from modelway.core.record import Analysed, Attempt, Checked, Failed, Glass, Inconclusive, Named, Passed
from modelway.core.refusals import (
    inconclusive,
    paused,
    refuse,
    refuse_by_world,
    refuse_overtaken,
    refuse_unapproved,
    undone,
)
from modelway.core.steps import (
    Analyse,
    Configure,
    Pause,
    Prepare,
    Retire,
    Shift,
    Soak,
    Stage,
    Step,
    Verify,
    Watching,
)
from modelway.core.version import Version, VersionId
from modelway.core.words import describe
from modelway.errors import (
    Differs,
    Failure,
    NotAllowed,
    NotEvaluated,
    Unfinished,
    Unhealthy,
    Unrestored,
)
from modelway.ports import Clock, Target

_CAN_WAIT: tuple[type[Step], ...] = (Retire, Configure)
"""What may be left undone on the way back, where nobody approved it: getting back matters more."""
_LONGEST_SLEEP = 30.0
"""Seconds between two looks during a soak, so that an alarm is seen while it matters."""
_AGAIN = "Run the same command again to see it through; a release that is watching does it, too."
_GRADUAL: tuple[type[Step], ...] = (Soak, Analyse)
"""What is done a little at a time, and is planned again until there is enough of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What it takes to carry out plans in one environment."""

    target: Target
    clock: Clock
    verify: Callable[[VersionId, int], None]
    """Ask the contract tests of a version at its share of traffic; raises ``Unhealthy``."""
    say: Callable[[str], None]
    """Tell people what happens."""
    release: str = ""
    """The release's name for people, kept with the versions it stages."""
    patience: float | None = None
    """Seconds to watch one change of the pointer; ``None`` watches to its end."""
    glass: str = ""
    """Why the version comes in although the gate refused it, kept with it; empty where it did not."""

    def deploy(self, version: Version, goal: Goal, approved: Collection[Step]) -> State:
        """Take the environment to ``goal``, and back where it was good if the version turns out sick.

        Raises ``Unhealthy`` when the way back was taken, ``NotEvaluated`` when it was taken because
        nobody could tell whether the version is well, ``Unrestored`` when there was none or it failed
        too, ``Unfinished`` where a person is waited for, and whatever ``converge`` raises without
        having changed its mind about the version.
        """
        try:
            return self.converge(goal, approved, version)
        except Unhealthy as failure:
            # Before the way back starts containers that log too.
            told = _with_logs(failure, self.target.logs(goal.version))
            self._go_back(goal, approved, told)
        except NotEvaluated as failure:
            self._go_back(goal, approved, failure)

    def converge(self, goal: Goal, approved: Collection[Step], version: Version | None = None) -> State:
        """Take the environment to ``goal``, doing nothing outside ``approved``.

        Raises ``Differs`` when a step is needed that was not approved, ``Unhealthy`` when the version
        is sick, ``Superseded`` when another release took over meanwhile.
        """
        done: set[Step] = set()
        while True:
            state = self.settled(version)
            refuse(goal, state)
            steps = _without_surprises(plan(goal, state), approved, Retire if version else _CAN_WAIT)
            if not steps:
                return state
            refuse_by_world(state, steps)
            refuse_unapproved(steps, approved)
            if isinstance(steps[0], Shift) and version and not state.traffic.get(goal.version):
                # Nothing is moved forward while the way back is not approved, too.
                refuse_unapproved(plan_back(goal, state), approved)
                refuse_overtaken(goal, state)
            if steps[0] in done:
                raise undone(steps[0], state)
            self._perform(steps[0], state, version, urgent=version is None)
            if not isinstance(steps[0], _GRADUAL):
                done.add(steps[0])

    def abort(self, goal: Goal, reason: str) -> str:
        """End the goal's attempt at once and go back, whoever is carrying it out; says what serves.

        Raises ``Unfinished`` where the platform has no cancel: the attempt is over all the same, and
        whoever sees the change through goes back.
        """
        failure = Unhealthy(f"version {goal.version} was aborted: {reason}")
        # First, so that the process that carries it out does not go on meanwhile.
        self._reject(goal.version, self.target.observe(None), failure)
        try:
            self.target.interrupt()
        except NotAllowed as refused:
            what = f"{failure.what}; it is taken back as soon as the change under way has ended"
            raise Unfinished(what, seen=f"{refused.what}. {refused.cure}", cure=_AGAIN) from refused
        back, state = way_back(goal, self.settled()), self.settled()
        try:
            self._go_back(goal, approval_back(back, state) if back else (), failure)
        except Unhealthy as told:
            return told.seen

    def restore(self, goal: Goal, approved: Collection[Step]) -> State:
        """Go back to a version that passed once; if it is sick now, that is remembered, too."""
        try:
            state = self.converge(goal, approved)
        except Unhealthy as failure:
            self._reject(goal.version, self.settled(), failure)
            raise
        record = state.records.get(goal.version)
        passed = record.passed if record else None
        if goal.contract is None and record and passed and passed.attempt < record.attempts:
            # Of other tests than today's it was not asked again: it serves by the pass it had.
            self.target.record(goal.version, replace(passed, attempt=record.attempts))
        return state

    def settled(self, version: Version | None = None) -> State:
        """What is there once no change is under way; ``Unfinished`` when patience ends before."""
        while not (state := self.target.observe(version)).settled:
            self.target.settle(self.say, patience=self.patience)
            if self.patience is not None and not self.target.observe(None).settled:
                what = "a change is under way and goes on without this process"
                raise Unfinished(what, cure="Run the same command again to see it through.")
        return state

    def _perform(self, step: Step, state: State, version: Version | None, *, urgent: bool) -> None:
        """Do one step."""
        self.say(describe(step))
        match step:
            case Verify() | Soak() | Analyse() | Pause():
                self._watch(step, state)
            case Prepare(need):
                self.target.prepare(need, _needed(version))
            case Stage():
                self.target.stage(_needed(version), release=self.release)
            case Shift(id_, percent, attempt):
                self._shift(id_, percent, attempt, state, urgent=urgent)
            case Configure(id_, capacity):
                self.target.configure(id_, capacity)
            case Retire(id_):
                self.target.retire(id_)
            case _:
                assert_never(step)

    def _watch(self, step: Watching, state: State) -> None:
        """Do one step that moves nothing."""
        match step:
            case Verify(id_, contract, percent):
                self._verify(id_, contract, percent, state)
            case Soak(_, _, seconds):
                self.clock.sleep(min(max(seconds - state.soaked, 0.0), _LONGEST_SLEEP))
            case Analyse():
                self._analyse(step, state)
            case Pause():
                raise paused(step)
            case _:
                assert_never(step)

    def _shift(self, id_: VersionId, percent: int, attempt: int, state: State, *, urgent: bool) -> None:
        """Remember the attempt, then move the pointer: in this order, so that a crash is understood."""
        if id_ not in state.traffic:
            record = state.records.get(id_)
            if self.release and not urgent and record and record.release != self.release:
                self.target.record(id_, Named(release=self.release))
            if self.glass and not urgent and record and record.glass is None:
                self.target.record(id_, Glass(reason=self.glass))
            mark = Attempt(number=attempt, at=self._now(), pointer=state.modified)
            self.target.record(id_, mark)
        self.target.shift(id_, percent, urgent=urgent)

    def _analyse(self, step: Analyse, state: State) -> None:
        """Compare once; without a verdict, wait a little, or give up when the time is over."""
        baseline = state.baseline(step.version)
        if baseline is None:
            return  # the next look finds nothing to compare with, and plans accordingly
        try:
            samples = self.target.measure(step.version, baseline, min(state.soaked, step.longest))
        except NotEvaluated as failure:
            self._await_verdict(step, state, f"{failure.what}: {failure.seen}")
            return
        found = judge(*samples, step.limits)
        seen = "; ".join(found.reasons)
        self.say(f"version {step.version} at {step.percent} %: {found.verdict}: {seen}")
        match found.verdict:
            case Verdict.PASS:
                record = state.records.get(step.version)
                attempt = record.attempts if record else 0
                mark = Analysed(attempt=attempt, percent=step.percent, samples=samples)
                self.target.record(step.version, mark)
            case Verdict.FAIL:
                what = f"version {step.version} does worse than the version in service"
                raise Unhealthy(what, seen=seen, cure="Fix the model and release again.")
            case Verdict.INCONCLUSIVE:
                self._await_verdict(step, state, seen)
            case _:
                assert_never(found.verdict)

    def _await_verdict(self, step: Analyse, state: State, seen: str) -> None:
        """Wait a little until the next comparison; raises ``NotEvaluated`` when the time for them is over."""
        left = step.longest - state.soaked
        if left <= 0:
            raise inconclusive(step.version, seen)
        self.clock.sleep(min(left, _LONGEST_SLEEP))

    def _verify(self, id_: VersionId, contract: str, percent: int, state: State) -> None:
        """Ask the tests, then remember that they passed, if it was this version that was asked."""
        try:
            self.verify(id_, percent)
        except Unhealthy:
            if self._serves(id_, percent):
                raise
            return
        record = state.records.get(id_)
        if percent == 0:
            self.target.record(id_, Checked(contract=contract))
        elif self._serves(id_, percent):
            attempt = record.attempts if record else 0
            self.target.record(id_, Passed(contract=contract, attempt=attempt, at=self._now()))

    def _serves(self, id_: VersionId, percent: int) -> bool:
        """Whether the version still has its traffic: another release may have moved it meanwhile."""
        state = self.target.observe(None)
        return percent == 0 or (state.settled and state.traffic.get(id_) == percent)

    def _go_back(self, goal: Goal, approved: Collection[Step], failure: Unhealthy | NotEvaluated) -> Never:
        """Record the verdict, then return: a run that dies on the way back is finished by the next."""
        state = self.settled(None)
        self._reject(goal.version, state, failure)
        if state.traffic.get(goal.version) == 0:  # no traffic to move: it only stops running beside
            self.target.interrupt()
            state = self.settled(None)
        back = way_back(goal, state)
        serving = state.serving
        if serving not in (None, goal.version) and (back is None or serving != back.version):
            raise _with_end(failure, f"Version {serving} serves; it was left alone.")
        if back is None:
            raise Unrestored(
                failure.what,
                seen=f"{failure.seen}\nNo version that passed here is left to go back to.".strip(),
                cure=failure.cure or "Fix the model and release again.",
            ) from failure
        if serving != back.version:
            self.say(f"going back to version {back.version}")
        try:
            self.restore(back, _whatever_attempt(back, state, approved))
        except Failure as second:
            raise Unrestored(
                f"{failure.what}; going back to version {back.version} failed too: {second.what}",
                seen=second.seen,
                cure=second.cure,
            ) from second
        raise _with_end(failure, f"Version {back.version} serves again.")

    def _reject(self, version: VersionId, state: State, failure: Unhealthy | NotEvaluated) -> None:
        """Remember how the version's present attempt ended."""
        record = state.records.get(version)
        if record is None:
            return
        if isinstance(failure, NotEvaluated):
            if not record.undecided:
                self.target.record(version, Inconclusive(attempt=record.attempts, reason=failure.seen))
        elif record.failed is None or record.failed.attempt < record.attempts:
            self.target.record(version, Failed(attempt=record.attempts, reason=failure.what))

    def _now(self) -> str:
        """The time of day as attempts and passes write it: texts compare as times do."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _whatever_attempt(back: Goal, state: State, approved: Collection[Step]) -> frozenset[Step]:
    """What was approved, whichever attempt it has become: a version that kept a share begins no new one."""
    number = next_attempt(back, state)
    shifts = {s for s in approved if isinstance(s, Shift) and s.version == back.version}
    return frozenset({*approved, *(replace(shift, attempt=number) for shift in shifts)})


def _needed(version: Version | None) -> Version:
    """The version a step makes; on the way back nothing is made."""
    if version is None:
        what = "a version to go back to lacks what it needs"
        raise Differs(what, cure="Release it again from its config.")
    return version


def _without_surprises(
    steps: Sequence[Step], approved: Collection[Step], may_wait: type[Step] | tuple[type[Step], ...]
) -> tuple[Step, ...]:
    """The steps, apart from those nobody saw in the plan and that can wait for the next release."""
    return tuple(step for step in steps if not isinstance(step, may_wait) or step in approved)


def _with_logs(failure: Unhealthy, lines: Sequence[str]) -> Unhealthy:
    """The failure, and what the containers said last."""
    said = ["The container's last log lines:", *(f"  {line}" for line in lines)] if lines else []
    return Unhealthy(failure.what, seen="\n".join([failure.seen, *said]).strip(), cure=failure.cure)


_Ended = TypeVar("_Ended", bound=Failure)


def _with_end(failure: _Ended, end: str) -> _Ended:
    """The failure, told together with how it ended."""
    return type(failure)(failure.what, seen=f"{failure.seen}\n{end}".strip(), cure=failure.cure)
