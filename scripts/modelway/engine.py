"""Carrying out a plan: observe, plan, refuse what was not approved, do the first step, look again.

There is no state file: the world is the journal. A run that died is finished by running it again,
because steps already done no longer appear in the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import assert_never

from modelway.core.plan import (
    Blame,
    Configure,
    Goal,
    Prepare,
    Retire,
    Shift,
    Soak,
    Stage,
    Standing,
    State,
    Step,
    Verify,
    overtaken,
    plan,
    plan_back,
    standing,
    way_back,
)
from modelway.core.record import Attempt, Checked, Failed, Named, Passed
from modelway.core.version import Version, VersionId
from modelway.errors import (
    Differs,
    Failure,
    Malformed,
    NotAllowed,
    Superseded,
    Unavailable,
    Unfinished,
    Unhealthy,
    Unrestored,
)
from modelway.ports import Clock, Target

_LONGEST_SLEEP = 30.0
"""Seconds between two looks during a soak, so that an alarm is seen while it matters."""


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

    def deploy(self, version: Version, goal: Goal, approved: Collection[Step]) -> State:
        """Take the environment to ``goal``, and back where it was good if the version turns out sick.

        Raises ``Unhealthy`` when the way back was taken, ``Unrestored`` when there was none or it
        failed too, and whatever ``converge`` raises without having changed its mind about the version.
        """
        try:
            return self.converge(goal, approved, version)
        except Unhealthy as failure:
            # Before the way back starts containers that log too.
            told = _with_logs(failure, self.target.logs(goal.version))
            return self._go_back(goal, approved, told)

    def converge(self, goal: Goal, approved: Collection[Step], version: Version | None = None) -> State:
        """Take the environment to ``goal``, doing nothing outside ``approved``.

        Raises ``Differs`` when a step is needed that was not approved, ``Unhealthy`` when the version
        is sick, ``Superseded`` when another release took over meanwhile.
        """
        done: set[Step] = set()
        while True:
            state = self.settled(version)
            refuse(goal, state)
            steps = _without_surprising_retirements(plan(goal, state), approved)
            if not steps:
                return state
            _refuse_by_world(state, steps)
            _refuse_unapproved(steps, approved)
            if isinstance(steps[0], Shift) and version and not state.traffic.get(goal.version):
                # Nothing is moved forward while the way back is not approved, too.
                _refuse_unapproved(plan_back(goal, state), approved)
                _refuse_overtaken(goal, state)
            if steps[0] in done:
                raise _undone(steps[0], state)
            self._perform(steps[0], state, version, urgent=version is None)
            if not isinstance(steps[0], Soak):
                done.add(steps[0])

    def restore(self, goal: Goal, approved: Collection[Step]) -> State:
        """Go back to a version that passed once; if it is sick now, that is remembered, too."""
        try:
            return self.converge(goal, approved)
        except Unhealthy as failure:
            self._reject(goal.version, self.settled(), failure)
            raise

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
            case Prepare(need):
                self.target.prepare(need, _needed(version))
            case Stage():
                self.target.stage(_needed(version), release=self.release)
            case Shift(id_, percent, attempt):
                self._shift(id_, percent, attempt, state, urgent=urgent)
            case Soak(_, _, seconds):
                self.clock.sleep(min(max(seconds - state.soaked, 0.0), _LONGEST_SLEEP))
            case Verify(id_, contract, percent):
                self._verify(id_, contract, percent, state)
            case Configure(id_, capacity):
                self.target.configure(id_, capacity)
            case Retire(id_):
                self.target.retire(id_)
            case _:
                assert_never(step)

    def _shift(self, id_: VersionId, percent: int, attempt: int, state: State, *, urgent: bool) -> None:
        """Remember the attempt, then move the pointer: in this order, so that a crash is understood."""
        if not state.traffic.get(id_):
            record = state.records.get(id_)
            if self.release and not urgent and record and record.release != self.release:
                self.target.record(id_, Named(release=self.release))
            mark = Attempt(number=attempt, at=self._now(), pointer=state.modified)
            self.target.record(id_, mark)
        self.target.shift(id_, percent, urgent=urgent)

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

    def _go_back(self, goal: Goal, approved: Collection[Step], failure: Unhealthy) -> State:
        """Record the verdict, then return: a run that dies on the way back is finished by the next."""
        state = self.settled(None)
        self._reject(goal.version, state, failure)
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
            self.restore(back, approved)
        except Failure as second:
            raise Unrestored(
                f"{failure.what}; going back to version {back.version} failed too: {second.what}",
                seen=second.seen,
                cure=second.cure,
            ) from second
        raise _with_end(failure, f"Version {back.version} serves again.")

    def _reject(self, version: VersionId, state: State, failure: Unhealthy) -> None:
        """Remember that the version failed in its present attempt."""
        record = state.records.get(version)
        if record is None:
            return
        if record.failed is None or record.failed.attempt < record.attempts:
            self.target.record(version, Failed(attempt=record.attempts, reason=failure.what))

    def _now(self) -> str:
        """The time of day as attempts and passes write it: texts compare as times do."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def describe(step: Step) -> str:
    """A step in words."""
    match step:
        case Prepare(_, words):
            return words
        case Stage(id_):
            return f"stage version {id_}"
        case Verify(id_, _, percent):
            when = "before it has traffic" if percent == 0 else "at full traffic"
            return f"verify version {id_} with the contract tests {when}"
        case Shift(id_, percent, attempt):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            return f"shift {percent} % of the traffic to version {id_}{again}"
        case Soak(id_, percent, seconds):
            return f"watch version {id_} at {percent} % for {seconds:g} s"
        case Configure(id_, capacity):
            scaling = capacity.autoscaling
            bounds = f", autoscaling {scaling.min} to {scaling.max}" if scaling else ""
            return f"set the capacity of version {id_}: {capacity.instances} instances{bounds}"
        case Retire(id_):
            return f"delete version {id_}, which rollback no longer needs"
        case _:
            assert_never(step)


