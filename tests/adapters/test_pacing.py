"""Asking AWS less often once it refused, and as often as before when it does no more."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ClientError

from modelway.adapters.aws import Accounts
from modelway.adapters.pacing import Pace
from tests.fakes import FakeClock
from tests.sweeps.wire import without_waiting

if TYPE_CHECKING:
    import boto3


def middle(low: float, high: float) -> float:
    """No chance in it."""
    return (low + high) / 2


def test_nobody_waits_who_was_never_refused() -> None:
    pace = Pace(middle)
    assert [pace.wait(0.0) for _ in range(100)] == [0.0] * 100


def test_a_refusal_is_a_pause_and_then_calls_apart() -> None:
    pace = Pace(middle)
    pace.refuse(0.0)
    first = pace.wait(0.0)
    assert first == 50
    assert 4 < pace.wait(first) < 10


def test_who_is_refused_once_asks_as_before_some_minutes_later() -> None:
    pace = Pace(middle)
    pace.refuse(0.0)
    assert pace.wait(400.0) == 0
    assert pace.wait(400.0) == 0


def test_calls_refused_together_count_once() -> None:
    one, three = Pace(middle), Pace(middle)
    one.refuse(0.0)
    for now in (0.0, 1.0, 5.0):
        three.refuse(now)
    assert three.apart(60.0) == one.apart(60.0) > 0


def test_who_is_refused_again_asks_less_often_for_longer_but_never_more_than_half_a_minute_apart() -> None:
    pace, once = Pace(middle), Pace(middle)
    once.refuse(0.0)
    pace.refuse(0.0)
    pace.refuse(60.0)
    assert pace.apart(240.0) > once.apart(180.0)
    for number in range(2, 20):
        pace.refuse(100.0 * number)
    assert pace.apart(1900.0) <= 30


class Aws:
    """Answers calls without a network; some of them with a refusal."""

    def __init__(self, code: str) -> None:
        self.code, self.refusals, self.calls = code, 0, 0

    def __call__(self, request: object, **_: object) -> AWSResponse:
        del request
        self.calls += 1
        refused = self.refusals > 0
        self.refusals -= refused
        body = f'{{"__type": "{self.code}", "message": "Rate exceeded"}}' if refused else "{}"
        raw: Any = io.BytesIO(body.encode())
        raw.stream = lambda: iter([raw.read()])
        return AWSResponse("https://aws", 400 if refused else 200, HTTPHeaders(), raw)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials nobody checks."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    without_waiting(monkeypatch, lambda _: None)


def session_of(aws: Aws, clock: FakeClock) -> boto3.Session:
    """A session of the caller's own account, whose calls this AWS answers."""
    accounts = Accounts(clock)
    accounts.__dict__["caller"] = ("111111111111", "arn:aws:iam::111111111111:user/a")
    session = accounts.session("111111111111", "eu-west-1", "any")
    session.core.get_component("event_emitter").register_last("before-send", aws)  # type: ignore[attr-defined] # ours
    return session


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("code", "held"), [("ThrottlingException", True), ("ClusterNotFoundException", False)]
)
def test_clients_of_an_account_keep_its_pace(code: str, *, held: bool) -> None:
    clock, aws = FakeClock(), Aws(code)
    session = session_of(aws, clock)
    one, other = session.client("ecs"), session.client("ecs")
    one.list_clusters()
    assert sum(clock.slept) == 0
    aws.refusals = 1
    with suppress(ClientError):
        one.list_clusters()
    paused = sum(clock.slept)
    other.list_clusters()
    assert (paused > 0) == (sum(clock.slept) > paused) == held
    assert aws.calls == 3 + held


@pytest.mark.usefixtures("signed_in")
def test_users_questions_are_never_held_up() -> None:
    clock, aws = FakeClock(), Aws("TooManyRequestsException")
    client = session_of(aws, clock).client("lambda")
    aws.refusals = 1
    client.invoke(FunctionName="iris", Payload=b"[1]")
    assert sum(clock.slept) == 0
