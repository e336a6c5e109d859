"""Debian's package database and its version order (deb-version(7), deb-control(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = "tuple[int, _Part, _Part]"
_Part: TypeAlias = "tuple[tuple[int, ...] | int, ...]"

_VERSION = re.compile(r"(?:([0-9]{1,10}):)?([0-9A-Za-z.+~:-]*?)(?:-([0-9A-Za-z.+~]*))?\Z")
_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
_MOST = 256
_SOURCE = re.compile(r"(\S+)(?: \(([^)]+)\))?\Z")
_FIELD = re.compile(r"^(Package|Status|Version|Source): *(.*?) *$", re.MULTILINE)
_ABSENT = {"not-installed", "config-files"}


class Unreadable(Exception):
    """A version or a paragraph that is not as dpkg writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One paragraph of dpkg's status."""

    name: str
    version: str
    source: str
    source_version: str


def key(version: str) -> Key:
    """Versions compare as dpkg compares them when their keys are compared.

    Raises ``Unreadable`` for what dpkg would not accept.
    """
    found = _VERSION.match(version)
    if not found or len(version) > _MOST or not version[:1].isalnum():
        raise Unreadable(version)
    epoch, upstream, revision = found.groups()
    return int(epoch or 0), _part(upstream), _part(revision or "0")


def installed(status: str) -> Iterator[Installed]:
    """The packages whose files are there, of a ``status`` file or one of ``status.d``."""
    for paragraph in re.split(r"\n[ \t]*\n", status):
        if not paragraph.strip():
            continue
        fields = dict(_FIELD.findall(paragraph))
        state = fields.get("Status", "install ok installed").split()[-1:]
        if state and state[0] in _ABSENT and "Package" in fields:
            continue
        yield _installed(fields, paragraph)


def _installed(fields: Mapping[str, str], paragraph: str) -> Installed:
    """One paragraph; a field without a value counts as missing."""
    source = _SOURCE.match(fields.get("Source") or fields.get("Package", ""))
    if not (fields.get("Package") and fields.get("Version") and source):
        raise Unreadable(paragraph[:80])
    return Installed(
        name=fields["Package"],
        version=fields["Version"],
        source=source[1],
        source_version=source[2] or fields["Version"],
    )


def _part(text: str) -> _Part:
    """Runs of other characters and of digits, in turn; the end sorts before all but a tilde."""
    parts: list[tuple[int, ...] | int] = []
    for other, digits in _RUNS.findall(text):
        if other or digits:
            parts += [(*map(_order, other), 0), int(digits or 0)]
    return (*parts, (0,))


def _order(character: str) -> int:
    """Tilde, then the end, then letters, then everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
