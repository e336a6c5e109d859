"""What a rehearsal's play has to know of one target: what stands there before, who asks, what serves.

The play itself is the same for every target. A target ``x`` has a module here, listed in ``VENUES``, with
``open_venue(config, environment)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias

from modelway.core.config import Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.errors import Malformed
from modelway.ports import HttpRequest

if TYPE_CHECKING:
    from modelway.rehearsal.journal import Entry

VENUES: Mapping[str, str] = {
    "sagemaker": "modelway.rehearsal.sagemaker_venue",
    "lambda": "modelway.rehearsal.lambda_venue",
    "ecs": "modelway.rehearsal.ecs_venue",
}
"""Each target's name, and the module that knows how it is rehearsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What one environment serves, asked from the platform."""

    environment: str
    version: str
    """The version's id; empty when nothing serves."""
    digest: str
    """Of the image its containers really run."""
    status: str
    answer: str
    """What it answered just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What to ask the cloud for so that there is too little capacity: a control and its payload."""

    control: str
    payload: JsonObject


Control: TypeAlias = Callable[[str, JsonObject], Json]
"""Asks the cloud's control: its name and a payload."""


class Venue(Protocol):
    """One environment of a model in the rehearsal's cloud, from the outside."""

    @property
    def services(self) -> tuple[str, ...]:
        """What a release to this target calls beside ECR, S3 and STS: the fault ``throttled`` meets them."""

    @property
    def unhealthy(self) -> tuple[tuple[str, JsonObject], ...]:
        """What the cloud is asked for so that an image that never gets ready is given up on soon."""

    def roles(self) -> Iterator[tuple[str, str]]:
        """Roles the settings name, and the AWS service that each trusts."""

    def build(self, control: Control, /) -> None:
        """Make what an account has before the first release, beside roles and the bucket.

        ``control`` asks the cloud for what AWS's API has no words for: things with the ids a config names.
        """

    def users(self) -> Callable[[HttpRequest], str]:
        """How a user asks, once and without repairing: ``200``, another status, or an error's name."""

    def moves(self, entry: Entry, /) -> bool:
        """Whether an AWS call moves traffic here: users become busy then."""

    def serving(self, request: HttpRequest, /) -> Serving:
        """What serves, and what it answers."""

    def requests_by_version(self) -> Mapping[str, tuple[int, int]]:
        """Requests and server errors of each version in the last hour, as CloudWatch counted them."""

    def shortage(self) -> Shortage | None:
        """Too little capacity for the next release; ``None`` where this config counts nothing."""

    def commands(self, body: str, /) -> Iterator[str]:
        """What to type to see what serves and to ask it, as the profile of the environment."""


def open_venue(config: ModelConfig, environment: Environment) -> Venue:
    """The environment as its target is rehearsed; raises ``Malformed`` where that is not possible."""
    module = VENUES.get(environment.target)
    if module is None:
        raise Malformed(
            f"The target {environment.target} cannot be rehearsed",
            seen=f"Those that can: {', '.join(VENUES)}.",
            cure="name a config of one of those targets.",
        )
    venue: Venue = import_module(module).open_venue(config, environment)
    return venue
