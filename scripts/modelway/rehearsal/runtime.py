"""SageMaker's runtime: InvokeEndpoint asks a real container, and every request leaves its metrics.

What moto answers instead is shown by ``tests/rehearsal/test_runtime.py``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import urllib3
from moto.sagemaker.models import sagemaker_backends
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from modelway.core.json import JsonObject
from modelway.rehearsal.capture import Exchange, capture
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoints import Endpoint
from modelway.rehearsal.fleet import Server
from modelway.rehearsal.metrics import Metric, Store, point
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.streams import group_of
from modelway.rehearsal.wire import not_rehearsed

NAMESPACE = "AWS/SageMaker"
_LARGEST = 6 * 1024 * 1024  # botocore's sagemaker-runtime model, BodyBlob
_SECONDS = 60  # docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_OK, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500
_PASSED_ON = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def install(_context: Context) -> None:
    """Replace moto's InvokeEndpoint."""

    def invoke_endpoint(self: SageMakerRuntimeResponse) -> tuple[int, dict[str, str], bytes]:
        name = self.path.split("/")[2]
        headers = {key.lower(): value for key, value in self.headers.items()}
        endpoint: object = sagemaker_backends[self.current_account][self.region].endpoints.get(name)
        if not isinstance(endpoint, Endpoint):
            message = f"Endpoint {name} of account {self.current_account} not found."
            reply = _error(400, "ValidationError", message)
        else:
            reply = invoke(endpoint, headers, self.raw_body)
        # moto reads the HTTP status from this header; that of the tuple is thrown away
        return reply.status, {**reply.headers, "status": str(reply.status)}, reply.body

    def invoke_endpoint_async(self: SageMakerRuntimeResponse) -> tuple[int, dict[str, str], bytes]:
        # moto makes answers up
        raise not_rehearsed("sagemaker-runtime", "InvokeEndpointAsync", self.path)

    SageMakerRuntimeResponse.invoke_endpoint_async = invoke_endpoint_async  # type: ignore[method-assign]
    SageMakerRuntimeResponse.use_raw_body = True  # moto would decode the body as UTF-8, and fail on an image
    SageMakerRuntimeResponse.invoke_endpoint = invoke_endpoint  # type: ignore[method-assign]  # bytes, not text


