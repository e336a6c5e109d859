"""Ending the release that is under way in an environment, whoever carries it out."""

from __future__ import annotations

from modelway.core.pending_release import under_way
from modelway.core.plan import Goal, State
from modelway.core.version import VersionId
from modelway.delivery import Delivery
from modelway.errors import NotAllowed


def abort(delivery: Delivery, reason: str, only: VersionId | None = None) -> None:
    """Mark the attempt as failed and go back at once, waiting for nothing; raises where there is none."""
    state = delivery.target.observe(None)
    version = under_way(state)
    if version is None or only not in (None, version):
        raise _nothing(delivery.environment.name, state, only, version)
    goal = Goal(version=version, contract=delivery.contract.hash, capacity=delivery.target.capacity)
    end = delivery.engine().abort(goal, reason)
    report = delivery.world.reporter
    report.note(f"The release of version {version} was aborted. {end}")
    report.output("version", delivery.target.observe(None).serving or "")
    report.output("environment", delivery.environment.name)


def _nothing(place: str, state: State, only: VersionId | None, version: VersionId | None) -> NotAllowed:
    """No release, or that of another version, is under way."""
    which = f"of version {only} " if only else ""
    serves = f"Version {state.serving} serves." if state.serving else "No version has all the traffic."
    moving = f" Under way is version {version}." if version else ""
    cure = "To leave the version that serves: scripts/run rollback CONFIG --environment NAME"
    return NotAllowed(f"no release {which}is under way in {place}", seen=serves + moving, cure=cure)
