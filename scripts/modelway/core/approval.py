"""What a run may do where no plan file was approved: what is planned as it begins, and no more."""

from __future__ import annotations

from dataclasses import replace

from modelway.core.plan import Goal, State, closed, plan, plan_back, way_back
from modelway.core.steps import Configure, Step


def approval(goal: Goal, state: State) -> frozenset[Step]:
    """What is allowed where nobody approved a plan: what is planned now, there and back.

    An attempt that is over already is only gone back from, and that way may have been begun before.
    """
    record, back = state.records.get(goal.version), way_back(goal, state)
    begun = plan(back, replace(state, needs=())) if back and record and closed(record) else ()
    return frozenset((*plan(goal, state), *plan_back(goal, state), *begun))


def approval_back(back: Goal, state: State) -> frozenset[Step]:
    """What going back takes now; the capacity is set again where the change itself loses it."""
    capacity = {Configure(back.version, back.capacity)} if back.capacity else set[Step]()
    return frozenset({*plan(back, state), *capacity})
