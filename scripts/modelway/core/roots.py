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
    glass: Mapping[str, str] = field(default_factory=dict)
    """Of environments whose glass may be broken, the role it is done by."""


def replaced(protected: Roots, here: Roots, environment: str) -> frozenset[str]:
    """Environments a new name may stand for: those of the default branch that a checkout does not have.

    Nobody can tell a renamed one from one that is new beside one that was removed.
    """
    if environment in protected.before:
        return frozenset()
    return frozenset(protected.before.keys() - here.before.keys())


def weaker(protected: Roots, here: Roots, environment: str) -> str:
    """What a checkout would have believed on the way into an environment; empty where it asks for no less.

    Fewer of the same keys are stricter. Who has no key on the default branch may be given one, unless it
    stands for somebody who had one there.
    """
    before = here.before.get(environment)
    if environment in protected.before:
        wished, before = before, protected.before[environment]
        if before is not None and wished != before:
            return f"promotes to {environment} from {wished or 'nowhere'}, not from {before}"
    elif before is None and (lost := _shortcut(protected, here, environment)):
        return f"promotes to {environment} from nowhere, and has no {lost}"
    for author in filter(None, (BUILD, before)):
        stands_for = () if author == BUILD else replaced(protected, here, author)
        wanted = protected.keys.get(author, frozenset()).union(
            *(protected.keys.get(each, frozenset()) for each in stands_for)
        )
        found = here.keys.get(author, frozenset())
        if wanted and not found:
            return f"names no key of {author}"
        if wanted and not found <= wanted:
            return f"names another key of {author}"
    return ""


def unlocked(protected: Roots, here: Roots, environment: str) -> str:
    """Whose hand a checkout would let break the glass, that may not; empty where it asks for no more.

    With a role of its own choice, as the one that every release has, an ordinary job could.
    """
    wanted, found = protected.glass.get(environment), here.glass.get(environment)
    if not found or found == wanted:
        return ""
    return f"lets the glass of {environment} be broken by {found}, not by {wanted or 'nobody'}"


def _shortcut(protected: Roots, here: Roots, environment: str) -> str:
    """Environments promoted into that more ways in from nowhere replace; empty where there are none."""
    gone = replaced(protected, here, environment)
    starts = [name for name, source in here.before.items() if not source and name not in protected.before]
    later = sorted(name for name in gone if protected.before[name])
    return ", ".join(later) if later and len(starts) > len(gone) - len(later) else ""
