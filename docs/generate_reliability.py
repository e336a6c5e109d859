# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/reliability.md from the numbers of the last sweeps.

``scripts/run sweep`` names the folder with its results, which are kept in docs/reference/reliability.json; a
test compares page and numbers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

FOLDER = Path(__file__).resolve().parent / "reference"
HEAD = """\
# Reliability: what was disturbed, and what came of it

Written by `scripts/run sweep`, last on {date}: {cases} calls disturbed, after {broken} of which a
release did not end as it has to. Which commit each part was swept at stands [below](#what-was-swept-when).
{sampled}

A version that passed serves, and another one is kept to go back to. The next version is released: other
image, other weights, other settings. Something goes wrong with one of its AWS calls: with each that writes,
and between two of those with each operation that reads. (What a process leaves that dies between two writes
does not depend on which read it dies at, so kills are at writes.) Then the same command is run again, as a
person would. What has to hold:

- everything there is of the model (resources, tags, marks, alarms, autoscaling, copies of weights) equals
  what an undisturbed release leaves. So nothing was made twice, and nothing is left over;
- a run that ended with exit 0 had reached that end by itself. Of a fault comes no other exit than 0 and 8
  (unavailable: run it again).

Each kill has a release of its own. Faults after which the call is made again meet up to eight calls of one
release, far apart from each other. A release that meets faults that last is started again each time, and
fails again from a later call on, with a write between the two: while all calls fail none has an effect, so
what is left is what was written before. Where a release does not end as the undisturbed one, one of its
runs with another exit, or what should be written next is not, each of its calls gets a release of its own,
and that is what counts.

The control plane is the [rehearsal's](../explanation/rehearsal.md), asked over HTTP by the real clients.
Containers are threads that answer as one would, waits pass {factor} times as fast. Roles were assumed before:
what happens to the calls for that is not in here. **Nothing of this was seen on AWS.**
"""


def page() -> str:
    """The whole page."""
    rows: Sequence[Row] = json.loads((FOLDER / "reliability.json").read_text("utf-8"))["rows"]
    sweeps = [row for row in rows if row["kind"] == "sweep"]
    partly = sum(not _whole(row) for row in sweeps)
    words = f"{partly} cells are of a sample so far, and say of how many; where nothing was swept it says so."
    head = HEAD.format(
        date=max(row["date"] for row in rows),
        cases=f"{sum(row['cases'] for row in sweeps):,}",
        broken=sum(row["broken"] for row in sweeps) or "none",
        sampled=words if partly else "Every call was disturbed that can end differently.",
        factor=600,
    )
    parts = (_crashes(sweeps), _faults(sweeps), _greens(rows), _load(rows), _when(rows))
    return "\n".join((head, *("\n".join(part) + "\n" for part in parts)))


def _whole(row: Row) -> bool:
    """Whether every call was disturbed that can end differently."""
    return bool(row["cases"] == row["of"])


def _share(row: Row) -> float:
    """How much of a cell was swept."""
    return float(row["cases"] / row["of"])


def _crashes(sweeps: Sequence[Row]) -> Iterator[str]:
    """Kills, a line a strategy."""
    yield "## Killed, and started again\n"
    yield "| target | strategy | calls | killed before a write | killed after its effect |"
    yield "| --- | --- | --- | --- | --- |"
    for target, strategy in _groups(sweeps):
        mine = _of(sweeps, target, strategy)
        kills = " | ".join(_held(mine.get(kind)) for kind in ("killed before", "killed after"))
        calls = max(row["calls"] for row in mine.values())
        yield f"| `{target}` | {strategy} | {calls} | {kills} |"
    yield "\nHow many releases were killed, and how many of them ended as the undisturbed one. Calls include"
    yield "those that watch: modelway keeps the clock on Lambda, and on ECS where a person is waited for. How"
    yield "many those are depends on time: where fewer were killed than tried, the others ended before it."


def _faults(sweeps: Sequence[Row]) -> Iterator[str]:
    """Faults, a line a strategy."""
    yield "## Faults\n"
    yield f"| target | strategy | {' | '.join(_FAULTS)} |"
    yield f"| --- | --- |{' --- |' * len(_FAULTS)}"
    for target, strategy in _groups(sweeps):
        mine = _of(sweeps, target, strategy)
        yield f"| `{target}` | {strategy} | {' | '.join(_ends(mine.get(kind)) for kind in _FAULTS)} |"
    yield "\nAfter how many calls the run ended with exit 0, and after how many with 8 and was finished by"
    yield "the next. A timeout is a call that is never sent; *from then on* is until modelway gives up, after"
    yield "eight attempts. There, exit 0 is of a release in which the call did not come after all, as looks"
    yield "may not, or came last and could be done without."


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
        yield f"| {situation} | {' | '.join(exits.get(target, '-') for target in targets)} |"
    yield "\nOne test each, in `tests/sweeps/test_false_greens_<target>.py`. Where there is a dash:\n"
    for situation, why in NOT_THERE.items():
        yield f"- {situation}: {why}"


