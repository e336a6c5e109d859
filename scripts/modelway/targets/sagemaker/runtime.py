"""Asking an endpoint, and reading what its containers said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.asking import ask
from modelway.adapters.aws_errors import code, translated
from modelway.ports import Clock, HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

_BUSY = {"ModelNotReadyException", "ServiceUnavailable", "ServiceUnavailableException", "ThrottlingException"}
"""A cold serverless model answers 429 and a busy front 503 for some seconds (sagemaker-runtime errors)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The data plane of one endpoint."""

    client: Callable[[], SageMakerRuntimeClient]
    logs_client: Callable[[], CloudWatchLogsClient]
    endpoint: str
    clock: Clock

    def invoke(self, request: HttpRequest) -> HttpAnswer:
        """Ask the endpoint; what the model answers is an answer, whatever its status."""
        with translated(f"ask the endpoint {self.endpoint}", service="sagemaker"):
            return ask(lambda: self._once(request), _BUSY, self.clock)

    def _once(self, request: HttpRequest) -> HttpAnswer:
        """One request, sent once: a slow model is not asked again behind its back."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        client = self.client()
        accept = request.accept or "*/*"
        began = self.clock.monotonic()
        try:
            answer = client.invoke_endpoint(
                EndpointName=self.endpoint,
                Body=request.body,
                ContentType=request.content_type,
                Accept=accept,
            )
            body = answer["Body"].read()
        except ClientError as error:
            if code(error) != "ModelError":
                raise
            return _model_error(error, self.clock.monotonic() - began)
        return HttpAnswer(
            status=200,
            body=body,
            content_type=answer.get("ContentType", ""),
            latency=self.clock.monotonic() - began,
        )

    def last_lines(self, lines: int, since: float) -> tuple[str, ...]:
        """Last log lines of the first containers that began to log after a moment, in seconds since 1970.

        Those are the fleet an attempt started; what logs later may be the version that serves again.
        Clocks that differ by seconds do no harm: instances take minutes to start.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

        client, group = self.logs_client(), f"/aws/sagemaker/Endpoints/{self.endpoint}"
        try:
            recent = client.describe_log_streams(
                logGroupName=group, orderBy="LastEventTime", descending=True, limit=50
            )["logStreams"]
            began = {s["logStreamName"]: s.get("firstEventTimestamp", 0) for s in recent}
            later = [name for name, at in began.items() if at >= since * 1000]
            if not later:
                return ()
            events = client.get_log_events(
                logGroupName=group,
                logStreamName=min(later, key=began.__getitem__),
                limit=lines,
                startFromHead=False,
            )["events"]
        except (ClientError, BotoCoreError):
            # Log lines only help to understand; that they are missing must not hide what happened.
            return ()
        return tuple(event["message"].rstrip("\n") for event in events[-lines:])


def _model_error(error: ClientError, latency: float) -> HttpAnswer:
    """The container's own answer behind a ``ModelError``."""
    response = error.response
    return HttpAnswer(
        status=int(response.get("OriginalStatusCode", 500)),  # type: ignore[call-overload]
        body=str(response.get("OriginalMessage", error)).encode(),
        content_type="",
        latency=latency,
    )
