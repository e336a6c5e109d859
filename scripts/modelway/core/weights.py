"""Which copies of model artifacts are kept, which may go, and which lifecycle rules of S3 would take them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelway.core.duration import words
from modelway.core.stock import YOUNG


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One version of an object under a model's prefix."""

    bucket: str
    key: str
    version: str
    """S3's version id, ``null`` where the bucket keeps none."""
    size: int
    modified: datetime
    latest: bool = True
    """Whether it is what one gets who names no version: nothing else is loaded."""

    @property
    def sha256(self) -> str:
        """What the key says it holds, ``sha256:...``; empty for a key modelway does not write."""
        told = re.fullmatch(r"[^/]+/([0-9a-f]{64})/model\.tar\.gz", self.key)
        return f"sha256:{told[1]}" if told else ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A lifecycle rule of a bucket that takes objects from where they can be loaded."""

    name: str
    prefix: str = ""
    larger: int = -1
    """It is about objects of more bytes than that ..."""
    smaller: int | None = None
    """... and of fewer than this."""
    does: str = "delete"
    """For people: ``delete``, or ``move to GLACIER``."""

    def takes(self, copy: Copy) -> bool:
        """Whether it will, however long that takes; tags it asks for are taken to be there."""
        small = self.smaller is None or copy.size < self.smaller
        return copy.key.startswith(self.prefix) and copy.size > self.larger and small


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A copy, and what becomes of it."""

    copy: Copy
    goes: bool
    why: str


def decide(
    copies: Iterable[Copy], needed: Mapping[str, str], now: datetime, young: timedelta = YOUNG
) -> tuple[Decision, ...]:
    """Every version of what is needed stays, and so does what was written a short while ago."""
    found = []
    for copy in copies:
        why = needed.get(copy.sha256, "")
        if not why and not copy.sha256:
            why = "its key is none of modelway's"
        if not why and now - copy.modified < young:
            why = f"it was written less than {words(young)} ago"
        found.append(Decision(copy=copy, goes=not why, why=why or "no version that stands anywhere needs it"))
    return tuple(found)


def endangered(
    copies: Collection[Copy], rules: Iterable[Expiry], needed: Mapping[str, str]
) -> tuple[tuple[Copy, Expiry], ...]:
    """Needed copies, and the rules that take them."""
    wanted = [copy for copy in copies if copy.sha256 in needed]
    return tuple((copy, rule) for rule in rules for copy in wanted if rule.takes(copy))
