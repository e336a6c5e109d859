"""A model is asked again where nothing answered yet, and never where it answered or took too long."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from modelway.adapters.asking import ask
from tests.fakes import FakeClock

COLD = ClientError({"Error": {"Code": "ModelNotReadyException"}}, "InvokeEndpoint")
CLOSED = ConnectionClosedError(endpoint_url="https://kept")


class Model:
    """Fails in these ways, one after the other, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


@pytest.mark.parametrize(
    "failure",
    [
        COLD,
        CLOSED,
        EndpointConnectionError(endpoint_url="https://nobody"),
        ConnectTimeoutError(endpoint_url="https://far"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_did_not_answer_yet_is_asked_again(failure: Exception) -> None:
    model, clock = Model(failure, failure), FakeClock()
    assert ask(model, {"ModelNotReadyException"}, clock) == "answer"
    assert model.asked == len(clock.slept) + 1 == 3


@pytest.mark.parametrize(
    "failure",
    [
        ReadTimeoutError(endpoint_url="https://slow"),
        ClientError({"Error": {"Code": "ModelError"}}, "InvokeEndpoint"),
        ValueError("ours"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_any_other_failure_is_told_at_once(failure: Exception) -> None:
    model = Model(failure)
    with pytest.raises(type(failure)):
        ask(model, {"ModelNotReadyException"}, FakeClock())
    assert model.asked == 1


def test_it_is_not_asked_for_ever() -> None:
    model = Model(*[CLOSED] * 20)
    with pytest.raises(ConnectionClosedError):
        ask(model, (), FakeClock())
    assert model.asked < 10
