"""What an environment remembers of a version: attempts, passes, failures, withdrawals.

Records live as tags on the version itself, so their text keeps to the characters every platform allows in tag
values: letters and numbers of any script, spaces and ``_ . : / = + - @``, 256 at most (botocore's pattern of
TagValue, the same for SageMaker, ECS and Lambda).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

from modelway.core.analysis import Sample
from modelway.core.version import VersionId

_SIGNS = frozenset("_.:/=+-@")
_LONGEST = 256
_PLANE = "\uffff"
"""What comes after it counts as two characters in Java, and so perhaps to AWS."""


def _plain(text: str, room: int = _LONGEST) -> str:
    """Text reduced to what a tag value may hold."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(map(_fitting, composed)).split())[:room].strip()


def _fitting(one: str) -> str:
    """A character as a tag value may hold it: marks on letters are left out, what else is forbidden parts."""
    if one in _SIGNS or (one <= _PLANE and unicodedata.category(one)[0] in "LN"):
        return one
    return "" if unicodedata.category(one)[0] == "M" else " "


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
class Analysed:
    """In an attempt, the version compared well with what served, up to a share of traffic."""

    attempt: int
    percent: int
    samples: tuple[Sample, Sample] | None = None
    """What the two answered, its own first; ``None`` where an older release did not say."""

    def text(self) -> str:
        """The tag's value."""
        samples = "".join(f" {sample.text()}" for sample in self.samples or ())
        return f"{self.attempt} {self.percent}{samples}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        attempt, percent, *numbers = text.split(" ")
        own, other = numbers[:3], numbers[3:]
        samples = (Sample.parse(own), Sample.parse(other)) if numbers else None
        return cls(attempt=int(attempt), percent=int(percent), samples=samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconclusive:
    """An attempt ended because nobody could tell whether the version is well: it is not called sick."""

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
class Glass:
    """A person broke the glass: the version came in although the gate refused it. It is never forgotten."""

    reason: str

    @property
    def words(self) -> str:
        """As everybody is told ever after."""
        return f"BREAK-GLASS: it came in past the gate: {self.reason}"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """The version is what somebody else's thing is: where that serves, the version does."""

    name: str
    """What it is called there: the endpoint config's name, say."""

    def text(self) -> str:
        """The tag's value."""
        return self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag's value."""
        return cls(name=text)


Kept: TypeAlias = Attempt | Passed | Checked | Failed | Analysed | Inconclusive | Withdrawn | Glass | Adopted
"""Marks that have a place of their own in a record."""
Mark: TypeAlias = Kept | Reinstated | Named


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
    analysed: Analysed | None = None
    inconclusive: Inconclusive | None = None
    withdrawn: Withdrawn | None = None
    glass: Glass | None = None
    adopted: Adopted | None = None
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

    @property
    def undecided(self) -> bool:
        """Its last attempt ended without a verdict."""
        return self.inconclusive is not None and self.inconclusive.attempt >= self.attempts

    def with_mark(self, mark: Mark) -> Record:
        """The record after the mark was made."""
        match mark:
            case Passed():
                return replace(self, passed=mark, failed=None)
            case Reinstated():
                return replace(self, withdrawn=None, failed=None, inconclusive=None)
            case Named():
                return replace(self, release=mark.text())
            case Attempt():
                return replace(self, attempt=mark)
            case Withdrawn():
                return replace(self, withdrawn=mark)
            case Checked() | Failed() | Analysed() | Inconclusive() | Glass() | Adopted():
                return self._with_finding(mark)

    def _with_finding(self, mark: Checked | Failed | Analysed | Inconclusive | Glass | Adopted) -> Record:
        """The record after something was found out, which ends nothing known before."""
        match mark:
            case Glass():
                return replace(self, glass=mark)
            case Adopted():
                return replace(self, adopted=mark)
            case Checked():
                return replace(self, checked=mark)
            case Failed():
                return replace(self, failed=mark)
            case Analysed():
                return replace(self, analysed=mark)
            case Inconclusive():
                return replace(self, inconclusive=mark)
