"""What scan reports found, in numbers: small enough to travel with the build's word for an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from modelway.core.findings import Severity
from modelway.core.merge import Merged

_PACKAGES, _AS_OF = "packages", "as_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Packages, and findings of each severity."""

    packages: int
    by_severity: Mapping[str, int]
    """The worst first; severities without a finding are left out."""
    as_of: str = ""
    """The day its advisories speak for."""

    def notes(self) -> dict[str, str]:
        """As annotations: every value is text."""
        return {
            _PACKAGES: str(self.packages),
            _AS_OF: self.as_of,
            **{name: str(n) for name, n in self.by_severity.items()},
        }

    @classmethod
    def of(cls, notes: Mapping[str, str]) -> Self | None:
        """Read annotations; ``None`` where they are not such."""
        try:
            found = {str(one): int(notes[one]) for one in Severity if one in notes}
            return cls(packages=int(notes[_PACKAGES]), by_severity=found, as_of=notes.get(_AS_OF, ""))
        except (KeyError, ValueError):
            return None

    @property
    def words(self) -> str:
        """As people read it."""
        return f"{self.packages} packages; {self.found}; advisories of {self.as_of or 'no known day'}"

    @property
    def found(self) -> str:
        """The findings alone."""
        return ", ".join(f"{n} {name}" for name, n in self.by_severity.items()) or "nothing found"


def counted(merged: Merged) -> Counts:
    """What scanners found together."""
    found = Counter(str(one.severity) for one in merged.findings)
    ages = [database.as_of for _, database in merged.databases if database.as_of]
    return Counts(
        packages=len(merged.packages),
        by_severity={str(one): found[str(one)] for one in Severity if found[str(one)]},
        as_of=f"{max(ages):%Y-%m-%d}" if ages else "",
    )