def _needed(version: Version | None) -> Version:
    """The version a step makes; on the way back nothing is made."""
    if version is None:
        what = "a version to go back to lacks what it needs"
        raise Differs(what, cure="Release it again from its config.")
    return version


def refuse(goal: Goal, state: State) -> None:
    """Stop where the version must not go on, whoever asks: withdrawn, failed, superseded, not ours."""
    id_, record = goal.version, state.records.get(goal.version)
    retried = bool(goal.retry) and (record.attempts if record else 0) <= goal.retry
    if state.foreign:
        what = f"{state.foreign} serves here and was not made by modelway"
        raise Differs(what, cure="Nothing was changed. Give the model another name, or remove what serves.")
    match standing(id_, state):
        case Standing.WITHDRAWN:
            reason = record.withdrawn.reason if record and record.withdrawn else ""
            again = f"scripts/run reinstate CONFIG {id_} --environment NAME --reason ..."
            cure = f"Release another version, or take it back: {again}"
            raise NotAllowed(f"version {id_} was withdrawn here", seen=reason, cure=cure)
        case Standing.FAILED if not retried:
            known = state.setback.cure if state.setback else ""
            fix = known or "Fix the model and release again."
            again = f"{fix} To try the same version once more: deploy --retry"
            raise Unhealthy(f"version {id_} failed here", seen=_why(goal, state), cure=again)
        case Standing.SUPERSEDED if not retried:
            what = f"another release was attempted here after version {id_}"
            raise Superseded(what, cure="Nothing to do if the newer one is wanted; else deploy --retry.")
        case Standing.OPEN if state.sick and state.traffic.get(id_):
            raise Unhealthy(
                f"version {id_} is sick", seen=state.sick, cure="Fix the model and release again."
            )
        case _:
            return


def _why(goal: Goal, state: State) -> str:
    """Why the version failed, in the best words there are: the platform's own, else the record's."""
    if state.setback:
        return state.setback.reason
    record = state.records.get(goal.version)
    return record.failed.reason if record and record.failed else "the platform took its traffic back"


def _undone(step: Step, state: State) -> Failure:
    """What it means that a step done in this run has to be done again."""
    if state.setback and state.setback.blame is Blame.PLATFORM:
        return Unavailable(
            f"the platform could not do it: {describe(step)}",
            seen=state.setback.reason,
            cure=state.setback.cure or "The version is not to blame: run it again when there is room.",
        )
    what = f"{describe(step)}: done, and undone again by somebody else"
    return Differs(what, cure="Look who else changes this environment, then run it again.")


def _refuse_by_world(state: State, steps: Collection[Step]) -> None:
    """Stop before moving traffic into something known not to work."""
    if not (state.obstacles and any(isinstance(step, Shift) for step in steps)):
        return
    first = state.obstacles[0]
    rest = "\n".join(f"{o.what}. {o.cure}" for o in state.obstacles[1:])
    kind = Malformed if first.by_config else Unavailable
    raise kind(first.what, seen="\n".join(part for part in (first.seen, rest) if part), cure=first.cure)


def _refuse_overtaken(goal: Goal, state: State) -> None:
    """Stop before an older release replaces a newer one."""
    newer = overtaken(goal, state)
    if newer:
        what = f"release {goal.release} was overtaken by {newer.release} (version {newer.id})"
        cure = "Nothing to do if the newer one is wanted. If this one has to go out all the same: --hotfix"
        raise Superseded(what, cure=cure)


def _without_surprising_retirements(steps: Sequence[Step], approved: Collection[Step]) -> tuple[Step, ...]:
    """The steps, apart from deletions nobody saw in the plan: those can wait for the next release."""
    return tuple(step for step in steps if not isinstance(step, Retire) or step in approved)


def _refuse_unapproved(steps: Collection[Step], approved: Collection[Step]) -> None:
    """Stop before doing what nobody saw in the plan."""
    unexpected = [describe(step) for step in steps if step not in approved]
    if unexpected:
        raise Differs(
            "the environment changed since the plan was made",
            seen="Not in the plan: " + "; ".join(unexpected),
            cure="Plan again and look at what changed.",
        )


def _with_logs(failure: Unhealthy, lines: Sequence[str]) -> Unhealthy:
    """The failure, and what the containers said last."""
    said = ["The container's last log lines:", *(f"  {line}" for line in lines)] if lines else []
    return Unhealthy(failure.what, seen="\n".join([failure.seen, *said]).strip(), cure=failure.cure)


def _with_end(failure: Unhealthy, end: str) -> Unhealthy:
    """The failure, told together with how it ended."""
    return Unhealthy(failure.what, seen=f"{failure.seen}\n{end}".strip(), cure=failure.cure)
