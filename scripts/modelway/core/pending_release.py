"""Which version's release has not ended, whoever carries it out."""

from __future__ import annotations

from modelway.core.plan import FULL, Standing, State, closed, standing
from modelway.core.version import VersionId


def under_way(state: State) -> VersionId | None:
    """The version whose release has not ended: it may be anywhere between its attempt and its pass.

    Not one that others are given up for: who goes back to a version, which is done all at once, is not
    releasing it.
    """
    attempts = [(record.attempt.at, record.id) for record in state.records.values() if record.attempt]
    if not attempts:
        return None
    last, *before = (state.records[id_] for _, id_ in sorted(attempts, reverse=True))
    share = state.traffic.get(last.id)
    at_once = share in {None, FULL} or (share == 0 and not state.settled)
    if last.passed and before and closed(before[0]) and at_once:
        return None
    moving = not state.settled or (share is not None and share < FULL)
    open_ = standing(last.id, state) is Standing.OPEN
    return last.id if open_ or (moving and closed(last)) else None
