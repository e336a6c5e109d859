"""What a rehearsal was asked for, and what its steps share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelway.ports import World
from modelway.rehearsal.faults_catalogue import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options of ``rehearse``."""

    config: Path
    fault: Fault | None = None
    keep: bool = False
    install: bool = True
    clock_factor: float = 60.0
    seed: int | None = None
    """Makes the random choices of ``killed`` repeatable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where a rehearsal keeps its files, under the workspace."""

    top: Path

    @property
    def cloud(self) -> Path:
        """The cloud's own; gone when it stops."""
        return self.top / "cloud"

    @property
    def work(self) -> Path:
        """Derived configs and Dockerfiles; gone at the end."""
        return self.top / "work"

    @property
    def cache(self) -> Path:
        """What makes the next rehearsal fast: image layers and trained models."""
        return self.top / "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long a stage took."""

    stage: str
    seconds: float
    outcome: str = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One rehearsal under way."""

    wish: Wish
    world: World
    folders: Folders
    took: list[Took] = field(default_factory=list)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """A stage under its own heading, timed."""
        with self.timed(title), self.world.reporter.stage(title):
            yield

    @contextmanager
    def timed(self, title: str) -> Iterator[None]:
        """A stage that is timed and says by itself what it does."""
        began = time.monotonic()
        outcome = "stopped"
        try:
            yield
            outcome = "done"
        finally:
            self.took.append(Took(stage=title, seconds=time.monotonic() - began, outcome=outcome))
