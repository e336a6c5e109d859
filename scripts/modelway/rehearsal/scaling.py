"""How many instances target tracking wants: a pure decision, one a minute.

docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html: out after
three minutes above the target, in after fifteen below nine tenths of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

_MINUTES_TO_OUT, _MINUTES_TO_IN = 3, 15
_IN_BELOW = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A scalable target's range."""

    low: int
    high: int

    def clamp(self, count: int) -> int:
        """The nearest count in range."""
        return max(self.low, min(self.high, count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Invocations an instance should have in a minute."""

    target: float
    can_scale_in: bool = True


def desired(now: int, bounds: Bounds, policy: Policy, minutes: Sequence[float]) -> int:
    """The count wanted after these minutes of invocations an instance, newest last."""
    out, quiet = minutes[-_MINUTES_TO_OUT:], minutes[-_MINUTES_TO_IN:]
    if len(out) == _MINUTES_TO_OUT and min(out) > policy.target:
        return bounds.clamp(max(now, ceil(now * out[-1] / policy.target)))
    is_quiet = len(quiet) == _MINUTES_TO_IN and max(quiet) < policy.target * _IN_BELOW
    if is_quiet and policy.can_scale_in:
        return bounds.clamp(min(now, max(1, ceil(now * max(quiet) / policy.target))))
    return bounds.clamp(now)
