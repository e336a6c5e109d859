"""What a platform's API allows a value to be."""

from __future__ import annotations

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

    def allows(self, size: float) -> bool:
        """Whether a number, or a length, is inside."""
        low = self.minimum is None or size >= self.minimum
        return low and (self.maximum is None or size <= self.maximum)