NOT_THERE = {
    "a container that ends at its start": "on SageMaker and ECS the platform takes that back by itself, "
    "which has lines of its own.",
    "in service on the old endpoint config, without a reason": "only SageMaker says `InService` of what it "
    "took back; ECS's deployment says `ROLLBACK_SUCCESSFUL`, Lambda takes nothing back.",
    "nothing may run: desired count or concurrency 0": "SageMaker takes no endpoint config of no instances "
    "for an endpoint of one model.",
    "rolled back by the platform while we watch": "Lambda takes nothing back: modelway does.",
    "rolled back by the platform while we were dead": "as above.",
    "the pointer moved back by somebody else while we watch": "SageMaker refuses a second change while "
    "one is under way; on ECS that is a newer deployment, as with a newer release.",
}
"""Why a situation has no test on a target."""


def _load(rows: Sequence[Row]) -> Iterator[str]:
    """Users, a line a situation."""
    yield "## Under load\n"
    yield "| target | while users ask 30 times a second | requests | lost |"
    yield "| --- | --- | --- | --- |"
    for row in sorted((row for row in rows if row["kind"] == "load"), key=lambda r: (r["target"], r["when"])):
        yield f"| `{row['target']}` | {row['when']} | {row['sent']} | {row['lost']} |"


def _when(rows: Sequence[Row]) -> Iterator[str]:
    """When what was swept, a line a target and kind."""
    yield "## What was swept when\n"
    yield "| target | what | date | commit |"
    yield "| --- | --- | --- | --- |"
    found = {(row["target"], _NAMES[row["kind"]], row["date"], row["commit"]) for row in rows}
    for target, kind, date, commit in sorted(found):
        yield f"| `{target}` | {kind} | {date} | `{commit}` |"


_NAMES = {"sweep": "crashes and faults", "false green": "what must never end green", "load": "under load"}


def _groups(sweeps: Sequence[Row]) -> Sequence[tuple[str, str]]:
    """Target and strategy, each once."""
    return sorted({(row["target"], row["strategy"]) for row in sweeps})


def _of(sweeps: Sequence[Row], target: str, strategy: str) -> Mapping[str, Row]:
    """A strategy's rows by mishap."""
    return {row["mishap"]: row for row in sweeps if (row["target"], row["strategy"]) == (target, strategy)}


def _held(row: Row | None) -> str:
    """How many were killed, and how many of them ended well."""
    if row is None:
        return _NOT
    killed = row["ends"].get("killed", 0)
    missed = f" of {row['cases']}" if killed < row["cases"] else ""
    return f"{killed}{missed}{_part(row)}, {killed - row['broken'] if row['broken'] else 'all'}"


def _ends(row: Row | None) -> str:
    """Runs by exit code."""
    if row is None:
        return _NOT
    return ", ".join(f"{count} x {end}" for end, count in row["ends"].items()) + _part(row)


def _part(row: Row) -> str:
    """How many there are, where only a sample was swept."""
    return "" if _whole(row) else f" (of {row['of']})"


_NOT = "not yet"


def take(folder: Path) -> None:
    """Put what was swept now in place of what was swept before; a smaller part never replaces a larger."""
    told = FOLDER / "reliability.json"
    rows = json.loads(told.read_text("utf-8"))["rows"] if told.exists() else []
    kept: dict[tuple[str, ...], Row] = {_name(row): row for row in rows}
    for path in sorted(folder.glob("*.json")):
        row: Row = json.loads(path.read_text("utf-8"))
        before = kept.get(_name(row))
        if row["kind"] != "sweep" or before is None or _share(row) >= _share(before):
            kept[_name(row)] = row
    text = json.dumps({"rows": [kept[name] for name in sorted(kept)]}, indent=1, ensure_ascii=False)
    told.write_text(f"{text}\n", encoding="utf-8")


def _name(row: Row) -> tuple[str, ...]:
    """What a row is about."""
    return tuple(row.get(key, "") for key in ("kind", "target", "strategy", "mishap", "situation", "when"))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        take(Path(argument))
    (FOLDER / "reliability.md").write_text(page(), encoding="utf-8")
