"""A ``ports.RegistryScan`` that answers what a test says, one answer a look, the last for ever."""

from __future__ import annotations

from dataclasses import dataclass, field

from modelway.core.ecr_scan import Look, Scanning, Setup, Sighting
from modelway.core.findings import Finding
from modelway.core.image import Digest
from tests.reports import NOW


def seen(status: str, *findings: Finding, counted: int | None = None, dated: bool = False) -> Sighting:
    """One answer."""
    there = status in {"COMPLETE", "ACTIVE"}
    look = Look(
        at=NOW,
        status=status,
        completed=NOW if dated else None,
        read=len(findings),
        counted=len(findings) if counted is None else counted,
        listed=there,
        fingerprint=repr(findings),
    )
    packages = tuple(dict.fromkeys(one.package for one in findings if one.package))
    return Sighting(look=look, packages=packages, findings=findings)


@dataclass
class FakeRegistryScan:
    """Remembers what it was asked for."""

    answers: list[Sighting] = field(default_factory=lambda: [seen("COMPLETE", dated=True)])
    how: Setup = field(default_factory=lambda: Setup(scanning=Scanning.BASIC, on_push=True))
    started: list[Digest] = field(default_factory=list)
    looks: int = 0

    def setup(self) -> Setup:
        """As the test says."""
        return self.how

    def start(self, digest: Digest, /) -> None:
        """Remember."""
        self.started.append(digest)

    def look(self, digest: Digest, /) -> Sighting:
        """The next answer."""
        del digest
        self.looks += 1
        return self.answers[min(self.looks, len(self.answers)) - 1]
