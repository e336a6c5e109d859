"""Alpine's, Wolfi's and Chainguard's package database and version order (apk-tools 3, src/version.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = "tuple[tuple[int, int, int | str], ...]"

_VERSION = re.compile(
    r"([0-9]+(?:\.[0-9]+)*)([a-z]?)((?:_[a-z]+[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?\Z", re.ASCII
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_MOST = 256

# What may come next at one place, in ascending order: a suffix that means "before" sorts below the end.
_PRE_SUFFIX, _END, _REVISION, _COMMIT, _SUFFIX_NUMBER, _POST_SUFFIX, _LETTER, _NUMBER = range(8)


class Unreadable(Exception):
    """A version or an entry that is not as apk writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One entry of apk's database."""

    name: str
    version: str
    origin: str
    """The package it was built from, which Alpine's advisories name."""
    licence: str
    files: tuple[str, ...]


def key(version: str) -> Key:
    """Versions compare as apk compares them when their keys are compared; raises ``Unreadable``."""
    found = _VERSION.match(version)
    if not found or len(version) > _MOST:
        raise Unreadable(version)
    numbers, letter, suffixes, commit, revision = found.groups()
    first, *others = numbers.split(".")
    parts: list[tuple[int, int, int | str]] = [(_NUMBER, 1, int(first))]
    parts += (_component(one) for one in others)
    if letter:
        parts.append((_LETTER, 0, letter))
    for name, number in _SUFFIX.findall(suffixes):
        parts.append(_suffix(name))
        if number:
            parts.append((_SUFFIX_NUMBER, 0, int(number)))
    if commit:
        parts.append((_COMMIT, 0, commit))
    if revision:
        parts.append((_REVISION, 0, int(revision)))
    return (*parts, (_END, 0, 0))


def installed(database: str) -> Iterator[Installed]:
    """Every package of ``lib/apk/db/installed``; raises ``Unreadable``."""
    for entry in re.split(r"\n\n+", database.strip("\n")):
        if not entry.strip():
            continue
        fields: dict[str, str] = {}
        files: list[str] = []
        for line in entry.split("\n"):
            letter, _, value = line.partition(":")
            fields[letter] = value
            if letter == "R":
                files.append(f"{fields['F']}/{value}" if fields.get("F") else value)
        if not (fields.get("P") and fields.get("V")):
            raise Unreadable(entry[:80])
        yield Installed(
            name=fields["P"],
            version=fields["V"],
            origin=fields.get("o", ""),
            licence=fields.get("L", ""),
            files=tuple(files),
        )


def shortened(database: bytes, wanted: re.Pattern[bytes]) -> bytes:
    """The database without what nobody reads; of the files, those whose names end so."""
    kept: list[bytes] = []
    folder = b""
    for line in database.split(b"\n"):
        if line.startswith(b"F:"):
            folder = line
        elif line.startswith(b"R:"):
            if wanted.search(folder[2:] + b"/" + line[2:]):
                kept += (folder, line)
        elif not line or line.startswith((b"P:", b"V:", b"o:", b"L:")):
            kept.append(line)
    return b"\n".join(kept)


def _component(digits: str) -> tuple[int, int, int | str]:
    """A number after a dot; those with a leading zero compare as text, below all others."""
    return (_NUMBER, 0, digits) if digits.startswith("0") else (_NUMBER, 1, int(digits))


def _suffix(name: str) -> tuple[int, int, int | str]:
    """``_rc`` and its like come before the version they are added to, ``_p`` and its like after."""
    if name in _BEFORE:
        return _PRE_SUFFIX, 0, _BEFORE.index(name)
    if name in _AFTER:
        return _POST_SUFFIX, 0, _AFTER.index(name)
    raise Unreadable(name)
