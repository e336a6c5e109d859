"""Lambda's Invoke and function URLs: events for real containers, and the metrics that every one leaves."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from werkzeug.wrappers import Request, Response

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import accounts
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.lambda_access import URL_PATH, by_url, is_public
from modelway.rehearsal.lambda_environment import Outcome
from modelway.rehearsal.lambda_environments import Environments
from modelway.rehearsal.lambda_state import LATEST, Function, Place, Version, conflict, find
from modelway.rehearsal.metrics import Metric, Store, point
from modelway.rehearsal.refusals import RequestRefused, refusal
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.wire import not_rehearsed

NAMESPACE = "AWS/Lambda"
_LARGEST = 6 * 1024 * 1024
"""Bytes of a synchronous request, and of its answer (Lambda quotas)."""


class _NoConcurrency(RequestRefused):
    """TooManyRequestsException of an account that runs all it may, which only its reason tells."""

    Reason = "ConcurrentInvocationLimitExceeded"
    Type = "User"

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


@dataclass(slots=True, kw_only=True)
class Invocations:
    """The data plane of all functions."""

    environments: Environments
    _running: Counter[str] = field(default_factory=Counter)
    """Executions under way, by function."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    NAMES = ("invoke",)

    def invoke(self, place: Place, asked: JsonObject) -> Answer:
        """Invoke, and wait for the answer."""
        function, qualifier = find(place, asked)
        kind = asked.get("InvocationType") or "RequestResponse"
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind != "RequestResponse":
            raise not_rehearsed("lambda", "Invoke", f"InvocationType {kind}")
        given: object = asked.get("Payload") or b"{}"  # moto hands a blob over as it came
        payload = given if isinstance(given, bytes) else str(given).encode()
        _check_payload(payload)
        version, outcome = self.run(function, qualifier, payload)
        said: Answer = {
            "StatusCode": 200,
            "Payload": outcome.payload,
            "ExecutedVersion": version.number,
        }
        return said | ({"FunctionError": outcome.error} if outcome.error else {})

    def run(self, function: Function, qualifier: str | None, payload: bytes) -> tuple[Version, Outcome]:
        """One event: choose the version, wait for its turn, count what happened."""
        with function.lock:
            alias = function.aliases.get(qualifier or "")
            version = function.version(alias.choose() if alias else qualifier or LATEST)
        if not version.ready and version.born:
            state = "The function is currently in the following state: Pending"
            raise conflict(f"The operation cannot be performed at this time. {state}")
        resource = f"{function.name}:{qualifier}" if qualifier else function.name
        self._enter(function, qualifier, resource)
        try:
            outcome = self.environments.of(function, version).invoke(payload)
        finally:
            with self._lock:
                self._running[function.arn] -= 1
        if len(outcome.payload) > _LARGEST:
            outcome = _too_large(outcome)
        self._measure(function, resource, version, outcome)
        return version, outcome

    def _enter(self, function: Function, qualifier: str | None, resource: str) -> None:
        """Refuse what there is no concurrency for; what is provisioned has its own."""
        most = self.environments.limits.left(function.account)
        provisioned = function.provisioned.get(qualifier or "")
        ready = provisioned is not None and provisioned.status == "READY"
        with self._lock:
            running = self._running[function.arn]
            if most is not None and not ready and running >= most:
                store = store_of(function.account, function.region)
                _put(store, {("FunctionName", function.name)}, {"Throttles": (1.0, "Count")})
                dimensions = {("FunctionName", function.name), ("Resource", resource)}
                _put(store, dimensions, {"Throttles": (1.0, "Count")})
                raise _NoConcurrency
            self._running[function.arn] += 1

    def _measure(self, function: Function, resource: str, version: Version, outcome: Outcome) -> None:
        """What one execution leaves behind (Lambda's guide, monitoring-metrics)."""
        store = store_of(function.account, function.region)
        values = {
            "Invocations": (1.0, "Count"),
            "Errors": (1.0 if outcome.error else 0.0, "Count"),
            "Duration": (outcome.seconds * 1000, "Milliseconds"),
            "ConcurrentExecutions": (float(self._running[function.arn] + 1), "Count"),
        }
        name = ("FunctionName", function.name)
        _put(store, {name}, values)
        _put(store, {name, ("Resource", resource)}, values)
        if version.number != resource.partition(":")[2]:  # through an alias
            executed = ("ExecutedVersion", version.number)
            _put(store, {name, ("Resource", resource), executed}, values)

    def url(self, request: Request) -> Response:
        """One request to a function URL."""
        found = by_url("/".join([*request.path.split("/")[:3], ""]))
        if found is None:
            return _forbidden()
        function, qualifier, auth = found
        if auth == "AWS_IAM" and not _signed(request):
            return _forbidden()
        if auth == "NONE" and not is_public(function, qualifier):
            return _forbidden()
        named = None if qualifier == LATEST else qualifier
        try:
            _, outcome = self.run(function, named, json.dumps(_event(request)).encode())
        except Exception as error:  # noqa: BLE001 - a URL answers with a status, whatever the reason
            throttled = isinstance(error, _NoConcurrency)
            status = HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.BAD_GATEWAY
            return Response('{"Message":"Internal Server Error"}', status, content_type="application/json")
        return _response(outcome)


def _too_large(outcome: Outcome) -> Outcome:
    kind, message = (
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size",
    )
    body = json.dumps({"errorType": kind, "errorMessage": f"{message} ({_LARGEST} bytes)."}).encode()
    return Outcome(payload=body, error="Unhandled", seconds=outcome.seconds)


def _check_payload(payload: bytes) -> None:
    if len(payload) > _LARGEST:
        raise refusal(f"{len(payload)} byte payload is too large", "RequestTooLargeException")
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise refusal(message, "InvalidRequestContentException") from error


def _put(store: Store, dimensions: set[tuple[str, str]], values: Mapping[str, tuple[float, str]]) -> None:
    now = time.time()
    for name, (value, unit) in values.items():
        metric = Metric(namespace=NAMESPACE, name=name, dimensions=frozenset(dimensions))
        store.put(metric, point(now, value, unit))


def _signed(request: Request) -> bool:
    """Whether it is signed with a key of this cloud."""
    _, _, rest = request.headers.get("Authorization", "").partition("Credential=")
    return accounts.principal(rest.partition("/")[0]) is not None


def _forbidden() -> Response:
    return Response('{"Message":"Forbidden"}', 403, content_type="application/json")


def _event(request: Request) -> JsonObject:
    """A request as a function URL hands it over (payload format 2.0)."""
    body = request.get_data()
    path = "/" + "/".join(request.path.removeprefix(URL_PATH).split("/")[1:])
    headers: dict[str, Json] = {name.lower(): value for name, value in request.headers.items()}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query_string.decode(),
        "headers": headers,
        "requestContext": {
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.remote_addr or "127.0.0.1",
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": "-",
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _response(outcome: Outcome) -> Response:
    """The answer a function URL makes of what a function returned."""
    try:
        said = json.loads(outcome.payload)
    except ValueError:
        said = None
    if outcome.error or not isinstance(said, dict) or "statusCode" not in said:
        if not outcome.error and said is not None:
            return Response(outcome.payload, 200, content_type="application/json")
        return Response("Internal Server Error", 502, content_type="application/json")
    body = str(said.get("body") or "")
    raw = base64.b64decode(body) if said.get("isBase64Encoded") else body.encode()
    headers = {key: str(value) for key, value in (said.get("headers") or {}).items()}
    return Response(raw, int(said["statusCode"]), headers)
