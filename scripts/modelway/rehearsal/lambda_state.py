"""What Lambda keeps of a function: its one mutable configuration, its published versions, its aliases."""

from __future__ import annotations

import re
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.refusals import RequestRefused, refusal

LATEST = "$LATEST"
UPDATE_SECONDS = 24.0
"""How long a change stays ``InProgress``, in AWS's seconds: a minute for a large image."""
_NAMED = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?"
)


def now_text() -> str:
    """The time, as Lambda writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.{datetime.now(UTC).microsecond // 1000:03d}+0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a published version freezes."""

    role: str
    image: str
    """As it was named."""
    resolved: str
    """The same, by digest."""
    pull: str
    """As this machine's Docker pulls it."""
    sha256: str
    """The image's digest: 64 hex digits."""
    size: int
    architecture: str
    config: JsonObject
    """The other parameters of CreateFunction, as they were asked for."""

    def number(self, name: str, default: int) -> int:
        """A whole number of the configuration."""
        value = self.config.get(name)
        return value if isinstance(value, int) else default

    @property
    def timeout(self) -> int:
        """Seconds an invocation may take."""
        return self.number("Timeout", 3)

    @property
    def memory(self) -> int:
        """Megabytes."""
        return self.number("MemorySize", 128)

    @property
    def storage(self) -> int:
        """Megabytes of /tmp."""
        given = self.config.get("EphemeralStorage")
        size = given.get("Size") if isinstance(given, Mapping) else None
        return size if isinstance(size, int) else 512

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment's variables."""
        given = self.config.get("Environment")
        named: Json = given.get("Variables") if isinstance(given, Mapping) else None
        return {key: str(value) for key, value in named.items()} if isinstance(named, Mapping) else {}

    @property
    def image_config(self) -> JsonObject:
        """What is run instead of what the image says."""
        given = self.config.get("ImageConfig")
        return given if isinstance(given, Mapping) else {}


@dataclass(slots=True, kw_only=True)
class Version:
    """``$LATEST``, or a published version."""

    number: str
    settings: Settings
    description: str = ""
    born: bool = True
    """Whether it is new, not changed: ``Pending`` until it is ready, where a change is ``InProgress``."""
    takes: float
    """Seconds until it is ready, of the wall's."""
    ready_at: float = 0.0
    modified: str = field(default_factory=now_text)
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        """It is being made."""
        self.ready_at = time.monotonic() + self.takes

    @property
    def ready(self) -> bool:
        """No change of it is under way."""
        return time.monotonic() >= self.ready_at

    def change(self, settings: Settings) -> None:
        """A change begins."""
        self.settings, self.born = settings, False
        self.ready_at = time.monotonic() + self.takes
        self.modified, self.revision = now_text(), str(uuid.uuid4())

    @property
    def shown_revision(self) -> str:
        """Its revision: another one when a change has ended, as on AWS."""
        return self.revision_when(ready=self.ready)

    def revision_when(self, *, ready: bool) -> str:
        """The same of a moment that was looked at: an answer is of one moment."""
        return str(uuid.uuid5(uuid.UUID(self.revision), "ready")) if ready else self.revision


@dataclass(slots=True, kw_only=True)
class Alias:
    """A movable name for a version, or for two."""

    name: str
    version: str
    weights: Mapping[str, float]
    """Of the other version."""
    description: str = ""
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    credit: float = 0.0
    """What the other version is owed: shares come out right for few requests."""

    def choose(self) -> str:
        """The version of the next request."""
        for other, weight in self.weights.items():
            self.credit += weight
            if self.credit >= 1:
                self.credit -= 1
                return other
        return self.version

    def describe(self, function: str) -> Answer:
        """As AliasConfiguration."""
        said: Answer = {
            "AliasArn": f"{function}:{self.name}",
            "Name": self.name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision,
        }
        if self.weights:
            said["RoutingConfig"] = {"AdditionalVersionWeights": dict(self.weights)}
        return said


