"""How long to wait between two looks at something that takes its time.

Lambda lets all of an account's callers make 15 requests a second together, and every service counts those of
an account: many releases that begin at once must neither look in step nor look often.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import SystemRandom

_GROWTH = 1.5
_SPREAD = 0.25
"""How far a wait may be from its length, as a share of it."""
_chance = SystemRandom()


def waits(first: float, longest: float) -> Iterator[float]:
    """Seconds, each time half as long again until ``longest``, each a quarter longer or shorter by chance."""
    length = first
    while True:
        yield length * _chance.uniform(1 - _SPREAD, 1 + _SPREAD)
        length = min(length * _GROWTH, longest)
