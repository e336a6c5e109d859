"""What a release may not do as things stand: each refusal says why, and what to do."""

from __future__ import annotations

from collections.abc import Collection

from modelway.core.overtaking import overtaken
from modelway.core.plan import Blame, Goal, Standing, State, standing
from modelway.core.steps import Pause, Shift, Step
from modelway.core.version import VersionId
from modelway.core.words import describe
from modelway.errors import (
    Differs,
    Failure,
    Malformed,
    NotAllowed,
    NotEvaluated,
    Superseded,
    Unavailable,
    Unfinished,
    Unhealthy,
)


def refuse(goal: Goal, state: State) -> None:
    """Stop where the version must not go on, whoever asks: withdrawn, failed, superseded, not ours."""
    id_, record = goal.version, state.records.get(goal.version)
    retried = bool(goal.retry) and (record.attempts if record else 0) <= goal.retry
    if state.foreign:
        what = f"{state.foreign} serves here and was not made by modelway"
        cure = (
            "Nothing was changed. Take it over (scripts/run adopt --help), give the model another name, or "
            "remove what serves."
        )
        raise Differs(what, cure=cure)
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
        case Standing.INCONCLUSIVE if not retried:
            reason = record.inconclusive.reason if record and record.inconclusive else ""
            raise inconclusive(id_, reason)
        case Standing.SUPERSEDED if not retried:
            what = f"another release was attempted here after version {id_}"
            raise Superseded(what, cure="Nothing to do if the newer one is wanted; else deploy --retry.")
        case Standing.OPEN if state.sick and state.traffic.get(id_):
            raise Unhealthy(
                f"version {id_} is sick", seen=state.sick, cure="Fix the model and release again."
            )
        case _:
            return


def paused(step: Pause) -> Unfinished:
    """A person is waited for, however often the release is started again."""
    what = f"version {step.version} waits at {step.percent} % of the traffic until a person goes on"
    cure = (
        "Go on: scripts/run deploy CONFIG --environment NAME --continue, with the same image. "
        "Take it back: the same with --abort REASON."
    )
    return Unfinished(what, cure=cure)


def inconclusive(version: VersionId, seen: str) -> NotEvaluated:
    """Nobody can tell whether the version is well: that is no pass, and nothing against it."""
    what = f"version {version} could not be compared with the version in service"
    cure = (
        "Try the same version once more when there is more traffic: deploy --retry. "
        "Or allow rollout.analysis a smaller min_requests or a longer max_wait."
    )
    return NotEvaluated(what, seen=seen, cure=cure)


def _why(goal: Goal, state: State) -> str:
    """Why the version failed, in the best words there are: the platform's own, else the record's."""
    if state.setback:
        return state.setback.reason
    record = state.records.get(goal.version)
    return record.failed.reason if record and record.failed else "the platform took its traffic back"


def undone(step: Step, state: State) -> Failure:
    """What it means that a step done in this run has to be done again."""
    if state.setback and state.setback.blame is Blame.PLATFORM:
        return Unavailable(
            f"the platform could not do it: {describe(step)}",
            seen=state.setback.reason,
            cure=state.setback.cure or "The version is not to blame: run it again when there is room.",
        )
    what = f"{describe(step)}: done, and undone again by somebody else"
    return Differs(what, cure="Look who else changes this environment, then run it again.")


def refuse_by_world(state: State, steps: Collection[Step]) -> None:
    """Stop before moving traffic into something known not to work."""
    if not (state.obstacles and any(isinstance(step, Shift) for step in steps)):
        return
    first = state.obstacles[0]
    rest = "\n".join(f"{o.what}. {o.cure}" for o in state.obstacles[1:])
    kind = Malformed if first.by_config else Unavailable
    raise kind(first.what, seen="\n".join(part for part in (first.seen, rest) if part), cure=first.cure)


def refuse_overtaken(goal: Goal, state: State) -> None:
    """Stop before an older release replaces a newer one."""
    newer = overtaken(goal, state)
    if newer:
        what = f"release {goal.release} was overtaken by {newer.release} (version {newer.id})"
        cure = "Nothing to do if the newer one is wanted. If this one has to go out all the same: --hotfix"
        raise Superseded(what, cure=cure)


def refuse_unapproved(steps: Collection[Step], approved: Collection[Step]) -> None:
    """Stop before doing what nobody saw in the plan."""
    unexpected = [describe(step) for step in steps if step not in approved]
    if unexpected:
        raise Differs(
            "the environment changed since the plan was made",
            seen="Not in the plan: " + "; ".join(unexpected),
            cure="Plan again and look at what changed.",
        )
