"""Removing a model from an environment: everything modelway made for it, and nothing else.

All is looked at before anything is deleted, and every thing is found by its own name: a run that died
anywhere is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from modelway.core import drift
from modelway.core.config import Environment, ModelConfig
from modelway.core.estate import Removal
from modelway.core.pending_release import under_way
from modelway.errors import Differs, NotAllowed, Unfinished
from modelway.ports import Target, World

QUIET = 900.0
"""Seconds without a request after which nobody is taken to use a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """What would be deleted in one environment, and the target that deletes it."""

    target: Target
    removal: Removal


def look(world: World, config: ModelConfig, names: Sequence[str]) -> tuple[Retirement, ...]:
    """What would be deleted, the last environment first.

    Raises ``Differs`` where something else serves than what modelway made, ``Unfinished`` while a release is
    under way.
    """
    return tuple(_look(world, config, config.environments[name]) for name in reversed(names))


def _look(world: World, config: ModelConfig, place: Environment) -> Retirement:
    target = world.target(config, replace(place, deploy_role=place.retire_role))
    state, where = target.observe(None), f"{config.name} in {place.name}"
    if state.foreign:
        what = f"{where} was not removed: {state.foreign} serves and was not made by modelway"
        raise Differs(what, cure="Ask whoever made it. What modelway made is removed once it is gone.")
    things = target.estate.things()
    going = any(thing.going for thing in things)
    if not going and (under_way(state) or not state.settled):
        cure = "Wait for its end, or stop it: scripts/run deploy CONFIG --environment NAME --abort REASON"
        raise Unfinished(f"{where} was not removed: a release is under way", cure=cure)
    if not going and (other := drift.unlike(state)):
        raise Differs(f"{where} was not removed: {other.world} serves", cure=other.release)
    return Retirement(
        target=target,
        removal=Removal(
            environment=place.name,
            account=place.account,
            region=place.region,
            things=things,
            requests=target.estate.requests(QUIET) if things else 0,
        ),
    )


def refuse_used(config: ModelConfig, planned: Sequence[Retirement]) -> None:
    """Stop where somebody still asks the model, or nobody can tell; raises ``NotAllowed``."""
    used = [one.removal for one in planned if one.removal.use]
    if used:
        seen = ", ".join(one.use for one in used)
        known = any(one.requests for one in used)
        what = f"{config.name} is still used" if known else f"{config.name} may still be used"
        told = f"Requests in the last {QUIET / 60:g} minutes: {seen}."
        cure = "Find the callers and move them. To delete it under them all the same: --although-used"
        raise NotAllowed(what, seen=told, cure=cure)


def carry_out(world: World, planned: Sequence[Retirement]) -> Iterator[str]:
    """Delete thing by thing; yields what was deleted."""
    for one in planned:
        for thing in one.removal.things:
            world.reporter.progress(f"deleting {thing.words}")
            one.target.estate.remove(thing)
            yield f"{one.removal.environment}: deleted {thing.words}"
