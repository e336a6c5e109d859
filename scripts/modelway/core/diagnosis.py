"""What is missing for a release: one line a thing, each in one of three states, with its cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from modelway.errors import Failure


class Health(StrEnum):
    """How a thing is."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a look at a thing told."""

    health: Health
    seen: str
    """What there is, or why nobody can tell."""
    cure: str = ""
    """The command or the change that helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Something to look at. Looking changes nothing and may take as long as a network does."""

    area: str
    """``tools``, ``config iris-classifier``, ``staging (111111111111)``, ``GitHub``."""
    subject: str
    look: Callable[[], Diagnosis]

    def diagnose(self) -> Diagnosis:
        """Look; a failure to look is an answer too, and hides no other one."""
        try:
            return self.look()
        except Failure as failure:
            return unknown(failure)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other looks have their answers
            seen = f"looking met something modelway does not know: {error!r}"[:500]
            return Diagnosis(health=Health.UNKNOWN, seen=seen, cure="file this as a bug of modelway's.")


def ok(seen: str) -> Diagnosis:
    """It is there."""
    return Diagnosis(health=Health.OK, seen=seen)


def missing(seen: str, cure: str) -> Diagnosis:
    """It is not there, or not as it has to be."""
    return Diagnosis(health=Health.MISSING, seen=seen, cure=cure)


def unknown(failure: Failure) -> Diagnosis:
    """Nobody can tell."""
    seen = ": ".join(part for part in (failure.what, failure.seen) if part)
    return Diagnosis(health=Health.UNKNOWN, seen=seen, cure=failure.cure)


def absent(failure: Failure) -> Diagnosis:
    """The failure itself is what is missing."""
    seen = ": ".join(part for part in (failure.what, failure.seen) if part)
    return Diagnosis(health=Health.MISSING, seen=seen, cure=failure.cure)