@dataclass(slots=True, kw_only=True)
class Provisioned:
    """Environments that are kept ready for an alias or a version."""

    wanted: int
    status: str = "IN_PROGRESS"
    reason: str = ""
    modified: str = field(default_factory=now_text)
    behind: str | None = None
    """The version whose environments were ready last; none before any were."""
    turn: int = 0
    """How often starting them has begun: what an earlier turn ends with counts no more."""

    def describe(self) -> Answer:
        """As in GetProvisionedConcurrencyConfig."""
        there = self.wanted if self.status == "READY" else 0
        said: Answer = {
            "RequestedProvisionedConcurrentExecutions": self.wanted,
            "AllocatedProvisionedConcurrentExecutions": there,
            "AvailableProvisionedConcurrentExecutions": there,
            "Status": self.status,
            "LastModified": self.modified,
        }
        return said | ({"StatusReason": self.reason} if self.reason else {})


@dataclass(slots=True, kw_only=True)
class Function:
    """A function."""

    account: str
    region: str
    name: str
    latest: Version
    published: dict[str, Version] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, dict[str, Answer]] = field(default_factory=lambda: defaultdict(dict))
    """Statements by qualifier, then by their ids."""
    urls: dict[str, Answer] = field(default_factory=dict)
    provisioned: dict[str, Provisioned] = field(default_factory=dict)
    counted: int = 0
    """The last version's number: numbers are never used again."""
    lock: RLock = field(default_factory=RLock)

    @property
    def arn(self) -> str:
        """Without a qualifier."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    def version(self, number: str) -> Version:
        """A version by its number; raises a refusal."""
        found = self.latest if number == LATEST else self.published.get(number)
        if found is None:
            raise missing(f"Function not found: {self.arn}:{number}")
        return found

    def target(self, qualifier: str | None) -> Version:
        """What a qualifier means: a version, or an alias's first one; raises a refusal."""
        alias = self.aliases.get(qualifier or "")
        return self.version(alias.version if alias else qualifier or LATEST)


@dataclass(frozen=True, slots=True)
class Place:
    """An account and region."""

    account: str
    region: str


_functions: dict[Place, dict[str, Function]] = defaultdict(dict)


def functions_of(place: Place) -> dict[str, Function]:
    """Every function of one account and region, by name."""
    return _functions[place]


def every_function() -> Iterator[Function]:
    """The functions of all accounts."""
    for found in list(_functions.values()):
        yield from list(found.values())


def parse_name(given: Json) -> tuple[str, str | None]:
    """Name and qualifier of a function named by name, partial or whole ARN; raises a refusal."""
    found = _NAMED.fullmatch(str(given))
    if found is None:
        message = (
            f"1 validation error detected: Value '{given}' at 'functionName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern"
        )
        raise refusal(message)
    return found["name"], found["qualifier"]


def find(place: Place, asked: JsonObject) -> tuple[Function, str | None]:
    """The function a request is about, and the qualifier; raises a refusal."""
    name, own = parse_name(asked.get("FunctionName"))
    given = asked.get("Qualifier")
    function = functions_of(place).get(name)
    if function is None:
        raise missing(f"Function not found: arn:aws:lambda:{place.region}:{place.account}:function:{name}")
    return function, str(given) if given else own


def missing(message: str) -> RequestRefused:
    """404."""
    return refusal(message, "ResourceNotFoundException")


def conflict(message: str) -> RequestRefused:
    """409."""
    return refusal(message, "ResourceConflictException")


def invalid(message: str) -> RequestRefused:
    """400."""
    return refusal(message, "InvalidParameterValueException")


def check_revision(given: Json, current: str, call: str) -> None:
    """Refuse a change of what somebody else has changed since it was read."""
    if given and given != current:
        message = (
            "The Revision Id provided does not match the latest Revision Id. "
            f"Call the {call} API to retrieve the latest Revision Id"
        )
        raise refusal(message, "PreconditionFailedException")
