"""Durations as configs write them: a whole number and a unit, ``90s``, ``10m``, ``1h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse(text: str) -> timedelta:
    """Read a duration; raise ``ValueError`` for anything else."""
    found = _DURATION.fullmatch(text)
    if found is None:
        msg = f"not a duration: {text!r}"
        raise ValueError(msg)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def words(duration: timedelta) -> str:
    """Write a duration in the largest unit that fits without a rest."""
    seconds = int(duration.total_seconds())
    for unit in "dhm":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def of_seconds(seconds: float) -> str:
    """Write so many seconds as a duration."""
    return words(timedelta(seconds=seconds))
