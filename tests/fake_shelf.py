"""A fake of ``ports.Shelf``: copies and rules as a test sets them, of all buckets."""

from __future__ import annotations

from dataclasses import dataclass, field

from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import bucket_name
from modelway.core.weights import Copy, Expiry


@dataclass
class FakeShelf:
    """Every bucket, and one of them once it is opened."""

    there: list[Copy] = field(default_factory=list)
    rules: tuple[Expiry, ...] = ()
    foreign: frozenset[str] = frozenset()
    """Versions that modelway did not write."""
    bucket: str = ""
    role: str = ""
    deleters: list[str] = field(default_factory=list)
    """By which role each was deleted."""

    def opened(self, config: ModelConfig, place: Environment) -> FakeShelf:
        """As whoever the environment names."""
        del config
        bucket, role = bucket_name(place), place.deploy_role
        return FakeShelf(self.there, self.rules, self.foreign, bucket, role, self.deleters)

    def copies(self) -> tuple[Copy, ...]:
        """Those there are."""
        return tuple(copy for copy in self.there if copy.bucket == self.bucket)

    def expiries(self) -> tuple[Expiry, ...]:
        """Those a test set."""
        return self.rules

    def delete(self, copy: Copy, /) -> bool:
        """Only what is ours."""
        if copy.version in self.foreign:
            return False
        if copy in self.there:
            self.deleters.append(self.role)
            self.there.remove(copy)
        return True
