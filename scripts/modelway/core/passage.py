"""What the gate of an environment asks of a version, in its order, and what each step said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from modelway.errors import Failure, Unavailable


class Step(StrEnum):
    """One question of the gate; they are asked from the first to the last."""

    DIGEST = "digest"
    """The image is named by what it is; a tag can move."""
    MANIFEST = "manifest"
    """It is in the registry, its digest recomputed, and the target can run its type, platform and size."""
    PASSED = "passed before"
    """The environment it is promoted from remembers that the same things passed."""
    SIGNATURES = "signatures"
    """All that is said of it is about it, and that environment itself says that it passed."""
    PROVENANCE = "provenance"
    """Who built it, from what."""
    SBOM = "SBOM"
    """What is in it, as the build says."""
    REPORT = "report"
    """What each scanner found, as the build says."""
    ADVISORIES = "advisories and waivers"
    """What today's say of what is in it."""
    ECR = "ECR's own scan"
    APPROVAL = "approval"
    """A person let it in, where one is asked."""


NEVER_BROKEN = frozenset({Step.DIGEST, Step.MANIFEST})
"""Not even in an emergency: without them nobody knows what would run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One step and what came of it."""

    step: Step
    reason: str
    """Why it lets the version in; or what it refused, if it was broken."""
    broken: bool = False
    """It refused, and the glass was broken."""

    @property
    def words(self) -> str:
        """On one line."""
        return f"{self.step}: {'BROKEN: ' if self.broken else ''}{self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A version's way through a gate."""

    steps: tuple[Checked, ...]
    inputs: tuple[str, ...] = ()
    """Digests of the attached documents it was decided by, ``sha256:...``."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each step, in words."""
        return tuple(one.words for one in self.steps)

    @property
    def broken(self) -> tuple[Checked, ...]:
        """The steps that refused."""
        return tuple(one for one in self.steps if one.broken)


def refused(step: Step, model: str, environment: str, failure: Failure) -> Failure:
    """The failure, with the step that it stopped; its kind, and so its exit code, stays."""
    place = [*Step].index(step) + 1
    verb = "could not tell" if isinstance(failure, Unavailable) else "refuses"
    what = f"the gate of {environment} {verb} {model}, step {place} of {len(Step)}, {step}: {failure.what}"
    return type(failure)(what, seen=failure.seen, cure=failure.cure)
