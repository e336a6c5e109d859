"""What the cloud's log of AWS calls tells of a release: which faults calls met, what was done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.grounds import ROLE

_ONCE = frozenset({"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"})
"""What a release does once to a thing, however often its client is killed."""
_OK = 200
_LOOKING = f":assumed-role/{ROLE}/"
"""In the principal of calls the rehearsal itself makes: its users' requests, its looks around."""
ANY_BUT_THE_REHEARSAL = f"(?!.*{_LOOKING}).*"
"""A pattern for principals: of the calls that modelway makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One call."""

    number: int
    account: str
    principal: str
    service: str
    operation: str
    resource: str
    status: int
    fault: str

    @classmethod
    def parse(cls, given: JsonObject) -> Self:
        """Read a line of the log."""
        return cls(
            number=int(str(given["number"])),
            account=str(given["account"]),
            principal=str(given["principal"]),
            service=str(given["service"]),
            operation=str(given["operation"]),
            resource=str(given["resource"]),
            status=int(str(given["status"])),
            fault=str(given["fault"]),
        )

    @property
    def took_effect(self) -> bool:
        """Whether AWS did what was asked, answered or not."""
        return self.status == _OK or self.fault.endswith("_after")


def entries(log: Json) -> tuple[Entry, ...]:
    """The log, parsed."""
    return (
        tuple(Entry.parse(line) for line in log if isinstance(line, Mapping)) if isinstance(log, list) else ()
    )


def last(log: Sequence[Entry]) -> int:
    """The number of the latest call."""
    return max((entry.number for entry in log), default=0)


def by_the_client(log: Sequence[Entry]) -> int:
    """How many calls were neither users' requests nor the rehearsal's own."""
    return sum(_LOOKING not in entry.principal for entry in log)


def faults(log: Sequence[Entry]) -> tuple[str, ...]:
    """The faults calls met, in sentences."""
    met = Counter((entry.fault, entry.service) for entry in log if entry.fault and not _killed(entry))
    refused = [f"{service} {count} x {fault}" for (fault, service), count in sorted(met.items())]
    kills = [
        f"the client was killed {entry.fault.removeprefix('kill_')} {entry.service} {entry.operation}"
        f" ({entry.resource}) took effect"
        for entry in log
        if _killed(entry)
    ]
    return (*([f"faults met: {', '.join(refused)}"] if refused else []), *kills)


def twice(log: Sequence[Entry]) -> tuple[str, ...]:
    """What was done more than once to the same thing."""
    done = Counter(
        (e.account, e.operation, e.resource) for e in log if e.operation in _ONCE and e.took_effect
    )
    return tuple(
        f"{operation} {resource} in {account}: {count} times"
        for (account, operation, resource), count in sorted(done.items())
        if count > 1
    )


def _killed(entry: Entry) -> bool:
    return entry.fault.startswith("kill_")
