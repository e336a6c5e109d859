"""What a platform's API allows a value to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Of numbers the least and the most, of texts and lists the shortest and the longest."""

    minimum: int | None = None
    maximum: int | None = None
    options: tuple[str, ...] = ()
    """The only values allowed, where there are few."""

    def words(self) -> str:
        """The range in words: ``60 to 3600``."""
        if self.minimum is None:
            return f"at most {self.maximum}"
        return f"at least {self.minimum}" if self.maximum is None else f"{self.minimum} to {self.maximum}"

    def instead(self, size: float, words: Callable[[float], str] = "{:g}".format) -> str:
        """What to write where a size is not allowed: the nearest that is, where there are two bounds."""
        if self.minimum is None or self.maximum is None:
            return f"Write {self.words()}."
        return instead(size, self.minimum, self.maximum, words)

    def allows(self, size: float) -> bool:
        """Whether a number, or a length, is inside."""
        low = self.minimum is None or size >= self.minimum
        return low and (self.maximum is None or size <= self.maximum)


def instead(value: float, least: float, most: float, words: Callable[[float], str] = "{:g}".format) -> str:
    """What to write where a value is outside of a range: the nearest that is inside, and the range."""
    near = least if value < least else most
    return f"Write {words(near)}, the nearest of {words(least)} to {words(most)}."


def neighbours(value: float, options: Sequence[int]) -> tuple[int, ...]:
    """Of options in order the greatest below a value and the least above it."""
    below = [option for option in options if option < value]
    above = [option for option in options if option > value]
    return (*below[-1:], *above[:1])
