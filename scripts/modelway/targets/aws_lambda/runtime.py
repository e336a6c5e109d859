"""Asking a function as its URL would, and reading what its containers said."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.asking import ask
from modelway.adapters.aws_errors import code, translated
from modelway.core.json import JsonObject
from modelway.errors import Failure, Unavailable
from modelway.ports import Clock, HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

_BUSY = {
    *("TooManyRequestsException", "ResourceConflictException", "ResourceNotReadyException"),
    *("ServiceException", "EC2ThrottledException", "ENINotReadyException"),
}
"""A version that was published a moment ago, and an account at its concurrency, are asked again."""
_SHORT = {"ConcurrentInvocationLimitExceeded", "ReservedFunctionConcurrentInvocationLimitExceeded"}
"""Reasons of a throttled invocation that no waiting mends while what runs goes on (its API reference)."""
_QUOTA = "Raise the quota 'Concurrent executions' (Service Quotas, L-B99A9384)"
_FAILED = 502
"""What a function URL answers where the function failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The data plane of one function."""

    client: Callable[[], LambdaClient]
    logs_client: Callable[[], CloudWatchLogsClient]
    function: str
    where: str
    """The account and the region, for people."""
    clock: Clock

    def invoke(self, request: HttpRequest, qualifier: str) -> HttpAnswer:
        """Ask a version or the alias; what the model answers is an answer, whatever its status.

        Raises ``Unavailable`` where Lambda does not run it, for want of concurrency say.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        payload = event("POST", "/invocations", request)
        with translated(f"ask {self.function}:{qualifier}", service="lambda"):
            try:
                return ask(lambda: self._once(payload, qualifier), _BUSY, self.clock)
            except ClientError as error:
                if short := self._short(error, qualifier):
                    raise short from error
                raise

    def _short(self, error: ClientError, qualifier: str) -> Failure | None:
        """What is missing, where it is concurrency and not patience."""
        reason = str(error.response.get("Reason"))
        if reason not in _SHORT:
            return None
        reserved = reason.startswith("Reserved")
        whose = "its reserved concurrency" if reserved else f"the concurrency of {self.where}"
        cure = "Raise what is reserved for the function" if reserved else f"{_QUOTA} there, or reserve less"
        return Unavailable(
            f"Lambda has no execution environment left to run {self.function}:{qualifier}: {whose} is in use",
            seen=f"{code(error)}, {reason}, again and again.",
            cure=f"{cure}; then run this again. The version is not marked as failed.",
        )

    def _once(self, payload: JsonObject, qualifier: str) -> HttpAnswer:
        """One event, sent once: a slow model is not asked again behind its back."""
        client = self.client()
        began = self.clock.monotonic()
        answer = client.invoke(
            FunctionName=self.function, Qualifier=qualifier, Payload=json.dumps(payload).encode()
        )
        body, latency = answer["Payload"].read(), self.clock.monotonic() - began
        if answer.get("FunctionError"):
            return HttpAnswer(status=_FAILED, body=body, content_type="application/json", latency=latency)
        return _answer(body, latency)

    def last_lines(self, lines: int, number: str) -> tuple[str, ...]:
        """Last log lines of the environment of a version that wrote last."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

        client, group = self.logs_client(), f"/aws/lambda/{self.function}"
        try:
            recent = client.describe_log_streams(
                logGroupName=group, orderBy="LastEventTime", descending=True, limit=50
            )["logStreams"]
            name = next((s["logStreamName"] for s in recent if f"[{number}]" in s["logStreamName"]), None)
            if name is None:
                return ()
            events = client.get_log_events(
                logGroupName=group, logStreamName=name, limit=lines, startFromHead=False
            )["events"]
        except (ClientError, BotoCoreError):
            # Log lines only help to understand; that they are missing must not hide what happened.
            return ()
        # AWS's runtime client writes what was raised as one message, its lines parted by carriage returns.
        said = [line for event in events for line in event["message"].splitlines() if line.strip()]
        return tuple(said[-lines:])


def event(method: str, path: str, request: HttpRequest) -> JsonObject:
    """A request as a function URL hands it to the function (payload format 2.0).

    docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads.
    """
    headers = {"content-type": request.content_type, "accept": request.accept or "*/*", "host": "modelway"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**headers, "content-length": str(len(request.body))},
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "modelway",
            },
            "requestId": "modelway",
            "stage": "$default",
        },
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


def _answer(payload: bytes, latency: float) -> HttpAnswer:
    """The HTTP answer in what a function returned; what is none, is 200 with that body, as a URL does it."""
    try:
        said = json.loads(payload)
    except ValueError:
        said = None
    if not isinstance(said, Mapping) or "statusCode" not in said:
        return HttpAnswer(status=200, body=payload, content_type="application/json", latency=latency)
    body = str(said.get("body") or "")
    given = said.get("headers")
    headers = {str(k).lower(): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
    return HttpAnswer(
        status=int(said["statusCode"]),
        body=base64.b64decode(body) if said.get("isBase64Encoded") else body.encode(),
        content_type=headers.get("content-type", ""),
        latency=latency,
    )
