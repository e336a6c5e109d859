"""Versions as semver.org 2.0.0 defines them, in their order of precedence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import TypeAlias

# The pattern semver.org suggests (FAQ, "Is there a suggested regular expression"), digits kept to ASCII.
_SEMVER = re.compile(
    r"(?P<major>0|[1-9][0-9]*)\.(?P<minor>0|[1-9][0-9]*)\.(?P<patch>0|[1-9][0-9]*)"
    r"(?:-(?P<pre>(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
LONGEST = 255
"""Characters; nothing sensible is longer, and Python refuses to read numbers of thousands of digits."""

_Part: TypeAlias = "tuple[int, int, str]"


@total_ordering
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SemVer:
    """One version. Equal and ordered by precedence, which build metadata has no part in (item 10)."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: str = ""

    def __str__(self) -> str:
        pre = f"-{'.'.join(self.prerelease)}" if self.prerelease else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{'+' if self.build else ''}{self.build}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemVer) and self._precedence == other._precedence

    def __lt__(self, other: SemVer) -> bool:
        return self._precedence < other._precedence

    def __hash__(self) -> int:
        return hash(self._precedence)

    @property
    def _precedence(self) -> tuple[int, int, int, bool, tuple[_Part, ...]]:
        """Item 11: a pre-release comes before its release."""
        parts = tuple(_part(identifier) for identifier in self.prerelease)
        return self.major, self.minor, self.patch, not self.prerelease, parts


def parse(text: str) -> SemVer:
    """Read ``1.4.0-rc.1+build``, without a leading ``v``; raises ``ValueError``."""
    match = _SEMVER.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        msg = f"not a semantic version (MAJOR.MINOR.PATCH, semver.org): {text[:80]!r}"
        raise ValueError(msg)
    pre = match["pre"]
    return SemVer(
        major=int(match["major"]),
        minor=int(match["minor"]),
        patch=int(match["patch"]),
        prerelease=tuple(pre.split(".")) if pre else (),
        build=match["build"] or "",
    )


def _part(identifier: str) -> _Part:
    """Item 11.4: numbers by value and before words, words by ASCII."""
    return (0, int(identifier), "") if identifier.isdecimal() else (1, 0, identifier)
