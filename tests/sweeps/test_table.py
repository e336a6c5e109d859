"""The page of the documentation is what the last sweeps wrote, and misses nothing that is swept."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.sweeps.conftest import group
from tests.sweeps.sites import SITES
from tests.sweeps.wire import KILLS, Mishap


def told(root: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((root / "docs/reference/reliability.json").read_text())["rows"]
    return rows


def test_the_page_is_what_the_last_sweeps_wrote(root: Path) -> None:
    """Otherwise: python docs/generate_reliability.py."""
    script = runpy.run_path(str(root / "docs" / "generate_reliability.py"))
    page = (root / "docs/reference/reliability.md").read_text("utf-8")
    assert page == script["page"]()
    for commit in {row["commit"] for row in told(root)}:
        assert re.fullmatch(r"[0-9a-f]{12}", commit), "a sweep of files nobody can look at"


def test_every_strategy_was_killed_at_every_write_and_everything_held(root: Path) -> None:
    swept = {(r["target"], r["strategy"], r["mishap"]): r for r in told(root) if r["kind"] == "sweep"}
    for target, (_, rollouts) in SITES.items():
        for strategy in rollouts:
            for mishap in KILLS:
                row = swept[target, strategy, mishap.value]
                assert row["cases"] == row["of"] > 0, row
        first = next(iter(rollouts))
        assert {mishap for mishap in Mishap if (target, first, mishap.value) not in swept} == set()
    assert [key for key, row in swept.items() if row["broken"] or not row["cases"]] == []


def test_nothing_that_must_not_ended_green(root: Path) -> None:
    greens = [row for row in told(root) if row["kind"] == "false green"]
    assert {row["target"] for row in greens} == SITES.keys()
    assert {row["exit"] for row in greens}.isdisjoint({"0", "killed"})


def test_every_false_green_is_shown_on_each_target_or_said_to_be_impossible(root: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_reliability.py"))
    seen: dict[str, set[str]] = {}
    for row in told(root):
        if row["kind"] == "false green":
            seen.setdefault(row["situation"], set()).add(row["target"])
    assert {situation for situation, targets in seen.items() if targets != SITES.keys()} == {
        *script["NOT_THERE"]
    }
    everywhere = {
        "a newer release took over",
        "an alarm in ALARM at the start",
        "another digest behind the version's name",
        "old weights under the new image",
        "the pointer moved back by somebody else while we were dead",
    }
    assert everywhere <= {situation for situation, targets in seen.items() if targets == SITES.keys()}


def test_users_were_asked_for_on_every_target_that_was_watched(root: Path) -> None:
    """No request was lost on a good release or a rollback, on a bad one no more than the canary's share."""
    rows = [row for row in told(root) if row["kind"] == "load"]
    assert rows
    for row in rows:
        share = re.search(r"at (\d+) %", row["when"])
        assert row["lost"] <= (row["sent"] * int(share[1]) / 100 + 1 if share else 0), row


def test_a_part_never_takes_the_place_of_a_larger_one(root: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_reliability.py"))
    take = script["take"]
    take.__globals__["FOLDER"] = tmp_path
    about = {"kind": "sweep", "target": "t", "strategy": "s", "mishap": "m", "of": 3}
    (tmp_path / "results").mkdir()
    kept = []
    for date, cases in enumerate((1, 2, 1, 2, 3, 2, 3)):
        row = {**about, "cases": cases, "date": date}
        (tmp_path / "results" / "row.json").write_text(json.dumps(row))
        take(tmp_path / "results")
        (row,) = json.loads((tmp_path / "reliability.json").read_text())["rows"]
        kept.append((row["date"], row["cases"]))
    assert kept == [(0, 1), (1, 2), (1, 2), (3, 2), (4, 3), (4, 3), (6, 3)]


def test_cells_swept_apart_make_one_table(root: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_reliability.py"))
    take = script["take"]
    take.__globals__["FOLDER"] = tmp_path
    row = {"kind": "sweep", "target": "t", "strategy": "s", "of": 1, "cases": 1}
    for mishap in ("HTTP 500", "timeout"):
        shard = tmp_path / mishap
        shard.mkdir()
        (shard / "row.json").write_text(json.dumps({**row, "mishap": mishap}))
        take(shard)
    rows = json.loads((tmp_path / "reliability.json").read_text())["rows"]
    assert [row["mishap"] for row in rows] == ["HTTP 500", "timeout"]


@pytest.mark.parametrize(("full", "groups"), [(True, 3), (False, 2)])
def test_a_cell_of_the_table_is_a_process_s_own_and_of_a_sample_a_strategy(full: bool, groups: int) -> None:  # noqa: FBT001 - a parameter
    items = [
        SimpleNamespace(callspec=SimpleNamespace(params={"target": "t", "strategy": s, "mishap": m}))
        for s, m in (("one", Mishap.ERROR), ("one", Mishap.TIMEOUT), ("two", Mishap.ERROR))
    ]
    assert len({group(cast("pytest.Item", item), full=full) for item in items}) == groups
