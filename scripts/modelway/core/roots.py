"""Whose word counts for a model, and whether a checkout trusts somebody whom the default branch does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.core.naming import BUILD


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """What all evidence rests on."""

    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each author, ``build`` or an environment, those it is verified with: files by what is in them."""
    before: Mapping[str, str | None] = field(default_factory=dict)
    """Of each environment, the one it is promoted from."""


def weaker(protected: Roots, here: Roots, environment: str) -> str:
    """What a checkout would have believed on the way into an environment; empty where it asks for no less.

    Fewer of the same keys are stricter. Who has no key on the default branch may be given one.
    """
    if environment not in protected.before:
        before = here.before.get(environment)
    else:
        before = protected.before[environment]
        wished = here.before.get(environment)
        if before is not None and wished != before:
            return f"promotes to {environment} from {wished or 'nowhere'}, not from {before}"
    for author in filter(None, (BUILD, before)):
        wanted, found = protected.keys.get(author, frozenset()), here.keys.get(author, frozenset())
        if wanted and not found:
            return f"names no key of {author}"
        if wanted and not found <= wanted:
            return f"names another key of {author}"
    return ""
