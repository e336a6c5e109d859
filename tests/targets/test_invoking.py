"""Asking through AWS's own data planes: what is busy is asked again, what cannot be reached is no crash."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from modelway.errors import Unavailable
from modelway.ports import HttpAnswer, HttpRequest
from modelway.targets.aws_lambda import runtime as aws_lambda
from modelway.targets.sagemaker import runtime as sagemaker
from tests.fakes import FakeClock

QUESTION = HttpRequest(body=b"[1]")


class Client:
    """Answers 200 ``[0]`` as either service does, after these failures."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def invoke(self, **_: object) -> dict[str, Any]:
        self._fail()
        return {"Payload": io.BytesIO(json.dumps({"statusCode": 200, "body": "[0]"}).encode())}

    def invoke_endpoint(self, **_: object) -> dict[str, Any]:
        self._fail()
        return {"Body": io.BytesIO(b"[0]"), "ContentType": "application/json"}


def function(client: Any) -> HttpAnswer:  # noqa: ANN401 - as little of a client as is needed
    told = aws_lambda.Runtime(
        client=lambda: client, logs_client=lambda: client, function="iris", where="", clock=FakeClock()
    )
    return told.invoke(QUESTION, "7")


def endpoint(client: Any) -> HttpAnswer:  # noqa: ANN401 - as little of a client as is needed
    told = sagemaker.Runtime(
        client=lambda: client, logs_client=lambda: client, endpoint="iris", clock=FakeClock()
    )
    return told.invoke(QUESTION)


def answered(code: str, status: int) -> ClientError:
    told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "Invoke")  # type: ignore[arg-type] # as little of an answer as is needed


@pytest.mark.parametrize(
    ("ask", "busy"),
    [
        (function, answered("TooManyRequestsException", 429)),
        (function, answered("ServiceException", 500)),
        (function, ConnectionClosedError(endpoint_url="https://kept")),
        (endpoint, answered("ThrottlingException", 400)),
        (endpoint, answered("ServiceUnavailable", 503)),
        (endpoint, ConnectionClosedError(endpoint_url="https://kept")),
    ],
)
def test_what_is_busy_answers_in_the_end(ask: Callable[[Client], HttpAnswer], busy: Exception) -> None:
    assert ask(Client([busy, busy])).body == b"[0]"


@pytest.mark.parametrize("ask", [function, endpoint])
@pytest.mark.parametrize(
    "failure",
    [ConnectionClosedError(endpoint_url="https://kept"), ReadTimeoutError(endpoint_url="https://slow")],
    ids=lambda failure: type(failure).__name__,
)
def test_what_cannot_be_reached_is_unavailable(
    ask: Callable[[Client], HttpAnswer], failure: Exception
) -> None:
    with pytest.raises(Unavailable, match="could not be reached to ask"):
        ask(Client([failure] * 20))
