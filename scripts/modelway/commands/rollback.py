"""Go back to the last version that passed, or to the one named, all at once.

A release under way is what is left, if there is one: it is interrupted where the platform can, not waited
for. The version that is left is withdrawn: it is no longer a fallback and is not deployed again until
`reinstate`. So two rollbacks in a row go two versions back. With --from, running it again changes
nothing. No gate is asked: going back never waits for today's advisories. Where the registry has lost the
image to go back to, nothing is changed (exit 4); with --to that is only warned of.
"""

from __future__ import annotations

import argparse

from modelway.commands import options as shared
from modelway.core.access import reading
from modelway.core.approval import approval_back
from modelway.core.image import Digest
from modelway.core.pending_release import under_way
from modelway.core.plan import Goal, State, reopening, way_back
from modelway.core.record import Withdrawn
from modelway.core.refusals import refuse
from modelway.core.version import VersionId
from modelway.delivery import Delivery
from modelway.errors import Malformed, NotAllowed, Unavailable, Unhealthy, Unrestored
from modelway.ports import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.config(parser)
    shared.environment(parser)
    parser.add_argument("--to", metavar="ID", help="the version to go to; without it, the newest pass")
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="ID",
        help="the version to leave; if it does not serve any more, nothing is done",
    )
    parser.add_argument("--reason", default="rolled back", help="kept with the version that is left")


def run(options: argparse.Namespace, world: World) -> None:
    """Withdraw what serves, then go back."""
    delivery = shared.delivery(options, world)
    with world.reporter.stage(f"roll back {delivery.config.name} in {delivery.environment.name}"):
        state = delivery.target.observe(None)
        moving = under_way(state)
        state = state if moving else delivery.settled()
        leaving = moving or state.serving
        if options.from_ and leaving != shared.version_id(options.from_, "--from"):
            world.reporter.note(f"Version {options.from_} does not serve; {leaving or 'nothing'} does.")
            return
        goal = _goal(delivery, state, leaving, options.to)
        if leaving and leaving != goal.version:
            _refuse(goal, state)
            _refuse_lost(delivery, goal, state, named=bool(options.to))
            delivery.target.record(leaving, Withdrawn(reason=options.reason))
        if moving:
            _interrupt(delivery)
        state = delivery.settled()
        try:
            delivery.engine().restore(goal, approval_back(goal, state))
        except Unhealthy as failure:
            raise Unrestored(failure.what, seen=failure.seen, cure=failure.cure) from failure
    world.reporter.note(f"{delivery.environment.name} serves version {goal.version} again.")
    world.reporter.output("version", goal.version)


def _interrupt(delivery: Delivery) -> None:
    """Take the release under way back; where the platform has no cancel, its end is waited for."""
    try:
        delivery.target.interrupt()
    except NotAllowed as refused:
        delivery.world.reporter.note(f"{refused.what}: its end is waited for.")


def _refuse(goal: Goal, state: State) -> None:
    """Stop before anything is marked: a version nobody may go back to leaves the one that serves as it is."""
    try:
        refuse(goal, state)
    except Unhealthy as failure:
        again = f"scripts/run reinstate CONFIG {goal.version} --environment NAME --reason ..."
        cure = f"Go back to another one, or allow it again: {again}"
        raise NotAllowed(failure.what, seen=failure.seen, cure=cure) from failure


def _refuse_lost(delivery: Delivery, goal: Goal, state: State, *, named: bool) -> None:
    """Stop before anything is marked where the image to go back to is gone: no instance could pull it.

    Only a warning where somebody named the version, for it may lie elsewhere, or nobody can tell.
    """
    record, world = state.records.get(goal.version), delivery.world
    if record is None or record.adopted:  # adopted ones lie wherever they were found
        return
    try:
        registry = world.registry(reading(delivery.config).registry)
        lost = registry.manifest(Digest.parse(record.digest)) is None
    except Unavailable as failure:
        world.reporter.warn(f"whether its image is still there could not be looked at: {failure.what}")
        return
    what = f"the image of version {goal.version} is not in {registry.repository}, or lies in its archive"
    if lost and named:
        world.reporter.warn(f"{what}: unless it lies elsewhere, no instance can pull it")
    elif lost:
        others = sorted(one.id for one in state.records.values() if one.passed and one.id != goal.version)
        cure = (
            f"Nothing was changed. Push it again or restore it, or go back to another version, or to this one"
            f" all the same: --to ID (passed here: {', '.join(others) or 'no other'})."
        )
        raise NotAllowed(what, seen=record.digest, cure=cure)


def _goal(delivery: Delivery, state: State, leaving: VersionId | None, to: str | None) -> Goal:
    """Where to go back to."""
    contract = delivery.contract.hash
    capacity = delivery.goal(VersionId("")).capacity
    if to is None:
        back = way_back(Goal(version=leaving or VersionId(""), contract=contract, capacity=capacity), state)
        if back is None:
            what = f"no other version passed in {delivery.environment.name}"
            raise NotAllowed(what, cure="Release a good version instead.")
        return back
    wanted = shared.version_id(to, "--to")
    record = state.records.get(wanted)
    if record is None:
        known = ", ".join(sorted(state.records)) or "none"
        what = f"there is no version {wanted} in {delivery.environment.name}"
        raise Malformed(what, seen=f"There are: {known}.", cure="Name one of them with --to.")
    if record.passed is None:
        what = f"version {wanted} never passed in {delivery.environment.name}"
        raise NotAllowed(what, cure="Go back to one that did: `scripts/run status CONFIG` shows them.")
    same = record.passed.contract == contract
    return Goal(
        version=wanted,
        contract=contract if same else None,
        capacity=capacity,
        retry=reopening(record, state),
    )
