"""What an environment remembers of a version: attempts, passes, failures, withdrawals.

Records live as tags on the version itself, so their text keeps to the characters every platform
allows in tag values: letters, digits, spaces and ``_ . : / = + - @`` (SageMaker, ECS; 256 at most).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

from modelway.core.version import VersionId

_FORBIDDEN = re.compile(r"[^\w .:/=+\-@]", re.ASCII)
_LONGEST = 256


def _plain(text: str, room: int = _LONGEST) -> str:
    """Text reduced to what a tag value may hold."""
    return " ".join(_FORBIDDEN.sub(" ", text).split())[:room].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Traffic was about to be moved to the version for the n-th time."""

    number: int
    at: str
    """When, as ISO 8601 in UTC: later attempts compare greater."""
    pointer: str | None = None
    """The pointer's modification time before the shift; ``None`` if there was no pointer."""

    def text(self) -> str:
        """The tag's value."""
        return f"{self.number} {self.at} {self.pointer or '-'}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        number, at, pointer = text.split(" ", 2)
        return cls(number=int(number), at=at, pointer=None if pointer == "-" else pointer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The version answered the contract tests, at full traffic, in an attempt."""

    contract: str
    """Hash of the contract tests it answered."""
    attempt: int
    at: str

    def text(self) -> str:
        """The tag's value."""
        return f"{self.attempt} {self.at} {self.contract}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        attempt, at, contract = text.split(" ", 2)
        return cls(contract=contract, attempt=int(attempt), at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The version answered the contract tests before it had traffic."""

    contract: str

    def text(self) -> str:
        """The tag's value."""
        return self.contract

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        return cls(contract=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An attempt ended badly because of the version itself."""

    attempt: int
    reason: str

    def text(self) -> str:
        """The tag's value, its reason shortened to what fits."""
        return f"{self.attempt} {_plain(self.reason, 240)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        attempt, _, reason = text.partition(" ")
        return cls(attempt=int(attempt), reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A person rolled back from the version: never a fallback, never deployed, until reinstated."""

    reason: str

    def text(self) -> str:
        """The tag's value, its reason shortened to what fits."""
        return _plain(self.reason) or "-"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        return cls(reason=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstated:
    """A person takes back a withdrawal, and the failures with it."""

    reason: str

    def text(self) -> str:
        """The tag's value, its reason shortened to what fits."""
        return _plain(self.reason) or "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The release the version belongs to from now on: the same version may be released again."""

    release: str

    def text(self) -> str:
        """The tag's value."""
        return _plain(self.release)


Mark: TypeAlias = Attempt | Passed | Checked | Failed | Withdrawn | Reinstated | Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is remembered of one version in one environment."""

    id: VersionId
    digest: str
    """The image's manifest digest."""
    artifact: str | None = None
    """The artifact's SHA-256, ``sha256:...``."""
    attempt: Attempt | None = None
    passed: Passed | None = None
    checked: Checked | None = None
    failed: Failed | None = None
    withdrawn: Withdrawn | None = None
    release: str = ""
    """The release's name for people: a semantic version or a revision."""

    @property
    def attempts(self) -> int:
        """How many attempts it has had."""
        return self.attempt.number if self.attempt else 0

    @property
    def ended_badly(self) -> bool:
        """Its last attempt failed; a failure before that one is forgotten."""
        return self.failed is not None and self.failed.attempt >= self.attempts

    def with_mark(self, mark: Mark) -> Record:
        """The record after the mark was made."""
        match mark:
            case Attempt():
                return replace(self, attempt=mark)
            case Passed():
                return replace(self, passed=mark, failed=None)
            case Checked():
                return replace(self, checked=mark)
            case Failed():
                return replace(self, failed=mark)
            case Withdrawn():
                return replace(self, withdrawn=mark)
            case Reinstated():
                return replace(self, withdrawn=None, failed=None)
            case Named():
                return replace(self, release=mark.text())


PREFIX = "modelway:"
_DIGEST, _ARTIFACT, _RELEASE = f"{PREFIX}digest", f"{PREFIX}artifact", f"{PREFIX}release"
_MARKS: Mapping[str, type[Attempt | Passed | Checked | Failed | Withdrawn]] = {
    f"{PREFIX}attempt": Attempt,
    f"{PREFIX}passed": Passed,
    f"{PREFIX}checked": Checked,
    f"{PREFIX}failed": Failed,
    f"{PREFIX}withdrawn": Withdrawn,
}


def to_tags(record: Record) -> dict[str, str]:
    """The tags that hold the record."""
    marks = {key: getattr(record, key.removeprefix(PREFIX)) for key in _MARKS}
    named = {_DIGEST: record.digest, _ARTIFACT: record.artifact, _RELEASE: _plain(record.release)}
    return {k: v for k, v in named.items() if v} | {k: m.text() for k, m in marks.items() if m}


def from_tags(version: VersionId, tags: Mapping[str, str]) -> Record | None:
    """Read a record; ``None`` where the tags are not modelway's."""
    if _DIGEST not in tags:
        return None
    marks = {key.removeprefix(PREFIX): kind.parse(tags[key]) for key, kind in _MARKS.items() if key in tags}
    bare = Record(
        id=version,
        digest=tags[_DIGEST],
        artifact=tags.get(_ARTIFACT),
        release=tags.get(_RELEASE, ""),
    )
    for mark in (marks.get(k) for k in ("attempt", "checked", "passed", "failed", "withdrawn")):
        bare = bare.with_mark(mark) if mark else bare
    return bare


def changed_tags(mark: Mark) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags to set and tag keys to remove so that the mark is remembered."""
    match mark:
        case Passed():
            return {f"{PREFIX}passed": mark.text()}, (f"{PREFIX}failed",)
        case Reinstated():
            return {f"{PREFIX}reinstated": mark.text()}, (f"{PREFIX}withdrawn", f"{PREFIX}failed")
        case Attempt():
            return {f"{PREFIX}attempt": mark.text()}, ()
        case Checked():
            return {f"{PREFIX}checked": mark.text()}, ()
        case Failed():
            return {f"{PREFIX}failed": mark.text()}, ()
        case Withdrawn():
            return {f"{PREFIX}withdrawn": mark.text()}, ()
        case Named():
            return {_RELEASE: mark.text()}, ()
