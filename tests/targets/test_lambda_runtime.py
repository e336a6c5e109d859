"""What a function's containers said, as a person reads it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.errors import Unavailable
from modelway.ports import HttpRequest
from modelway.targets.aws_lambda.runtime import Runtime
from tests.fakes import FakeClock


class Logs:
    """CloudWatch Logs with one stream of version 7."""

    def __init__(self, *messages: str) -> None:
        self.messages = messages

    def describe_log_streams(self, **_: object) -> dict[str, Any]:
        return {"logStreams": [{"logStreamName": "2026/01/01/[7]abc"}]}

    def get_log_events(self, **_: object) -> dict[str, Any]:
        return {"events": [{"message": message} for message in self.messages]}


def runtime(*messages: str) -> Runtime:
    def unused() -> Any:  # noqa: ANN401 - nobody is asked
        pytest.fail("the function was asked")

    logs: Any = Logs(*messages)
    return Runtime(client=unused, logs_client=lambda: logs, function="iris", where="", clock=FakeClock())


def test_a_traceback_is_lines() -> None:
    """AWS's runtime client parts them by carriage returns, so that they are one event."""
    raised = '[ERROR] RuntimeError: no\rTraceback (most recent call last):\r\xa0 File "a.py", line 1\n'
    said = runtime("ready\n", raised, "\n").last_lines(20, "7")
    assert said[:3] == ("ready", "[ERROR] RuntimeError: no", "Traceback (most recent call last):")
    assert said[3].endswith('File "a.py", line 1')
    assert len(said) == 4


def test_no_more_lines_are_told_than_asked() -> None:
    assert runtime("one\n", "two\rthree\n").last_lines(2, "7") == ("two", "three")


def test_another_versions_lines_are_not_told() -> None:
    assert runtime("one\n").last_lines(2, "8") == ()


class Throttled:
    """Lambda where no invocation comes through."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def invoke(self, **_: object) -> None:
        told: Any = {
            "Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."},
            "Reason": self.reason,
        }
        raise ClientError(told, "Invoke")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ConcurrentInvocationLimitExceeded", ("account 222222222222 in eu-west-1", "L-B99A9384")),
        ("ReservedFunctionConcurrentInvocationLimitExceeded", ("reserved for the function",)),
        ("CallerRateLimitExceeded", ("kept throttling", "wait a minute")),
    ],
)
def test_what_kept_a_function_from_running_is_named(reason: str, said: tuple[str, ...]) -> None:
    client: Any = Throttled(reason)
    asked = Runtime(
        client=lambda: client,
        logs_client=lambda: client,
        function="iris",
        where="account 222222222222 in eu-west-1",
        clock=FakeClock(),
    )
    with pytest.raises(Unavailable) as failure:
        asked.invoke(HttpRequest(body=b"[1]"), "7")
    assert all(words in str(failure.value) for words in ("iris:7", *said))
