"""The raw data behind CloudWatch's answers, and the statistics computed from it.

Pure but for its lock: times are seconds since 1970 and come from outside.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import floor
from threading import Lock

from modelway.rehearsal.metric_math import NotRehearsedError, Series

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_LONGEST = 1_000_000
"""Points kept of one metric: older ones go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What data is stored under: CloudWatch answers for exactly these dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value seen ``count`` times, or a set of statistics somebody computed."""

    time: float
    low: float
    high: float
    total: float
    count: float
    unit: str = "None"

    @property
    def is_raw(self) -> bool:
        """Whether the values themselves are known: percentiles need them."""
        return self.low == self.high


def point(time: float, value: float, unit: str = "None", count: float = 1) -> Point:
    """One value, seen so many times."""
    return Point(time=time, low=value, high=value, total=value * count, count=count, unit=unit)


@dataclass(frozen=True, slots=True)
class Store:
    """All metrics of one account and region."""

    _points: dict[Metric, list[Point]] = field(default_factory=lambda: defaultdict(list))
    _lock: Lock = field(default_factory=Lock)

    def put(self, metric: Metric, new: Point) -> None:
        """Keep one point, in order of time."""
        with self._lock:
            points = self._points[metric]
            if points and points[-1].time > new.time:
                points.insert(bisect_left(points, new.time, key=lambda each: each.time), new)
            else:
                points.append(new)
            if len(points) > _LONGEST:
                del points[: _LONGEST // 10]

    def between(self, metric: Metric, start: float, end: float) -> list[Point]:
        """The points of ``start <= time < end``."""
        with self._lock:
            points = self._points.get(metric, [])
            first = bisect_left(points, start, key=lambda each: each.time)
            return points[first : bisect_left(points, end, lo=first, key=lambda each: each.time)]

    def metrics(self) -> list[Metric]:
        """Every metric that has data."""
        with self._lock:
            return list(self._points)


def buckets(start: float, end: float, period: float) -> Iterator[float]:
    """The starts of the periods that touch ``start`` to ``end``; periods begin at multiples of themselves."""
    index = floor(start / period)
    while index * period < end:
        yield index * period
        index += 1


def series(points: Iterable[Point], stat: str, period: float) -> Series:
    """One value a period that has data; raises ``NotRehearsedError`` for an unknown statistic."""
    by_period: Mapping[float, list[Point]] = defaultdict(list)
    for each in points:
        by_period[floor(each.time / period) * period].append(each)
    values = {start: statistic(stat, group) for start, group in sorted(by_period.items())}
    return {start: value for start, value in values.items() if value is not None}


def statistic(stat: str, points: list[Point]) -> float | None:
    """A statistic of at least one point; ``None`` where the data cannot tell."""
    match stat:
        case "Sum":
            return sum(each.total for each in points)
        case "SampleCount":
            return sum(each.count for each in points)
        case "Average":
            return sum(each.total for each in points) / sum(each.count for each in points)
        case "Minimum":
            return min(each.low for each in points)
        case "Maximum":
            return max(each.high for each in points)
        case _:
            if found := _PERCENTILE.fullmatch(stat):
                return percentile(float(found[1]), points)
            msg = f"statistic {stat}"
            raise NotRehearsedError(msg)


def percentile(rank: float, points: list[Point]) -> float | None:
    """Interpolate between the two nearest values; CloudWatch has none for sets of statistics either."""
    if not all(each.is_raw for each in points):
        return None
    values = sorted(value for each in points for value in [each.low] * max(int(each.count), 1))
    position = rank / 100 * (len(values) - 1)
    below = floor(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)
