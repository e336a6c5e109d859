"""What the contents of a layer's files say, beside packages: the place where such looks hook into the walk.

A layer is read once. Whoever is interested in a member gets a listener for it, which is fed whatever
is read of it, by anybody, in order and whole. Nothing is read twice, and nothing is kept for others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelway.scanners.builtin.tar import Listener, Member


@dataclass(frozen=True, slots=True)
class Content:
    """What was seen in one layer."""


class Watch(Protocol):
    """Looks at one layer while it passes."""

    def member(self, path: str, member: Member, /) -> Listener | None:
        """Note a member by its clean path; a listener if its content is wanted."""

    def seen(self) -> Content:
        """What was seen, once the layer has passed whole."""


Watching = Callable[[], Watch]
"""A new watch for each layer."""
