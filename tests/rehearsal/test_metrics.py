"""Raw data and its statistics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.rehearsal.metric_math import NotRehearsedError
from modelway.rehearsal.metrics import Metric, Point, Store, buckets, percentile, point, series, statistic

METRIC = Metric(namespace="N", name="M")
HUNDRED = [point(0, value) for value in range(1, 101)]
SET = Point(time=0, low=1, high=9, total=20, count=4)

STATISTICS = {"Sum": 5050, "Average": 50.5, "Minimum": 1, "Maximum": 100, "SampleCount": 100, "p50": 50.5}


@pytest.mark.parametrize("stat", STATISTICS)
def test_statistics_of_one_to_a_hundred(stat: str) -> None:
    assert statistic(stat, HUNDRED) == pytest.approx(STATISTICS[stat])


def test_percentiles_are_between_neighbours() -> None:
    assert percentile(99, HUNDRED) == pytest.approx(99.01)
    assert percentile(99.9, [point(0, 1, count=998), point(0, 7, count=2)]) == pytest.approx(7)


def test_a_set_of_statistics_has_an_average_and_no_percentile() -> None:
    assert statistic("Average", [SET]) == 5
    assert statistic("p99", [SET]) is None


def test_an_unknown_statistic_is_said() -> None:
    with pytest.raises(NotRehearsedError, match="tm90"):
        statistic("tm90", HUNDRED)


def test_buckets_begin_at_multiples() -> None:
    assert list(buckets(65, 181, 60)) == [60, 120, 180]
    assert list(buckets(60, 120, 60)) == [60]


def test_a_period_without_data_has_no_value() -> None:
    assert series([point(1, 1), point(2, 2), point(121, 5)], "Sum", 60) == {0: 3, 120: 5}


@given(st.lists(st.floats(0, 1000), max_size=30), st.floats(0, 1000), st.floats(0, 1000))
def test_a_store_keeps_order_whatever_came_first(times: list[float], one: float, other: float) -> None:
    store, (start, end) = Store(), sorted((one, other))
    for time in times:
        store.put(METRIC, point(time, 1))
    found = [each.time for each in store.between(METRIC, start, end)]
    assert found == sorted(time for time in times if start <= time < end)
