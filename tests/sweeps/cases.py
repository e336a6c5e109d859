"""One case of a sweep: a release, what goes wrong with one of its calls, and what has to come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from modelway.core.config import Rollout
from modelway.errors import Unavailable
from tests.sweeps.ground import Ground, Model, Site
from tests.sweeps.wire import AT_CLIENT, KILLS, LASTING, Mishap, Place, bare, writes

DONE, UNAVAILABLE, KILLED = "0", str(Unavailable.exit_code), "killed"


@dataclass
class Sweep:
    """Releases of one model, one after the other, each disturbed at another call."""

    ground: Ground
    site: Site
    rollout: Rollout
    ends: Counter[str] = field(default_factory=Counter)
    """How the disturbed runs ended, by exit code."""
    broken: list[str] = field(default_factory=list)
    """What did not hold, in words."""
    _model: Model | None = None
    _undisturbed: str = ""
    _calls: Sequence[str] = ()
    """Of the undisturbed release."""

    def calls(self) -> Sequence[str]:
        """The calls of an undisturbed release over another that passed, which is the one to compare with."""
        self._model = Model(self.ground, self.site, self.rollout)
        for _ in range(3):  # the third has two to leave behind, and deletes one of them
            self._model.next()
            self.ground.expect(None)
            assert self._model.start() == DONE, self._model.said
        self._undisturbed = self._model.end()
        # Those of the first model number the calls of them all: how often one looks depends on time.
        self._calls = self._calls or list(self.ground.wire.calls)
        return self._calls

    def disturb(self, mishap: Mishap, number: int) -> None:
        """Release with a mishap at the n-th call, then again as a person would, and look what is there."""
        if self._model is None:
            self.calls()
        assert self._model
        self._model.next()
        self._aim(mishap, number)
        first = self._model.start()
        calls, said = list(self.ground.wire.calls), self._model.said
        self.ground.expect(None)
        self.ends[first] += 1
        again = DONE if first == DONE else self._model.start()
        about = f"{mishap} at call {number} ({self._calls[number - 1]}; {len(calls)} calls)"
        allowed = {DONE, KILLED} if mishap in KILLS else {DONE, UNAVAILABLE}
        if first not in allowed:
            self._break(f"{about}: exit {first}: {said}")
        elif again != DONE:
            self._break(f"{about}: exit {first}, then {again}: {self._model.said}")
        elif (end := self._model.end()) != self._undisturbed:
            self._break(f"{about}: exit {first}, and the end differs:\n{_difference(self._undisturbed, end)}")

    def disturb_each(self, mishap: Mishap, numbers: Sequence[int]) -> None:
        """Release once with the mishap at each of these calls; apart, where that does not end as it has to.

        Only for mishaps after which the call is made again. Where all of them were met, and the end is that
        of the undisturbed release, each was survived, in company.
        """
        if self._model is None:
            self.calls()
        assert self._model
        self._model.next()
        self.ground.expect_each(mishap, places(self._calls, numbers))
        ended = self._model.start()
        met = self.ground.met()
        self.ground.expect(None)
        again = DONE if ended == DONE else self._model.start()
        as_it_has_to = again == DONE and self._model.end() == self._undisturbed
        if ended == DONE and met and as_it_has_to:
            self.ends[DONE] += len(numbers)
            return
        if not as_it_has_to:
            self._model = None
        for number in numbers:
            self.disturb(mishap, number)

    def disturb_in_turn(self, mishap: Mishap, numbers: Sequence[int]) -> None:
        """Release with all calls failing from the first of these on; started again, from the next on; and on.

        Only for mishaps that last: once all calls fail none has an effect, so a process leaves what it wrote
        before. There is a write between each two, so that the one started again comes to the next by the
        same way. Apart, where one of them ends otherwise, or the writes that are to come do not come.
        """
        if self._model is None:
            self.calls()
        assert self._model
        self._model.next()
        held, sent = True, 0
        for number in numbers:
            before, operation = self._calls[: number - 1], bare(self._calls[number - 1])
            met = self.ground.fail_from(mishap, operation, after=_written(before[sent:]))
            held, sent = self._model.start() == UNAVAILABLE and met(), len(before)
            if not held:
                break
        self.ground.expect(None)
        self.ground.wire.awaited = _written(self._calls[sent:])
        as_it_has_to = self._model.start() == DONE and self._model.end() == self._undisturbed
        if held and as_it_has_to and not self.ground.wire.awaited:
            self.ends[UNAVAILABLE] += len(numbers)
            return
        if not as_it_has_to:
            self._model = None
        for number in numbers:
            self.disturb(mishap, number)

    def _aim(self, mishap: Mishap, number: int) -> None:
        """Let the n-th call meet the mishap, or the same call of its operation.

        How often modelway looks while it waits depends on time, and so does the number of what comes after.
        """
        before, operation = self._calls[: number - 1], self._calls[number - 1]
        if mishap in LASTING:
            self.ground.fail_from(mishap, bare(operation), after=_written(before))
        elif mishap in AT_CLIENT:
            self.ground.expect(mishap, before.count(operation) + 1, operation=operation)
        else:
            self.ground.expect(mishap, number)

    def _break(self, what: str) -> None:
        """Write it down, and go on with a model nothing happened to."""
        self.broken.append(what)
        self._model = None


def places(calls: Sequence[str], numbers: Sequence[int]) -> Sequence[Place]:
    """Where these calls are met, when each meets a mishap once and is made again."""
    chosen = Counter[str]()
    found = list[Place]()
    for number in sorted(numbers):
        operation = bare(calls[number - 1])
        before = sum(bare(each) == operation for each in calls[:number])
        found.append((operation, before + chosen[operation]))
        chosen[operation] += 1
    return found


def _written(calls: Sequence[str]) -> list[str]:
    """What of it leaves something behind."""
    return [call for call in calls if writes(call)]


def _difference(expected: str, seen: str) -> str:
    """Lines that only one of them has."""
    left, right = expected.splitlines(), seen.splitlines()
    gone = [f"  - {line.strip()}" for line in left if line not in right]
    new = [f"  + {line.strip()}" for line in right if line not in left]
    return "\n".join([*gone, *new]) or "  the same lines, another number of them"
