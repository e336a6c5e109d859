"""A release disturbed at each of its AWS calls ends as the undisturbed one, or fails cleanly and is finished.

``.ci/run`` disturbs a sample of the calls; ``scripts/run sweep`` all of them, and writes the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

import pytest

from modelway.core.json import JsonObject
from tests.sweeps.cases import Sweep
from tests.sweeps.ground import Ground
from tests.sweeps.sites import SITES
from tests.sweeps.wire import KILLS, LASTING, PASSING, Mishap, writes

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]

TOGETHER = 8
"""Calls of one release that meet a fault after which they are made again."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every mishap of every strategy in full; of the first strategy only in a sample."""
    if "mishap" not in metafunc.fixturenames:
        return
    full = metafunc.config.getoption("--full")
    cases = [
        pytest.param(target, strategy, mishap, id=f"{target}-{strategy}-{mishap.name.lower()}")
        for target, (_, rollouts) in SITES.items()
        for strategy in rollouts
        for mishap in Mishap
        if full or strategy == next(iter(rollouts))
    ]
    metafunc.parametrize(("target", "strategy", "mishap"), cases)


@pytest.fixture(scope="module")
def sweeps() -> dict[tuple[str, str], tuple[Sweep, Sequence[str]]]:
    """The sweeps of this process, by target and strategy, and the calls of their undisturbed releases."""
    return {}


def test_a_disturbed_release_ends_as_the_undisturbed_one(
    target: str,
    strategy: str,
    mishap: Mishap,
    ground: Ground,
    full: bool,  # noqa: FBT001 - a fixture
    sweeps: dict[tuple[str, str], tuple[Sweep, Sequence[str]]],
    tell: Callable[[JsonObject], None],
) -> None:
    site, rollouts = SITES[target]
    if (target, strategy) not in sweeps:
        sweep = Sweep(ground, site, rollouts[strategy])
        sweeps[target, strategy] = sweep, sweep.calls()
    sweep, calls = sweeps[target, strategy]
    sweep.ends.clear()
    sweep.broken.clear()
    numbers = _every(calls, mishap) if full else _sample(calls, mishap)
    cases = 0
    for group in in_turn(numbers, calls) if mishap in LASTING else together(numbers, mishap):
        match len(group), mishap in LASTING:
            case 1, _:
                sweep.disturb(mishap, group[0])
            case _, True:
                sweep.disturb_in_turn(mishap, group)
            case _:
                sweep.disturb_each(mishap, group)
        cases += len(group)
        # After each of them: what was swept counts, though the rest of it is never reached.
        tell(
            {
                "kind": "sweep",
                "target": target,
                "strategy": strategy,
                "mishap": mishap.value,
                "calls": len(calls),
                "cases": cases,
                "of": len(_every(calls, mishap)),
                "broken": len(sweep.broken),
                "ends": dict(sorted(sweep.ends.items())),
            }
        )
    assert not sweep.broken, "\n".join(sweep.broken)


def together(numbers: Sequence[int], mishap: Mishap) -> Sequence[Sequence[int]]:
    """The calls that one release is disturbed at: far apart from each other, where it goes on after each."""
    releases = -(-len(numbers) // TOGETHER) if mishap in PASSING else len(numbers)
    return [numbers[first::releases] for first in range(releases)]


def in_turn(numbers: Sequence[int], calls: Sequence[str]) -> Sequence[Sequence[int]]:
    """Calls from which on one release fails again and again: a write lies between each two."""
    between: dict[int, list[int]] = {}
    for number in numbers:
        between.setdefault(sum(map(writes, calls[: number - 1])), []).append(number)
    rounds = zip_longest(*between.values())
    return [[number for number in one if number is not None] for one in rounds]


def _every(calls: Sequence[str], mishap: Mishap) -> Sequence[int]:
    """One number of each kind of call that can end differently.

    What a process leaves that dies between two writes does not depend on which read it dies at. A fault of
    a read may, on which operation it is: each is disturbed once between two writes.
    """
    numbers = list[int]()
    seen: set[str] = set()
    for number, call in enumerate(calls, 1):
        if writes(call):
            seen.clear()
            numbers.append(number)
        elif mishap not in KILLS and call not in seen:
            seen.add(call)
            numbers.append(number)
    return numbers


def _sample(calls: Sequence[str], mishap: Mishap) -> Sequence[int]:
    """Numbers of the calls a sample disturbs: every third write is killed, one meets the rest."""
    numbers = [number for number, call in enumerate(calls, 1) if writes(call)]
    return numbers[::3] if mishap is Mishap.KILLED_AFTER else numbers[len(numbers) // 2 :][:1]
