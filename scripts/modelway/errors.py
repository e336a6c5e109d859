"""Every way modelway can fail: a class is an exit code, its text is the cure.

* ``Failure`` (1)
  + ``Malformed`` (2)      input that cannot be right, wherever it is run
  + ``Blocked`` (3)        the policy said no
  + ``NotAllowed`` (4)     evidence is missing or invalid: not allowed to go there
    - ``Tampered`` (4)     evidence is forged, swapped or damaged: nobody may pass over it
  + ``Differs`` (5)        the world differs from what was planned or claimed
  + ``Unhealthy`` (6)      the version failed; the old one serves again
  + ``Unrestored`` (7)     the version failed and nothing good serves
  + ``Unavailable`` (8)    permission, tool, quota, capacity, network: fix or retry
  + ``NotEvaluated`` (9)   a check that did not run is not a pass
  + ``Superseded`` (10)    a newer release took over
  + ``Unfinished`` (11)    started, not finished: run again to resume

Only ``__main__`` turns one of these into an exit.
"""

from __future__ import annotations

import signal

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of a command that was interrupted, as shells have it."""


class Interrupted(KeyboardInterrupt):
    """Interrupted while a command of ours ran within this one, and it has said so."""


class Failure(Exception):
    """A failure with three parts: what happened, expected and seen, what to do."""

    exit_code = 1
    result = "failed"

    def __init__(self, what: str, *, seen: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.seen = seen
        self.cure = cure

    @classmethod
    def ending(cls) -> str:
        """How it ended, in plain words: ``not evaluated``."""
        return "".join(f" {one.lower()}" if one.isupper() else one for one in cls.__name__).strip()

    def __str__(self) -> str:
        """All parts, one a line."""
        cure = f"To fix: {self.cure}" if self.cure else ""
        return "\n".join(part for part in (self.what, self.seen, cure) if part)


class Malformed(Failure):
    """Input is malformed: a config, an option, a plan file."""

    exit_code = 2


class Blocked(Failure):
    """The policy said no, or a waiver has expired."""

    exit_code = 3
    result = "blocked"


class NotAllowed(Failure):
    """The version has not earned its place there: evidence is missing or invalid."""

    exit_code = 4
    result = "blocked"


class Tampered(NotAllowed):
    """Evidence is forged, swapped or damaged: not even an emergency passes over it."""


class Differs(Failure):
    """The world is not what the plan or the evidence says."""

    exit_code = 5


class Unhealthy(Failure):
    """The version failed, and the version before it serves."""

    exit_code = 6
    result = "rolled_back"


class Unrestored(Failure):
    """The version failed, and no version known to be good serves."""

    exit_code = 7


class Unavailable(Failure):
    """Something needed is not there: permission, tool, quota, capacity, network."""

    exit_code = 8
    result = "unavailable"


class NotEvaluated(Failure):
    """A check could not run; that is never a pass."""

    exit_code = 9
    result = "not_evaluated"


class Superseded(Failure):
    """A newer release was attempted here meanwhile."""

    exit_code = 10
    result = "superseded"


class Unfinished(Failure):
    """A change is under way and its end was not awaited."""

    exit_code = 11
    result = "started"