def invoke(endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Reply:
    """Send one request to the container whose turn it is."""
    if len(body) > _LARGEST:
        message = f"Body size of {len(body)} bytes exceeds the maximum of {_LARGEST} bytes."
        return _error(413, "ValidationError", message)
    target = headers.get("x-amzn-sagemaker-target-variant")
    began = time.perf_counter()
    chosen = endpoint.enter(target)
    if chosen is None:
        return _unserved(endpoint, target)
    server, config = chosen
    try:
        reply, measured = _ask(endpoint, server, headers, body)
    finally:
        server.leave()
    overhead = time.perf_counter() - began - measured.model_seconds
    _measure(endpoint, server, config, replace(measured, overhead_seconds=overhead))
    if endpoint.data_capture and reply.status == _OK:
        exchange = Exchange(
            endpoint_arn=endpoint.arn,
            endpoint=endpoint.endpoint_name,
            variant=server.launch.variant,
            request=body,
            request_type=headers.get("content-type", ""),
            answer=reply.body,
            answer_type=reply.headers["Content-Type"],
        )
        capture(endpoint.data_capture, exchange)
    return reply


def _ask(
    endpoint: Endpoint, server: Server, headers: Mapping[str, str], body: bytes
) -> tuple[Reply, Measured]:
    passed = {name: headers[name] for name in _PASSED_ON if name in headers}
    began = time.perf_counter()
    try:
        answer = server.ask("/invocations", body, passed, _SECONDS)
    except urllib3.exceptions.TimeoutError:
        reply, status = (
            _model_error(endpoint, 0, "Your invocation timed out while waiting for a response."),
            0,
        )
    except urllib3.exceptions.HTTPError as error:
        reply, status = _model_error(endpoint, 0, f"The container did not answer: {type(error).__name__}"), 0
    else:
        reply, status = _reply(endpoint, server, answer), answer.status
    return reply, Measured(status, time.perf_counter() - began)


def _reply(endpoint: Endpoint, server: Server, answer: urllib3.BaseHTTPResponse) -> Reply:
    if answer.status >= _CLIENT_ERROR:
        return _model_error(endpoint, answer.status, answer.data.decode(errors="replace"))
    headers = {
        "Content-Type": answer.headers.get("Content-Type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": server.launch.variant,
    }
    if custom := answer.headers.get("X-Amzn-SageMaker-Custom-Attributes"):
        headers["X-Amzn-SageMaker-Custom-Attributes"] = custom
    return Reply(_OK, headers, answer.data)


def _model_error(endpoint: Endpoint, status: int, message: str) -> Reply:
    """SageMaker's 424, with the container's own words."""
    group = group_of(endpoint.endpoint_name)
    console = f"https://{endpoint.region}.console.aws.amazon.com/cloudwatch/home?region={endpoint.region}"
    whose = "server" if status >= _SERVER_ERROR or not status else "client"
    details: JsonObject = {
        "Message": f"Received {whose} error ({status}) from primary with message "
        f'"{message}". See {console}#logEventViewer:group={group} in account {endpoint.account} '
        "for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": message,
        "LogStreamArn": f"arn:aws:logs:{endpoint.region}:{endpoint.account}:log-group:{group}",
    }
    return _error(424, "ModelError", str(details["Message"]), details)


def _unserved(endpoint: Endpoint, target: str | None) -> Reply:
    if target and any(fleet.servers for fleet in endpoint.fleets):
        message = f"Variant {target} not found for endpoint {endpoint.endpoint_name}."
        return _error(400, "ValidationError", message)
    status = endpoint.endpoint_status
    message = f"Endpoint {endpoint.endpoint_name} of account {endpoint.account} is not in service ({status})."
    return _error(400, "ValidationError", message)


def _error(status: int, code: str, message: str, details: JsonObject | None = None) -> Reply:
    body = json.dumps(details or {"Message": message}).encode()
    return Reply(status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one request leaves behind."""

    status: int
    """The container's; 0 where it did not answer, which counts as a server error here."""
    model_seconds: float
    overhead_seconds: float = 0.0

    @property
    def errors(self) -> Mapping[str, bool]:
        """0 or 1 for each request, so that an average is a rate."""
        server_error = self.status >= _SERVER_ERROR or not self.status
        client_error = _CLIENT_ERROR <= self.status < _SERVER_ERROR
        return {
            "Invocation5XXErrors": server_error,
            "Invocation4XXErrors": client_error,
            "InvocationModelErrors": server_error or client_error,
        }


def _measure(endpoint: Endpoint, server: Server, config: str, measured: Measured) -> None:
    store, now = store_of(endpoint.account, endpoint.region), time.time()
    dimensions = {("EndpointName", endpoint.endpoint_name), ("VariantName", server.launch.variant)}
    _put(store, frozenset(dimensions), now, measured)
    if endpoint.was_updated:  # the new fleet's alone, while and after an update
        _put(store, frozenset(dimensions | {("EndpointConfigName", config)}), now, measured)


def _put(store: Store, dimensions: frozenset[tuple[str, str]], now: float, measured: Measured) -> None:
    values = {
        "Invocations": (1.0, "None"),
        **{name: (float(count), "None") for name, count in measured.errors.items()},
        "ModelLatency": (measured.model_seconds * 1e6, "Microseconds"),
        "OverheadLatency": (measured.overhead_seconds * 1e6, "Microseconds"),
    }
    for name, (value, unit) in values.items():
        store.put(Metric(namespace=NAMESPACE, name=name, dimensions=dimensions), point(now, value, unit))
