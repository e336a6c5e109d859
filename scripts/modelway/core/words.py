"""A plan's steps, and how a version stands, in words for people."""

from __future__ import annotations

from typing import assert_never

from modelway.core.config import Analysis
from modelway.core.plan import Standing, State, standing
from modelway.core.record import Record
from modelway.core.steps import (
    Analyse,
    Configure,
    Pause,
    Prepare,
    Retire,
    Shift,
    Soak,
    Stage,
    Step,
    Verify,
    Watching,
)


def describe(step: Step) -> str:
    """A step in words."""
    match step:
        case Verify() | Soak() | Analyse() | Pause():
            return _watching(step)
        case Prepare(_, words):
            return words
        case Stage(id_):
            return f"stage version {id_}"
        case Shift(id_, percent, attempt):
            again = f" (attempt {attempt})" if attempt > 1 else ""
            share = f"shift {percent} % of the traffic to version {id_}"
            return (share if percent else f"run version {id_} beside what serves, without traffic") + again
        case Configure(id_, capacity):
            scaling = capacity.autoscaling
            bounds = f", autoscaling {scaling.min} to {scaling.max}" if scaling else ""
            return f"set the capacity of version {id_}: {capacity.instances} instances{bounds}"
        case Retire(id_):
            return f"delete version {id_}, which rollback no longer needs"
        case _:
            assert_never(step)


def _watching(step: Watching) -> str:
    """What is watched, and until when."""
    match step:
        case Verify(id_, _, percent):
            when = "before it has traffic" if percent == 0 else "at full traffic"
            return f"verify version {id_} with the contract tests {when}"
        case Soak(id_, percent, seconds):
            return f"watch version {id_} at {percent} % for {seconds:g} s"
        case Analyse(id_, percent, _, limits):
            return f"compare version {id_} at {percent} % with the version in service: {_limits(limits)}"
        case Pause(id_, percent):
            return f"wait at {percent} % until a person goes on with version {id_} (deploy --continue)"
        case _:
            assert_never(step)


def _limits(limits: Analysis) -> str:
    """What the comparison allows."""
    errors, latency = limits.error_rate_increase, limits.latency_p95_ratio
    allowed = [
        f"at most {errors:g} points more errors" if errors is not None else "",
        f"at most {latency:g} times its latency" if latency is not None else "",
        f"over {limits.min_requests} requests or more",
    ]
    return ", ".join(part for part in allowed if part)


def stands(record: Record, state: State) -> str:
    """How a version stands in its environment, in one word."""
    if record.id == state.serving:
        return "serves"
    match standing(record.id, state):
        case Standing.WITHDRAWN:
            return "withdrawn"
        case Standing.FAILED:
            return "failed"
        case Standing.SUPERSEDED:
            return "superseded"
        case _:
            return "fallback" if record.passed else "staged"
