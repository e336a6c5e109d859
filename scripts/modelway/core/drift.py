"""Where the world is not what a config says: field by field, with what it is here and there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum

from modelway.core import duration
from modelway.core.config import Autoscaling, Capacity
from modelway.core.json import JsonObject
from modelway.core.plan import Goal, State, plan
from modelway.core.record import Record
from modelway.core.steps import Configure, Prepare
from modelway.core.version import Version
from modelway.core.words import describe

RELEASE, CHANGE = "release", "change the config"


class About(StrEnum):
    """What a difference is about: it decides who is asked for in CloudTrail."""

    POINTER = "pointer"
    """What serves, and its share of the traffic."""
    CAPACITY = "capacity"
    SURROUNDINGS = "surroundings"
    """What a version needs around it: alarms, permissions, autoscaling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A call somebody made, as CloudTrail remembers it."""

    who: str
    """ARN of the caller, the session's name with it."""
    what: str
    """The API's action."""
    at: str
    """ISO 8601, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field, what the config says and what there is."""

    field: str
    """As the config spells it under ``environments.<name>``, or what it is about."""
    config: str
    world: str
    about: About
    release: str
    """The way out that changes the world."""
    change: str
    """The way out that changes the config, or says that there is none."""


def differences(version: Version, goal: Goal, state: State) -> tuple[Difference, ...]:
    """Everything that differs from a release of what serves by the config as it is now.

    ``version`` is what the config makes of the image that serves; ``state`` was observed for it.
    """
    serving = state.records.get(state.serving) if state.serving else None
    if serving is None:
        return ()
    found = (*_version(version, serving), *_standing(serving, goal), *_capacity(goal, state))
    return (*found, *_steps(goal, state, tuple(found)), *_altered(state))


def unlike(state: State) -> Difference | None:
    """What serves where nothing of ours has all the traffic; ``None`` where nothing serves at all."""
    if state.foreign:
        world = f"{state.foreign}, which modelway did not make"
        return _pointer("what serves", "a version modelway made", world, "ask whoever made it, then release")
    shared = {id_: share for id_, share in state.traffic.items() if share}
    if state.serving or not shared:
        return None
    world = ", ".join(f"{id_} with {share} %" for id_, share in sorted(shared.items()))
    return _pointer("traffic", "one version with 100 %", world, "run the release again, or roll back")


def vanished(state: State) -> Difference | None:
    """That nothing serves although a version passed that nobody withdrew: somebody removed what served."""
    passed = [(one.passed.at, id_) for id_, one in state.records.items() if one.passed and not one.withdrawn]
    if state.foreign or any(state.traffic.values()) or not passed:
        return None
    return Difference(
        field="what serves",
        config=f"a version, as {max(passed)[1]}, the newest that passed here",
        world="nothing: what had the traffic is gone, or failed",
        about=About.POINTER,
        release="release that version again",
        change="take the environment out of it, once scripts/run retire has removed what is left",
    )


def _pointer(field: str, config: str, world: str, release: str) -> Difference:
    change = "no config can ask for this"
    return Difference(
        field=field, config=config, world=world, about=About.POINTER, release=release, change=change
    )


def _version(version: Version, serving: Record) -> Iterator[Difference]:
    """The weights and the settings; the image is the one that serves."""
    wanted = str(version.artifact.sha256) if version.artifact else "none"
    seen = serving.artifact or "none"
    if wanted != seen:
        yield Difference(
            field="model_artifact.sha256",
            config=wanted,
            world=seen,
            about=About.POINTER,
            release="release the config's weights",
            change=f"name {seen} in the config again",
        )
    elif version.id != serving.id:
        yield Difference(
            field="settings",
            config=f"those of version {version.id}",
            world=f"those of version {serving.id}, which serves",
            about=About.POINTER,
            release="release the config's settings",
            change="take the settings back to what they were when this version was released",
        )


