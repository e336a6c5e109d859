"""Faults that share a release: which attempts meet them, and that each call meets each."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError

from tests.sweeps.cases import places
from tests.sweeps.test_sweeps import TOGETHER, in_turn, together
from tests.sweeps.wire import Mishap, Wire

CALLS = ["s3.HeadObject", "ecs.DescribeServices", "ecs.UpdateService", "ecs.DescribeServices"]


def test_a_call_made_again_counts_as_one_more() -> None:
    """The first look is made twice, so the second is the third attempt."""
    assert places(CALLS, [2, 4]) == [("DescribeServices", 1), ("DescribeServices", 3)]


def test_what_shares_a_name_in_two_services_is_counted_together() -> None:
    assert places(["ecs.TagResource", "lambda.TagResource"], [2]) == [("TagResource", 2)]


def test_each_place_meets_the_mishap_once() -> None:
    wire = Wire()
    wire.expect_each(Mishap.TIMEOUT, places(CALLS, [2, 4]))
    request = cast("AWSPreparedRequest", SimpleNamespace(url="http://127.0.0.1"))
    for call in CALLS:
        try:
            wire.before_send(request, f"before-send.{call}")
        except ReadTimeoutError:
            wire.before_send(request, f"before-send.{call}")
    assert wire.calls == [CALLS[0], CALLS[1], CALLS[1], CALLS[2], CALLS[3], CALLS[3]]
    assert wire.met == wire.places


@pytest.mark.parametrize("mishap", [Mishap.DROPPED, Mishap.ERROR_ON, Mishap.KILLED_AFTER])
def test_every_call_is_disturbed_and_those_of_one_release_are_far_apart(mishap: Mishap) -> None:
    numbers = range(1, 104)
    groups = together(numbers, mishap)
    assert sorted(number for group in groups for number in group) == list(numbers)
    assert max(map(len, groups)) == (TOGETHER if mishap is Mishap.DROPPED else 1)
    assert all(two - one >= 12 for group in groups for one, two in pairwise(group))


def test_a_release_that_fails_in_turn_writes_something_between_each_two() -> None:
    calls = ["a.GetOne", "a.ListTwo", "a.PutOne", "a.GetOne", "a.PutTwo", "a.GetOne", "a.ListTwo"]
    assert in_turn([1, 2, 3, 4, 5, 6, 7], calls) == [[1, 4, 6], [2, 5, 7], [3]]


def test_calls_count_once_what_has_to_come_first_was_sent() -> None:
    """What is made again on the way, or is not waited for, does no harm."""
    wire, seen = Wire(), list[int]()
    wire.expect(None, 1, 1, operation="GetOne")
    wire.awaited, wire.meanwhile = ["a.PutOne", "a.PutTwo"], lambda: seen.append(len(wire.calls))
    request = cast("AWSPreparedRequest", SimpleNamespace(url="http://127.0.0.1"))
    for call in (
        "a.GetOne",
        "a.PutOne",
        "a.GetOne",
        "a.PutOne",
        "a.PutTwo",
        "a.ListTwo",
        "a.GetOne",
        "a.GetOne",
    ):
        wire.before_send(request, f"before-send.{call}")
    assert seen == [7]
