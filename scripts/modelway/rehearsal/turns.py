"""Whose turn it is when several share by weight: shares come out right for few requests too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Turns:
    """Smooth weighted round robin. Not thread-safe: whoever has it has a lock."""

    _credit: dict[str, float] = field(default_factory=dict)
    """What each is owed."""

    def next(self, shares: Mapping[str, float]) -> str | None:
        """The next by these shares; ``None`` where nobody has any."""
        whole = sum(shares.values())
        if whole <= 0:
            return None
        for name, share in shares.items():
            self._credit[name] = self._credit.get(name, 0.0) + share
        chosen = max((name for name in shares if shares[name] > 0), key=self._credit.__getitem__)
        self._credit[chosen] -= whole
        return chosen

    def forget(self) -> None:
        """Begin anew: shares have changed."""
        self._credit.clear()
