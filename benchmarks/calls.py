"""AWS calls: how many a release and a look take on each target, and what 200 releases at once run into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from crowd import looks, together
from measure import verdict
from rates import GUESSED
from recording import Call, Event, recorder

RELEASES = 200
_TAKES: Mapping[str, Mapping[tuple[float, float], float]] = {
    "ecs": {(15, 30): 900},
    "lambda": {(2, 10): 30, (5, 15): 90},
    "sagemaker": {(15, 30): 1200},
}
"""Seconds the platform takes, by the rule of the waits for it: a canary of ten minutes and its instances, a
change of a function, environments kept ready. Taken from AWS's documentation and people's reports."""
_MOST = {"ecs": 270, "lambda": 550, "sagemaker": 210}
"""Calls of a release whose canary bakes for ten minutes."""


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with recorder() as there:
        recorded = {target: there.release(target) for target in _TAKES}
    claims = [_count(target, events) for target, events in recorded.items()]
    for target, events in recorded.items():
        claims += _crowd(target, events)
    return 0 if all(claims) else 1


def _count(target: str, events: Sequence[Event]) -> bool:
    """How many calls a release makes, of which services, and how many a look at what is under way."""
    calls = [event.operation for event in events if isinstance(event, Call)]
    services = Counter(call.partition(".")[0] for call in calls)
    print(f"{target}: " + ", ".join(f"{name} {number}" for name, number in services.most_common()))
    for rule, look in looks(events).items():
        print(f"{target}: a look, every {rule[0]:g} to {rule[1]:g} s: {', '.join(look)}")
    return verdict(f"{target}: calls of a release", len(calls), at_most=_MOST[target], unit="calls")


def _crowd(target: str, events: Sequence[Event]) -> list[bool]:
    """What so many releases run into that begin in one second, or in some minutes."""
    guessed = any(isinstance(e, Call) and e.operation.partition(".")[0] == target for e in events)
    guessed = guessed and target in GUESSED
    alone = together(events, _TAKES[target], releases=1, within=0)
    print(f"{target}: a release alone takes {alone.longest / 60:.0f} min")
    found: list[bool] = []
    for within in (1, 300):
        end = together(events, _TAKES[target], releases=RELEASES, within=within)
        worst = ", ".join(f"{name} {number}" for name, number in end.throttled.most_common(3))
        print(
            f"{target}: {RELEASES} releases begun within {within} s: {end.finished} finished in"
            f" {end.longest / 60:.0f} min; {end.calls} calls; throttled: {worst}"
        )
        claim = f"{target}: begun within {within} s, unfinished"
        found.append(verdict(claim, RELEASES - end.finished, at_most=0, unit="releases"))
        claim = f"{target}: begun within {within} s, throttled{', at guessed rates' if guessed else ''}"
        most = 2 if guessed else 1
        found.append(verdict(claim, 100 * end.share, at_most=most, unit="% of calls"))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
