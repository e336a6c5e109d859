"""A release disturbed at each of its AWS calls ends as the undisturbed one, or fails cleanly and is finished.

``.ci/run`` disturbs a sample of the calls; ``scripts/run sweep`` all of them, and writes the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from modelway.core.json import JsonObject
from tests.sweeps.cases import Sweep
from tests.sweeps.ground import Ground
from tests.sweeps.sites import SITES
from tests.sweeps.wire import KILLS, PASSING, Mishap

pytestmark = [pytest.mark.sweep, pytest.mark.rehearsal]

TOGETHER = 8
"""Calls of one release that meet a fault after which they are made again."""
_READING = ("Batch", "Describe", "Get", "Head", "Invoke", "List")


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
    for group in together(numbers, mishap):
        if len(group) > 1:
            sweep.disturb_each(mishap, group)
        else:
            sweep.disturb(mishap, group[0])
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


def _every(calls: Sequence[str], mishap: Mishap) -> Sequence[int]:
    """One number of each kind of call that can end differently.

    What a process leaves that dies between two writes does not depend on which read it dies at. A fault of
    a read may, on which operation it is: each is disturbed once between two writes.
    """
    writes, numbers = _writes(calls), list[int]()
    seen: set[str] = set()
    for number, call in enumerate(calls, 1):
        if number in writes:
            seen.clear()
            numbers.append(number)
        elif mishap not in KILLS and call not in seen:
            seen.add(call)
            numbers.append(number)
    return numbers


def _writes(calls: Sequence[str]) -> Sequence[int]:
    """Numbers of the calls that leave something behind."""
    return [n for n, call in enumerate(calls, 1) if not call.rpartition(".")[2].startswith(_READING)]


def _sample(calls: Sequence[str], mishap: Mishap) -> Sequence[int]:
    """Numbers of the calls a sample disturbs: every third write is killed, one meets the rest."""
    writes = _writes(calls)
    return writes[::3] if mishap is Mishap.KILLED_AFTER else writes[len(writes) // 2 :][:1]
