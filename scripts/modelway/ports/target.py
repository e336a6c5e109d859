"""Where versions run, and everything modelway made there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelway.core.analysis import Sample
    from modelway.core.config import Capacity
    from modelway.core.estate import Thing
    from modelway.core.plan import State
    from modelway.core.record import Mark
    from modelway.core.version import Version, VersionId
    from modelway.ports.building import HttpAnswer, HttpRequest


class Estate(Protocol):
    """Everything modelway made for one model in one environment."""

    def things(self) -> tuple[Thing, ...]:
        """What there is now, in the order it is taken away: first what has the traffic.

        Raises ``Differs`` where what has the traffic was made by somebody else, or holds what they made.
        """

    def remove(self, thing: Thing, /) -> None:
        """Delete one and wait for its end; what is gone already is no error."""

    def requests(self, seconds: float, /) -> int | None:
        """How often the model was asked in the last so many seconds; ``None`` where it runs uncounted."""


class Target(Protocol):
    """A place that runs versions of one model in one environment."""

    @property
    def estate(self) -> Estate:
        """What modelway made there."""

    @property
    def early(self) -> bool:
        """Whether a version can be asked before it has traffic."""

    @property
    def media_types(self) -> frozenset[str]:
        """Manifests it can run."""

    @property
    def most(self) -> int | None:
        """Bytes of the largest image it runs, unpacked; ``None`` where it names none."""

    @property
    def walks(self) -> bool:
        """Whether the platform walks the whole rollout by itself, in one shift to 100 %.

        Otherwise every waypoint is a shift of its own, and the state is settled between them.
        """

    @property
    def beside(self) -> bool:
        """Whether a version can run beside what serves and be asked there: a shift to 0 %."""

    @property
    def capacity(self) -> Capacity | None:
        """What the config wants counted here; ``None`` where there is nothing to count."""

    @property
    def returning(self) -> str:
        """How the way back is taken there, and how long that takes: a sentence for people."""

    def images(self) -> frozenset[str]:
        """Digests of the images that the platform itself says are behind the pointer, whoever made them."""

    def observe(self, wanted: Version | None, /) -> State:
        """What is there, and what ``wanted`` would still need."""

    def prepare(self, need: str, version: Version, /) -> None:
        """Make one of the needs ``observe`` named."""

    def recognise(self, version: VersionId, name: str, /) -> bool:
        """Take the version for what is called so there, which somebody else made; nothing is written.

        Whether that is all: where not, it is staged beside that like any other, to hold its record.
        """

    def stage(self, version: Version, /, *, release: str) -> None:
        """Make the version exist, without traffic."""

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        """Begin to send this share of traffic to the version; ``urgent`` is the way back: all at once.

        To 0 %: run it beside what serves, without traffic. Urgent is the shortest way there is, also
        when it takes back a change under way.
        """

    def interrupt(self) -> None:
        """Take back the change under way as fast as the platform can; nothing where none is under way.

        What runs beside without traffic is such a change. Raises ``NotAllowed``, naming what can be
        done, where the platform has no cancel.
        """

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        """What the two answered in the last so many seconds, the same for both, in that order."""

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        """Wait until no change is under way, or for so many seconds, saying what happens."""

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        """Ask the version; ``None`` asks whatever has the traffic."""

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        """Last log lines of the version's containers; none where they cannot be read."""

    def record(self, version: VersionId, mark: Mark, /) -> None:
        """Remember something about a version."""

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        """Set instance counts and autoscaling of what serves."""

    def retire(self, version: VersionId, /) -> None:
        """Delete a version that serves nothing."""

    def words(self, version: VersionId, /) -> str:
        """What the version is called there: the endpoint config's name, say."""
