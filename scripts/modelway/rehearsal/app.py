"""The one HTTP surface of the rehearsal: AWS's API, ECR's data plane, and control of the rehearsal."""

from __future__ import annotations

import hmac
import io
import json
import socket
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug.wrappers import Request, Response

from modelway.core.json import Json
from modelway.rehearsal import calls, faults, s3
from modelway.rehearsal.context import Call, Context, Refusal
from modelway.rehearsal.faults import Faults, Kind, Rule
from modelway.rehearsal.front import Front
from modelway.rehearsal.wire import NotRehearsed, Protocol, not_rehearsed, protocol_of, refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_NOT_REHEARSED = "NotRehearsed"
_AFTER = frozenset({Kind.DROP_AFTER, Kind.KILL_AFTER})
_BREAKING = _AFTER | {Kind.DROP_BEFORE, Kind.KILL_BEFORE}


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A WSGI application."""

    context: Context
    moto: DomainDispatcherApplication
    front: Front
    rules: Faults = field(default_factory=Faults)
    log: calls.Log = field(default_factory=calls.Log)
    registry_log: calls.Log = field(default_factory=calls.Log)
    """Requests to ECR's registry, counted by themselves: they are no calls of AWS's API."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)  # the access key is the account, as in AWS
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.host not in {self.context.address, f"localhost:{self.context.port}"}:
            # A web page whose name resolves to loopback must not be able to drive this (DNS rebinding).
            return Response("This is a rehearsal cloud; it answers to its own address only.\n", 421)
        signed = request.headers.get("Authorization", "").startswith("AWS4-")
        if request.path.startswith("/v2/") and not signed:
            return self._registry(request)
        if request.path.startswith(("/_rehearse/", "/moto-api")):
            return self._controlled(request)
        for prefix, page in self.context.hooks.pages.items():
            if request.path.startswith(prefix):
                return page(request)
        return self._aws(request)

    def _registry(self, request: Request) -> Response:
        """One request of a registry's client."""
        asked = calls.read_registry(request, self.registry_log.next_number())
        response = self.front.answer(request)
        if asked:
            self.registry_log.add(asked, status=response.status_code, fault="", time=time.time())
        return response

    def _controlled(self, request: Request) -> Response:
        token = request.headers.get("X-Rehearse-Token", "")
        if not hmac.compare_digest(token.encode(), self.context.token.encode()):
            return _json({"message": "X-Rehearse-Token is missing or wrong"}, HTTPStatus.FORBIDDEN)
        if request.path.startswith("/moto-api"):
            return Response.from_app(self.moto, request.environ, buffered=True)
        name = request.path.removeprefix("/_rehearse/")
        try:
            return _json(self._control(name, request))
        except ValueError as error:
            return _json({"message": str(error)}, HTTPStatus.BAD_REQUEST)
        except LookupError:
            return _json({"message": f"nothing called {name}"}, HTTPStatus.NOT_FOUND)

    def _control(self, name: str, request: Request) -> Json:
        if request.method == "GET":
            return {
                "calls": lambda: self.log.after(int(request.args.get("after", 0))),
                "registry": lambda: self.registry_log.after(int(request.args.get("after", 0))),
                "faults": self.rules.told,
            }[name]()
        payload = json.loads(request.get_data() or b"{}")
        if not isinstance(payload, dict):
            msg = "expected a JSON object"
            raise ValueError(msg)  # noqa: TRY004 - a wrong payload is a wrong value, not a bug
        return ({"faults": self.rules.set} | self.context.hooks.controls)[name](payload)

    def _aws(self, request: Request) -> Response:
        try:
            call = calls.read(request, self.log.next_number())
        except calls.UnknownCaller as caller:
            return refuse(protocol_of(request, caller.service), _UNKNOWN_CALLER)
        _rewind(request, call.service)
        protocol = protocol_of(request, call.service)
        rule = self.rules.meet(call)
        response = self._with_fault(rule, request, call, protocol)
        status = response.status_code if response else 0
        fault = rule.kind.value if rule else ""
        self.log.add(call, status=status, fault=fault, time=time.time())
        if response:
            return response
        if rule and rule.kind in {Kind.KILL_BEFORE, Kind.KILL_AFTER}:
            faults.kill_client(int(request.environ["REMOTE_PORT"]), self.context.port)
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response(status=500)

    def _with_fault(
        self, rule: Rule | None, request: Request, call: Call, protocol: Protocol
    ) -> Response | None:
        """The answer; ``None`` where the connection breaks instead."""
        if rule is None:
            return self._moto(request, call, protocol)
        if rule.kind is Kind.DELAY:
            time.sleep(rule.seconds)
            return self._moto(request, call, protocol)
        if rule.kind in _AFTER:
            self._moto(request, call, protocol)
        if rule.kind in _BREAKING:
            return None
        return refuse(protocol, faults.error(rule.kind, call, protocol))

    def _moto(self, request: Request, call: Call, protocol: Protocol) -> Response:
        refusal = s3.refuse(call, request)
        for hook in self.context.hooks.before:
            refusal = refusal or hook(call)
        if refusal:
            return refuse(protocol, refusal)
        host = self.moto.infer_service_region_host(request.environ, request.path)
        if self.moto.get_backend_for_host(host) is None:
            return _unknown(call, protocol)
        try:
            response = Response.from_app(self.moto, request.environ, buffered=True)
        except NotRehearsed as error:
            return refuse(protocol, Refusal(status=501, code=_NOT_REHEARSED, message=str(error)))
        except NotImplementedError:
            return _unknown(call, protocol)
        except Exception as error:  # noqa: BLE001 - moto's bugs are the caller's news: once, not retried
            traceback.print_exc()
            message = f"The rehearsal failed at {call.service}:{call.operation}: {error!r}"
            return refuse(protocol, Refusal(status=501, code="RehearsalFailure", message=message))
        missing = response.status_code == HTTPStatus.NOT_FOUND and response.mimetype == "text/html"
        if missing and call.service != "s3":  # where it means that there is no such object
            return _unknown(call, protocol)  # Flask knows no such path
        return response


_UNKNOWN_CALLER = Refusal(
    status=403,
    code="InvalidClientTokenId",
    message="The security token included in the request is invalid: use the credentials of this rehearsal",
)


def _unknown(call: Call, protocol: Protocol) -> Response:
    message = str(not_rehearsed(call.service, call.operation))
    return refuse(protocol, Refusal(status=501, code=_NOT_REHEARSED, message=message))


def _rewind(request: Request, service: str) -> None:
    """Let moto read the body again, where reading the call has read it."""
    form = request.mimetype == "application/x-www-form-urlencoded"
    if form or "x-amz-target" in request.headers or service == "lambda":
        request.environ["wsgi.input"] = io.BytesIO(request.get_data())


def _json(body: Json, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
