"""A plan's steps in words, for people."""

from __future__ import annotations

from typing import assert_never

from modelway.core.plan import Configure, Prepare, Retire, Shift, Soak, Stage, Step, Verify


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
