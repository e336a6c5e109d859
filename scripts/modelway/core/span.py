"""The two commits a change lies between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one commit to another."""

    base: str
    """A commit, or the empty tree where there is nothing to compare with."""
    head: str
    words: str
    """How the two were chosen."""