def _standing(serving: Record, goal: Goal) -> Iterator[Difference]:
    """Whether what serves should: it passed these contract tests, and nobody withdrew it."""
    if serving.withdrawn:
        world = f"version {serving.id}, withdrawn: {serving.withdrawn.reason}"
        yield _pointer(
            "what serves", "a version nobody withdrew", world, "roll back, or reinstate it with a reason"
        )
    elif goal.contract is not None and (serving.passed is None or serving.passed.contract != goal.contract):
        seen = serving.passed.contract[:12] if serving.passed else None
        yield Difference(
            field="contract_tests",
            config=f"the tests {goal.contract[:12]}",
            world=f"passed the tests {seen}" if seen else "never passed",
            about=About.POINTER,
            release="release, which asks the tests",
            change="take the tests back to those it passed" if seen else "there is none: it never passed",
        )


def _capacity(goal: Goal, state: State) -> Iterator[Difference]:
    """Counts and autoscaling, each by itself."""
    if goal.capacity is None or state.capacity is None:
        return
    here, there = _counts(goal.capacity), _counts(state.capacity)
    for name in here | there:
        wanted, seen = here.get(name, "none"), there.get(name, "none")
        if wanted != seen:
            yield Difference(
                field=name,
                config=wanted,
                world=seen,
                about=About.CAPACITY,
                release=f"release, which sets it to {wanted}",
                change="remove it from the config" if seen == "none" else f"write {seen} in the config",
            )


def _counts(capacity: Capacity) -> dict[str, str]:
    """The fields of a capacity, as the config spells them."""
    counts = {"capacity.instances": str(capacity.instances)}
    if capacity.autoscaling:
        for each in fields(Autoscaling):
            counts[f"capacity.autoscaling.{each.name}"] = _spelt(getattr(capacity.autoscaling, each.name))
    return counts


def _spelt(value: object) -> str:
    """A value as a config has it."""
    match value:
        case timedelta():
            return duration.words(value)
        case float():
            return f"{value:.12g}"
        case _:
            return str(value)


def _steps(goal: Goal, state: State, found: tuple[Difference, ...]) -> Iterator[Difference]:
    """What a release would do beside: nothing that is to do stays unsaid."""
    if any(each.about is About.POINTER for each in found):
        return  # they are the steps of that release
    counted = any(each.about is About.CAPACITY for each in found)
    for step in plan(goal, state):
        match step:
            case Configure() if counted:
                continue
            case Prepare(need, _):
                field = need
            case _:
                field = type(step).__name__.lower()
        yield Difference(
            field=field,
            config=f"a release would {describe(step)}",
            world="not so",
            about=About.SURROUNDINGS,
            release="release",
            change="ask for no such thing in the config",
        )


def _altered(state: State) -> Iterator[Difference]:
    """What was changed beside the version: the same version is released already, so only the next sets it."""
    for each in state.altered:
        yield Difference(
            field=each.field,
            config=each.config,
            world=each.world,
            about=About.POINTER,
            release=f"the next release sets it; to have it now, set it to {each.config} by hand",
            change=f"write {each.world} in the config, which makes it another version",
        )


def words(place: str, difference: Difference, changes: tuple[Change, ...] | None) -> str:
    """A difference as people read it; ``None`` where CloudTrail was not asked."""
    lines = [
        f"{place}: {difference.field}",
        f"  config:  {difference.config}",
        f"  world:   {difference.world}",
        f"  changed: {_who(changes)}",
        f"  either {RELEASE}: {difference.release}",
        f"  or {CHANGE}: {difference.change}",
    ]
    return "\n".join(lines)


def _who(changes: tuple[Change, ...] | None) -> str:
    if changes is None:
        return "CloudTrail could not be asked"
    if not changes:
        return "CloudTrail names nobody in the last 90 days"
    last = changes[0]
    return f"{last.at} {last.what} by {last.who}"


def json(model: str, place: str, difference: Difference, changes: tuple[Change, ...] | None) -> JsonObject:
    """A difference for programs: ``changes`` is null where CloudTrail was not asked."""
    return {
        "model": model,
        "environment": place,
        "field": difference.field,
        "config": difference.config,
        "world": difference.world,
        "changes": None
        if changes is None
        else [{"who": each.who, "what": each.what, "at": each.at} for each in changes],
        "release": difference.release,
        "change_config": difference.change,
    }
