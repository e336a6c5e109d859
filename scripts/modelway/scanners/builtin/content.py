"""What the contents of a layer's files say, beside packages: the place where such looks hook into the walk.

A layer is read once. Whoever is interested in a member gets a listener for it, which is fed whatever
is read of it, by anybody, in order and whole. Nothing is read twice, and nothing is kept for others.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from modelway.scanners.builtin.configuration.files import Modes
from modelway.scanners.builtin.models.files import Ear as ModelEar
from modelway.scanners.builtin.models.files import Models
from modelway.scanners.builtin.secrets.files import Ear as SecretEar
from modelway.scanners.builtin.secrets.files import Secrets
from modelway.scanners.builtin.tar import Kind, Listener, Member


@dataclass(slots=True)
class Content:
    """What was seen in one layer."""

    secrets: Secrets = field(default_factory=Secrets)
    models: Models = field(default_factory=Models)
    modes: Modes = field(default_factory=Modes)
    size: int = 0
    """Bytes of its files."""
    paths: array[int] = field(default_factory=lambda: array("q"))
    """Hashes of all its paths, sorted: whether a higher layer replaces a file needs no more."""


class Watch(Protocol):
    """Looks at one layer while it passes."""

    def member(self, path: str, member: Member, /) -> Listener | None:
        """Note a member by its clean path; a listener if its content is wanted."""

    def seen(self) -> Content:
        """What was seen, once the layer has passed whole."""


Watching = Callable[[], Watch]
"""A new watch for each layer."""


class Looker:
    """Implements ``Watch``: secrets, model files, permissions."""

    __slots__ = ("_content",)

    def __init__(self) -> None:
        self._content = Content()

    def member(self, path: str, member: Member, /) -> Listener | None:
        """Every file is searched for secrets; what is a model is told from its first bytes."""
        content = self._content
        content.paths.append(hash(path))
        content.modes.note(path, member)
        if member.kind is not Kind.FILE or member.size == 0:
            return None
        content.size += member.size
        return Both(
            SecretEar(path, member.size, content.secrets), ModelEar(path, member.size, content.models)
        )

    def seen(self) -> Content:
        """What was seen."""
        self._content.paths = array("q", sorted(self._content.paths))
        return self._content


class Both:
    """Two who listen to the same file."""

    __slots__ = ("_one", "_other")

    def __init__(self, one: Listener, other: Listener) -> None:
        self._one = one
        self._other = other

    def feed(self, piece: bytes, /) -> None:
        """To each."""
        self._one.feed(piece)
        self._other.feed(piece)

    def end(self) -> None:
        """To each."""
        self._one.end()
        self._other.end()
