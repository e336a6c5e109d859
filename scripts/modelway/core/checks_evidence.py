"""Whose word counts, checked without looking at any key: each author is told from all others.

Whoever holds the build's key and an environment's can say that a version passed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelway.core.config import Environment, Identity, Signing
from modelway.core.naming import BUILD, KMS
from modelway.core.problem import Flaw, Level

Place = tuple[str, str]
"""Account and region: a key of KMS's is named within them."""


def authors(
    build: Signing | None, home: Place, environments: Mapping[str, Environment], names: Mapping[str, object]
) -> Iterator[Flaw]:
    """Authors that cannot be told apart; ``names`` are those of all environments, sound or not."""
    if BUILD in names:
        yield Flaw(
            path=("environments", BUILD),
            message=f"{BUILD} is who builds the image, and signs how it was built: no environment",
            cure="Give the environment another name: staging, say.",
            spot="key",
        )
    seen: dict[tuple[str, ...], str] = {}
    if build:
        yield from _said(build, BUILD, ("evidence",))
        seen = {_of(key, home): BUILD for key in build.verify_with}
    for name, place in environments.items():
        at = ("environments", name, "evidence")
        yield from _said(place.evidence, name, at)
        for index, key in enumerate(place.evidence.verify_with):
            known = seen.setdefault(_of(key, (place.account, place.region)), name)
            if known != name:
                yield _shared(key, known, name, (*at, "verify_with", index))


def _of(key: str | Identity, place: Place) -> tuple[str, ...]:
    """What tells a key from all others."""
    return (str(key), *place) if isinstance(key, str) and key.startswith(KMS) else (str(key),)


def _shared(key: str | Identity, known: str, name: str, path: tuple[str | int, ...]) -> Flaw:
    """One key for two. One workflow's file often signs for both, and its jobs have one identity."""
    if isinstance(key, Identity):
        message = f"{key} signs for {known}, too: one could say what only the other may"
        cure = "Let a reusable workflow of its own deploy there, and name that one."
        return Flaw(path=path, message=message, cure=cure, level=Level.WARNING)
    message = f"{key} is {known}'s key, too: whoever signs there could say that a version passed in {name}"
    cure = "Give each a key of its own: docs/how-to/sign-evidence.md"
    return Flaw(path=path, message=message, cure=cure, level=Level.ERROR if known == BUILD else Level.WARNING)


def _said(signing: Signing, name: str, path: tuple[str, ...]) -> Iterator[Flaw]:
    """Signing what nobody checks."""
    if signing.sign_with and not signing.verify_with:
        yield Flaw(
            path=(*path, "sign_with"),
            message=f"no key is named to verify with, so what {name} signs decides nothing",
            cure="Name its public half in verify_with.",
            level=Level.WARNING,
        )
