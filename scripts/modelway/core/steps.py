"""The steps a plan is made of: each is a value, and says what will be done to which version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from modelway.core.config import Analysis, Capacity
from modelway.core.version import VersionId


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make something the version needs around it."""

    need: str
    words: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Make the version exist, without traffic."""

    version: VersionId


@dataclass(frozen=True, slots=True)
class Verify:
    """Ask the version the contract tests and record that it passed."""

    version: VersionId
    contract: str
    percent: int
    """Share of the traffic it has meanwhile: 0 is before traffic."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Send this percentage of traffic to the version."""

    version: VersionId
    percent: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Soak:
    """Watch the version at its share of traffic for the rest of this many seconds."""

    version: VersionId
    percent: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Analyse:
    """Compare the version with what serves, over the same minutes, until there is a verdict."""

    version: VersionId
    percent: int
    soak: float
    """Seconds watched before; they count, too."""
    limits: Analysis

    @property
    def longest(self) -> float:
        """Seconds after which the comparison is given up, from when the version had this share."""
        return self.soak + self.limits.max_wait.total_seconds()


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop until a person says to go on."""

    version: VersionId
    percent: int


@dataclass(frozen=True, slots=True)
class Configure:
    """Set instance counts and autoscaling of what serves."""

    version: VersionId
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class Retire:
    """Delete a version that rollback no longer needs."""

    version: VersionId


Watching: TypeAlias = Verify | Soak | Analyse | Pause
"""Steps that change nothing but what is known of the version."""
Step: TypeAlias = Prepare | Stage | Shift | Configure | Retire | Watching
