"""What goes wrong with a call, at the client: it counts its AWS calls, and one of them is the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import ClientCreator
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from modelway.adapters.aws import Accounts
from modelway.ports import Clock

if TYPE_CHECKING:
    import boto3

_READING = ("Batch", "Describe", "Get", "Head", "Invoke", "List")
Place = tuple[str, int]
"""The n-th call of an operation, of any service; each attempt counts."""


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


class Mishap(StrEnum):
    """What happens to a call."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    THROTTLED = "throttled"
    ERROR = "HTTP 500"
    TIMEOUT = "timeout"
    """It is never sent, and never answered."""
    DROPPED = "dropped after the effect"
    THROTTLED_ON = "throttled from then on"
    ERROR_ON = "HTTP 500 from then on"


KILLS = frozenset({Mishap.KILLED_BEFORE, Mishap.KILLED_AFTER})
PASSING = frozenset({Mishap.THROTTLED, Mishap.ERROR, Mishap.TIMEOUT, Mishap.DROPPED})
"""Faults of one call, which is then made again."""
LASTING = frozenset({Mishap.THROTTLED_ON, Mishap.ERROR_ON})
AT_CLIENT = frozenset({Mishap.KILLED_BEFORE, Mishap.KILLED_AFTER, Mishap.TIMEOUT, Mishap.DROPPED})
"""The others are answers, which the rehearsal's AWS gives in each service's own words."""


@dataclass
class Wire:
    """Counts calls, in the order they are sent, each attempt by itself."""

    calls: list[str] = field(default_factory=list)
    mishap: Mishap | None = None
    first: int = 0
    """Number of the call it happens to, from 1."""
    last: int = 0
    operation: str = ""
    """Only calls of this operation count, with its service or without; empty for all."""
    awaited: list[str] = field(default_factory=list)
    """Calls that write and have to be sent first, in this order, whatever else is between them."""
    meanwhile: Callable[[], None] | None = None
    """What somebody else does right before the first of them."""
    places: frozenset[Place] = frozenset()
    """Calls that meet it beside those."""
    met: set[Place] = field(default_factory=set)
    """Which of them did."""
    _met: int = 0
    _of: Counter[str] = field(default_factory=Counter)
    _http: URLLib3Session = field(default_factory=URLLib3Session)

    def expect(self, mishap: Mishap | None, first: int, last: int, *, operation: str = "") -> None:
        """From now on calls are counted anew, and some of them meet the mishap."""
        self.calls, self.mishap, self._met, self.meanwhile = [], mishap, 0, None
        self.first, self.last, self.operation, self.awaited = first, last, operation, []
        self.places, self.met, self._of = frozenset(), set(), Counter()

    def expect_each(self, mishap: Mishap, places: Collection[Place]) -> None:
        """From now on calls are counted anew, and each of these meets the mishap."""
        self.expect(mishap, 0, 0)
        self.places = frozenset(places)

    def before_send(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse | None:
        """As botocore's event ``before-send``; an answer returned here is the call's answer."""
        self.calls.append(event_name.removeprefix("before-send."))
        meant = self.operation in {"", self.calls[-1], bare(self.calls[-1])}
        self._met += meant and not self.awaited
        if self.awaited[:1] == self.calls[-1:]:
            del self.awaited[0]
        if self.meanwhile and self._met == self.first:
            act, self.meanwhile = self.meanwhile, None
            act()
        if self.mishap not in AT_CLIENT or not self._is_meant():
            return None
        if self.mishap in {Mishap.KILLED_AFTER, Mishap.DROPPED}:
            self._http.send(request)
        match self.mishap:
            case Mishap.KILLED_BEFORE | Mishap.KILLED_AFTER:
                raise Killed(f"{self.mishap} call {len(self.calls)}, {self.calls[-1]}")
            case Mishap.TIMEOUT:
                raise ReadTimeoutError(endpoint_url=request.url)
            case _:
                raise ConnectionClosedError(endpoint_url=request.url)

    def _is_meant(self) -> bool:
        """Whether the call that was just counted is to meet the mishap."""
        operation = bare(self.calls[-1])
        self._of[operation] += 1
        place = (operation, self._of[operation])
        if place in self.places:
            self.met.add(place)
        return place in self.places or self.first <= self._met <= self.last


def writes(call: str) -> bool:
    """Whether a call leaves something behind."""
    return not bare(call).startswith(_READING)


def bare(call: str) -> str:
    """The operation of ``service.Operation``."""
    return call.rpartition(".")[2]


class WiredAccounts(Accounts):
    """Sessions whose clients' calls go through a wire; asking for credentials does not."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        super().__init__(clock)
        self._wire = wire

    def forget(self) -> None:
        """Who calls from now on is another process, which was never refused and keeps no pace."""
        self._paces._of.clear()  # noqa: SLF001 - a process of modelway's has no need of it

    def session(self, account: str, region: str, role: str) -> boto3.Session:
        """As ``Accounts``."""
        known = (account, region, role) in self._sessions
        opened = super().session(account, region, role)
        if not known:
            emitter = opened.core.get_component("event_emitter")  # type: ignore[attr-defined] # ours, typed as boto3's
            emitter.register("before-send", self._wire.before_send)
        return opened


def without_waiting(monkeypatch: pytest.MonkeyPatch, pause: Callable[[float], None]) -> None:
    """Botocore's waits between attempts are compressed as all others are; it has no setting for that."""

    class Time:
        """What botocore's endpoint uses of ``time``."""

        sleep = staticmethod(pause)

    monkeypatch.setattr(botocore.endpoint, "time", Time)


def sharing_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What botocore derives of a service's description is derived once, not for the clients of each release.

    The clients themselves, which count their attempts, are each release's own, as in a process of its own.
    """
    for name in ("_load_service_model", "_create_client_class"):
        monkeypatch.setattr(ClientCreator, name, _once(getattr(ClientCreator, name)))


def _once(derive: Callable[..., object]) -> Callable[..., object]:
    """A method of botocore's that is asked once for each service."""

    def derived(creator: ClientCreator, service: str, *rest: object) -> object:
        key = (derive.__name__, service)
        if key not in _DERIVED:
            _DERIVED[key] = derive(creator, service, *rest)
        return _DERIVED[key]

    return derived


_DERIVED: dict[tuple[str, str], object] = {}
