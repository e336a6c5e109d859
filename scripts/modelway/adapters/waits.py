"""How long to wait between two looks at something that takes its time.

Lambda lets all of an account's callers make 15 requests a second together, and every service counts those of
an account: many releases that begin at once must neither look in step nor look often.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from random import SystemRandom

_GROWTH = 1.5
_SPREAD = 0.25
"""How far a wait may be from its length, as a share of it."""
_chance = SystemRandom()


def waits(first: float, longest: float, *, within: float = inf) -> Iterator[float]:
    """Seconds, each time half as long again until ``longest``, each a quarter longer or shorter by chance.

    They end when together they are ``within`` seconds: whoever gives up then has looked often enough, however
    slow this machine or AWS is to answer.
    """
    length, waited = first, 0.0
    while waited < within:
        wait = length * _chance.uniform(1 - _SPREAD, 1 + _SPREAD)
        yield wait
        waited += wait
        length = min(length * _GROWTH, longest)
