"""Faults on request: which call meets which, and what an injected error looks like."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.context import Call, Refusal
from modelway.rehearsal.wire import Protocol


class Kind(Enum):
    """What happens to the call."""

    THROTTLE = "throttle"
    HTTP500 = "http500"
    HTTP503 = "http503"
    EXPIRED = "expired"
    DENIED = "denied"
    DELAY = "delay"
    DROP_BEFORE = "drop_before"
    """The connection breaks before anything happened."""
    DROP_AFTER = "drop_after"
    """It happened, and the connection breaks before the answer."""
    KILL_BEFORE = "kill_before"
    """The calling process gets SIGKILL before anything happened."""
    KILL_AFTER = "kill_after"
    """It happened, and the calling process gets SIGKILL."""


_KEYS = frozenset({"kind", "service", "operation", "principal", "account", "from", "to", "seconds"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The n-th matching calls since the rules were set meet a fault."""

    kind: Kind
    service: re.Pattern[str]
    operation: re.Pattern[str]
    principal: re.Pattern[str]
    account: str | None
    first: int
    last: int | None
    """The last matching call that meets it; ``None`` for all from the first on."""
    seconds: float

    @classmethod
    def parse(cls, given: JsonObject) -> Self:
        """Read ``{kind, service, operation, principal, account, from, to, seconds}``; or ``ValueError``."""
        unknown = given.keys() - _KEYS
        if unknown:
            msg = f"unknown keys in a fault: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        first = int(str(given.get("from", 1)))
        last = given.get("to", first)
        account = given.get("account")
        return cls(
            kind=Kind(given.get("kind")),
            service=_pattern(given.get("service", ".*")),
            operation=_pattern(given.get("operation", ".*")),
            principal=_pattern(given.get("principal", ".*")),
            account=None if account is None else str(account),
            first=first,
            last=None if last is None else int(str(last)),
            seconds=float(str(given.get("seconds", 0))),
        )

    def matches(self, call: Call) -> bool:
        """Whether the call counts for this rule."""
        return (
            self.service.fullmatch(call.service) is not None
            and self.operation.fullmatch(call.operation) is not None
            and self.principal.fullmatch(call.principal) is not None
            and self.account in {None, call.account}
        )

    def hits(self, count: int) -> bool:
        """Whether the n-th matching call meets the fault."""
        return count >= self.first and (self.last is None or count <= self.last)


def _pattern(given: Json) -> re.Pattern[str]:
    try:
        return re.compile(str(given))
    except re.error as error:
        msg = f"{given!r} is not a regular expression: {error}"
        raise ValueError(msg) from error


@dataclass(slots=True)
class Faults:
    """The rules in force and how often each matched."""

    rules: Sequence[Rule] = ()
    counts: list[int] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, payload: JsonObject) -> Json:
        """Replace all rules by ``{"rules": [...]}`` and count anew."""
        given = payload.get("rules", [])
        if not isinstance(given, Sequence) or not all(isinstance(one, dict) for one in given):
            msg = 'expected {"rules": [{"kind": "throttle", "operation": "PutImage", "from": 1, "to": 2}]}'
            raise ValueError(msg)
        rules = [Rule.parse(one) for one in given if isinstance(one, dict)]
        with self._lock:
            self.rules, self.counts = rules, [0] * len(rules)
        return self.told()

    def told(self) -> Json:
        """The rules and how many calls matched each."""
        return [
            {"kind": rule.kind.value, "operation": rule.operation.pattern, "matched": count}
            for rule, count in zip(self.rules, self.counts, strict=True)
        ]

    def meet(self, call: Call) -> Rule | None:
        """Count the call for every rule it matches; the first rule that hits it is what it meets."""
        met = None
        with self._lock:
            for index, rule in enumerate(self.rules):
                if rule.matches(call):
                    self.counts[index] += 1
                    met = met or (rule if rule.hits(self.counts[index]) else None)
        return met


_JSON = {
    Kind.THROTTLE: (400, "ThrottlingException"),
    Kind.HTTP500: (500, "InternalServerException"),
    Kind.HTTP503: (503, "ServiceUnavailableException"),
    Kind.EXPIRED: (400, "ExpiredTokenException"),
    Kind.DENIED: (400, "AccessDeniedException"),
}
_QUERY = {
    Kind.THROTTLE: (400, "Throttling"),
    Kind.HTTP500: (500, "InternalFailure"),
    Kind.HTTP503: (503, "ServiceUnavailable"),
    Kind.EXPIRED: (403, "ExpiredToken"),
    Kind.DENIED: (403, "AccessDenied"),
}
_S3 = {
    Kind.THROTTLE: (503, "SlowDown"),
    Kind.HTTP500: (500, "InternalError"),
    Kind.HTTP503: (503, "ServiceUnavailable"),
    Kind.EXPIRED: (400, "ExpiredToken"),
    Kind.DENIED: (403, "AccessDenied"),
}
"""Codes as the services of each protocol spell them; DENIED and EXPIRED are 403 over REST."""


def error(kind: Kind, call: Call, protocol: Protocol) -> Refusal:
    """The error AWS would answer."""
    table = {Protocol.QUERY: _QUERY, Protocol.REST_XML: _S3}.get(protocol, _JSON)
    status, code = table[kind]
    if protocol is Protocol.REST_JSON:
        status = {Kind.THROTTLE: 429, Kind.EXPIRED: 403, Kind.DENIED: 403}.get(kind, status)
    message = {
        Kind.THROTTLE: "Rate exceeded",
        Kind.EXPIRED: "The security token included in the request is expired",
        Kind.DENIED: f"User: {call.principal} is not authorized to perform: {call.service}:{call.operation} "
        f"on resource: {call.resource}",
    }.get(kind, "The rehearsal was asked to fail here")
    return Refusal(status=status, code=code, message=message)


def kill_client(client_port: int, server_port: int) -> None:
    """SIGKILL the process at the other end of a loopback connection, sparing this one and its supervisor."""
    inode = _socket_inode(client_port, server_port)
    spared = {os.getpid(), os.getppid(), 1}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) not in spared and _holds(process, inode):
            os.kill(int(process.name), signal.SIGKILL)


def _socket_inode(client_port: int, server_port: int) -> str:
    """The socket whose local end is the client's port (proc(5), /proc/net/tcp)."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{client_port:04X}") and fields[2].endswith(f":{server_port:04X}"):
            return fields[9]
    return ""


def _holds(process: Path, inode: str) -> bool:
    try:
        return any(str(one.readlink()) == f"socket:[{inode}]" for one in (process / "fd").iterdir())
    except OSError:  # gone meanwhile, or somebody else's
        return False
