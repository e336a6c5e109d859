# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/reliability.md from the numbers of the last full sweep.

``scripts/run sweep`` writes those to docs/reference/reliability.json; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

FOLDER = Path(__file__).resolve().parent / "reference"
HEAD = """\
# Reliability: what was disturbed, and what came of it

Written by `scripts/run sweep` on {date}, of commit `{commit}`, in {minutes} minutes: {cases} disturbed
releases, {broken} of which did not end as they have to. `.ci/run` disturbs a sample of the calls each time.

A version that passed serves, and another one is kept to go back to. The next version is released: other
image, other weights, other settings. Something goes wrong with one of its AWS calls: with each that writes,
and between two of those with each operation that reads. (What a process leaves that dies between two writes
does not depend on which read it dies at, so kills are at writes.) Then the same command is run again, as a
person would. What has to hold:

- everything there is of the model (resources, tags, alarms, autoscaling, copies of weights) equals what an
  undisturbed release leaves. So nothing was made twice, and nothing is left over;
- a run that ended with exit 0 had reached that end by itself. Of a fault comes no other exit than 0 and 8
  (unavailable: run it again).

The control plane is the [rehearsal's](../explanation/rehearsal.md), asked over HTTP by the real clients.
Containers are threads that answer as one would, waits pass {factor} times as fast. Roles were assumed before:
what happens to the calls for that is not in here. **Nothing of this was seen on AWS.**
"""


def page() -> str:
    """The whole page."""
    told = json.loads((FOLDER / "reliability.json").read_text("utf-8"))
    rows: Sequence[Row] = told["rows"]
    sweeps = [row for row in rows if row["kind"] == "sweep"]
    head = HEAD.format(
        date=told["date"],
        commit=told["commit"],
        minutes=told["minutes"],
        cases=f"{sum(row['cases'] for row in sweeps):,}",
        broken=sum(row["broken"] for row in sweeps) or "none",
        factor=600,
    )
    parts = (_crashes(sweeps), _faults(sweeps), _greens(rows), _load(rows))
    return "\n".join((head, *("\n".join(part) + "\n" for part in parts)))


def _crashes(sweeps: Sequence[Row]) -> Iterator[str]:
    """Kills, a line a strategy."""
    yield "## Killed, and started again\n"
    yield "| target | strategy | calls | killed before a write | killed after its effect |"
    yield "| --- | --- | --- | --- | --- |"
    for target, strategy in _groups(sweeps):
        mine = _of(sweeps, target, strategy)
        kills = (_held(mine["killed before"]), _held(mine["killed after"]))
        calls = mine["killed before"]["calls"]
        yield f"| `{target}` | `{strategy}` | {calls} | {' | '.join(kills)} |"
    yield "\nHow many releases were killed, and how many of them ended as the undisturbed one."


def _faults(sweeps: Sequence[Row]) -> Iterator[str]:
    """Faults, a line a strategy."""
    kinds = [m for m in dict.fromkeys(row["mishap"] for row in sweeps) if not m.startswith("killed")]
    order = sorted(kinds, key=_FAULTS.index)
    yield "## Faults\n"
    yield f"| target | strategy | {' | '.join(order)} |"
    yield f"| --- | --- |{' --- |' * len(order)}"
    for target, strategy in _groups(sweeps):
        mine = _of(sweeps, target, strategy)
        yield f"| `{target}` | `{strategy}` | {' | '.join(_ends(mine[kind]) for kind in order)} |"
    yield "\nHow many runs ended with exit 0, and how many with 8 and were finished by the next. A timeout"
    yield "is a call that is never sent; *from then on* is until modelway gives up, after eight attempts."


_FAULTS = (
    "throttled",
    "HTTP 500",
    "timeout",
    "dropped after the effect",
    "throttled from then on",
    "HTTP 500 from then on",
)


def _greens(rows: Sequence[Row]) -> Iterator[str]:
    """False greens, a line a situation."""
    greens = [row for row in rows if row["kind"] == "false green"]
    targets = sorted({row["target"] for row in greens})
    yield "## What must never end green\n"
    yield f"| situation | {' | '.join(f'`{target}`' for target in targets)} |"
    yield f"| --- |{' --- |' * len(targets)}"
    for situation in sorted({row["situation"] for row in greens}):
        exits = {row["target"]: f"exit {row['exit']}" for row in greens if row["situation"] == situation}
        yield f"| {situation} | {' | '.join(exits.get(target, 'cannot happen') for target in targets)} |"


def _load(rows: Sequence[Row]) -> Iterator[str]:
    """Users, a line a situation."""
    yield "## Under load\n"
    yield "| target | while users ask 30 times a second | requests | lost |"
    yield "| --- | --- | --- | --- |"
    for row in sorted((row for row in rows if row["kind"] == "load"), key=lambda r: (r["target"], r["when"])):
        yield f"| `{row['target']}` | {row['when']} | {row['sent']} | {row['lost']} |"


def _groups(sweeps: Sequence[Row]) -> Sequence[tuple[str, str]]:
    """Target and strategy, each once."""
    return sorted({(row["target"], row["strategy"]) for row in sweeps})


def _of(sweeps: Sequence[Row], target: str, strategy: str) -> Mapping[str, Row]:
    """A strategy's rows by mishap."""
    return {row["mishap"]: row for row in sweeps if (row["target"], row["strategy"]) == (target, strategy)}


def _held(row: Row) -> str:
    """How many were killed, and how many of them ended well."""
    killed = row["ends"].get("killed", 0)
    return f"{killed}, all" if not row["broken"] else f"{killed}, {killed - row['broken']}"


def _ends(row: Row) -> str:
    """Runs by exit code."""
    return ", ".join(f"{count} x {end}" for end, count in row["ends"].items())


if __name__ == "__main__":
    (FOLDER / "reliability.md").write_text(page(), encoding="utf-8")
