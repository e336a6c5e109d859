"""A listener of a load balancer as an open socket: requests in, shared by weight over real containers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

import urllib3

from modelway.rehearsal.elb_metrics import Measured, measure
from modelway.rehearsal.elb_rules import Fixed, Question, Rule, first_match, fixed, weights
from modelway.rehearsal.elb_targets import MEMBERS, Member
from modelway.rehearsal.turns import Turns

_IDLE_SECONDS = 60  # idle_timeout.timeout_seconds, its default
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "content-length"),
    }
)
_http = urllib3.PoolManager(maxsize=64, num_pools=64, retries=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Door:
    """One listener."""

    balancer: str
    """ARN of its load balancer."""
    address: tuple[str, int]
    rules: Callable[[], Sequence[Rule]]
    """The listener's rules as they are now."""
    _turns: dict[str, Turns] = field(default_factory=dict)
    _weights: dict[str, Mapping[str, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Listen; raises ``OSError`` where that may not be."""
        self._server = _Server(self.address, self)
        Thread(target=self._server.serve_forever, name="load balancer", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, question: Question, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request; ``target`` is its path with its query."""
        chosen = self._choose(question)
        match chosen:
            case Fixed():
                return _said(chosen.status, chosen.content_type, chosen.body)
            case Member():
                try:
                    return self._ask(chosen, question.method, target, headers, body)
                finally:
                    chosen.leave()
            case _:
                measure(self.balancer, Measured(status=503))
                return _refusal(503)

    def _choose(self, question: Question) -> Fixed | Member | None:
        """What answers, held if it is a container; ``None`` where no target is registered."""
        rule = first_match(self.rules(), question)
        if rule is None:
            return None
        if (answer := fixed(rule.action)) is not None:
            return answer
        with self._lock:
            wanted = weights(rule.action)
            turns = self._turns.setdefault(rule.arn, Turns())
            if self._weights.get(rule.arn) != wanted:
                self._weights[rule.arn] = wanted
                turns.forget()
            members, shares = _shares(wanted)
            member = members.get(turns.next(shares) or "")
            if member:
                member.enter()
            return member

    def _ask(
        self, member: Member, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        began, targets = time.perf_counter(), sum(len(each.addresses) for each in MEMBERS.of(member.group))
        about = Measured(group=member.group, targets=targets, status=200)
        try:
            answer = _request(member.url + target, method, headers, body)
        except urllib3.exceptions.TimeoutError:
            measure(self.balancer, replace(about, status=504))
            return _refusal(504)
        except urllib3.exceptions.HTTPError:
            measure(self.balancer, replace(about, status=502))
            return _refusal(502)
        seconds = time.perf_counter() - began
        measure(self.balancer, replace(about, status=answer.status, seconds=seconds))
        kept = [(k, v) for k, v in answer.headers.iteritems() if k.lower() not in _HOP_BY_HOP]
        return Reply(status=answer.status, headers=kept, body=answer.data)


def _request(url: str, method: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
    def ask() -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(total=_IDLE_SECONDS)
        return _http.request(
            method, url, body=body, headers=headers, timeout=timeout, redirect=False, decode_content=False
        )

    try:
        return ask()
    except urllib3.exceptions.ProtocolError:
        # The container closed a kept connection just as it was used again: not a failure of the model.
        return ask()


def _shares(wanted: Mapping[str, int]) -> tuple[Mapping[str, Member], Mapping[str, float]]:
    """The members of these groups and the share of each; a group without any keeps its share, unanswered."""
    members, shares = {}, {}
    for group, weight in wanted.items():
        serving = MEMBERS.serving(group)
        targets = sum(len(member.addresses) for member in serving)
        if not targets:
            shares[group] = float(weight)
        for member in serving:
            members[member.url] = member
            shares[member.url] = weight * len(member.addresses) / targets
    return members, shares


def _said(status: int, content_type: str, text: str) -> Reply:
    return Reply(status=status, headers=[("Content-Type", content_type)], body=text.encode())


def _refusal(status: int) -> Reply:
    words = f"{status} {responses[status]}"
    page = f"<html>\r\n<head><title>{words}</title></head>\r\n<body>{words}</body>\r\n</html>\r\n"
    return _said(status, "text/html", page)


class _Server(ThreadingHTTPServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], door: Door) -> None:
        self.door = door
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: _Server  # type: ignore[mutable-override]  # nobody puts another there
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS  # type: ignore[mutable-override]  # nobody puts another there
    disable_nagle_algorithm = True
    wbufsize = -1
    server_version, sys_version = "awselb/2.0", ""

    def _any(self) -> None:
        body = self._body()
        given = {name.lower(): value for name, value in self.headers.items()}
        path, host = urlsplit(self.path).path, given.get("host", "").partition(":")[0]
        question = Question(method=self.command, path=path, host=host, headers=given)
        passed = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        passed["X-Forwarded-For"] = str(self.client_address[0])
        passed["X-Forwarded-Proto"] = "http"
        passed["X-Forwarded-Port"] = str(self.server.server_address[1])
        reply = self.server.door.answer(question, self.path, passed, body)
        self.send_response(reply.status)
        for name, value in reply.headers:
            if name.lower() not in {"server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _any  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: metrics tell of requests."""
