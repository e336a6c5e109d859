"""Whether an older release would replace a newer one: releases named by semantic versions are compared."""

from __future__ import annotations

from modelway.core.plan import Goal, State
from modelway.core.record import Record
from modelway.core.semver import SemVer, parse


def overtaken(goal: Goal, state: State) -> Record | None:
    """A record whose release is a higher semantic version than the goal's, and was attempted here.

    One that a person withdrew does not count: going back below it is what they wanted.
    """
    own = _semantic(goal.release)
    if own is None or goal.hotfix:
        return None
    higher = [
        (release, record)
        for record in state.records.values()
        if record.attempt and not record.withdrawn and record.id != goal.version
        if (release := _semantic(record.release)) and release > own
    ]
    return max(higher, key=lambda pair: pair[0], default=(None, None))[1]


def _semantic(release: str) -> SemVer | None:
    """The release's name as a semantic version, if it is one."""
    try:
        return parse(release)
    except ValueError:
        return None
