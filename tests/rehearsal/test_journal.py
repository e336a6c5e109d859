"""What the cloud's log of AWS calls tells of a release."""

from __future__ import annotations

import pytest

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import journal


def line(number: int, operation: str, **more: str | int) -> JsonObject:
    plain: dict[str, Json] = {
        "number": number,
        "account": "1",
        "service": "sagemaker",
        "operation": operation,
        "resource": "e",
        "status": 200,
        "fault": "",
        "time": 0.0,
        "principal": "p",
        "region": "r",
    }
    return {**plain, **more}


def test_a_call_that_was_refused_and_repeated_is_not_done_twice() -> None:
    log = journal.entries(
        [
            line(1, "CreateModel", status=400, fault="throttle"),
            line(2, "CreateModel"),
            line(3, "DescribeModel"),
        ]
    )
    assert journal.twice(log) == ()


@pytest.mark.parametrize(("fault", "doubled"), [("kill_after", 1), ("kill_before", 0), ("drop_after", 1)])
def test_a_call_whose_answer_never_came_counts_if_it_took_effect(fault: str, doubled: int) -> None:
    log = journal.entries([line(1, "UpdateEndpoint", status=0, fault=fault), line(2, "UpdateEndpoint")])
    assert len(journal.twice(log)) == doubled


def test_the_same_call_in_two_accounts_or_for_two_things_is_not_twice() -> None:
    log = journal.entries(
        [line(1, "CreateModel"), line(2, "CreateModel", account="2"), line(3, "CreateModel", resource="f")]
    )
    assert journal.twice(log) == ()


def test_faults_are_counted_and_kills_named() -> None:
    log = journal.entries(
        [
            line(1, "DescribeImages", service="ecr", fault="throttle", status=400),
            line(2, "DescribeImages", service="ecr", fault="throttle", status=400),
            line(3, "CreateModel", fault="kill_after", status=0),
        ]
    )
    assert journal.faults(log) == (
        "faults met: ecr 2 x throttle",
        "the client was killed after sagemaker CreateModel (e) took effect",
    )


def test_users_requests_are_not_the_clients_calls() -> None:
    user = "arn:aws:sts::2:assumed-role/rehearsal/modelway-rehearsal-laptop"
    log = journal.entries([line(1, "CreateModel"), line(2, "InvokeEndpoint", principal=user)])
    assert journal.by_the_client(log) == 1
    assert journal.last(log) == 2
