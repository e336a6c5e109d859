"""What developers run says what it does, and takes no word it does not know."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

Develop = dict[str, Any]


@pytest.fixture(scope="module")
def develop() -> Develop:
    return runpy.run_path(str(Path(__file__).parents[1] / "scripts/develop.py"))


@pytest.fixture
def main(develop: Develop, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str]], int]:
    """As called by ``scripts/run``, where nothing may be started or deleted."""
    for name in ("subprocess", "shutil"):
        monkeypatch.setitem(develop["main"].__globals__, name, None)
    return develop["main"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("argv", "taught"),
    [
        (("sweep", "--help"), ("--sampled", "--shard I/N", "-k lambda", "hours", "reliability.md")),
        (("sweep", "-k", "ecs", "-h"), ("--shard I/N",)),
        (("test", "--help"), ("--no-install", "-n2", "-m act")),
        (("bench", "--help"), ("NAME", "benchmarks/README.md")),
        (("lock", "--help"), ("--upgrade", "week")),
    ],
)
def test_help_teaches_the_task_and_starts_nothing(main, capsys, argv, taught):
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert f"scripts/run {argv[0]}" in said
    assert [word for word in taught if word not in said] == []


def test_help_names_every_check(main, develop, capsys):
    assert main(["lint", "--help"]) == 0
    said = capsys.readouterr().out
    assert [name for name in develop["_checks"]() if name not in said] == []


@pytest.mark.parametrize(
    ("argv", "seen", "known"),
    [(("bench", "nosuch"), "nosuch", "rollback"), (("lint", "ruff", "typo"), "typo", "mypy, imports")],
)
def test_an_unknown_name_is_no_success(main, capsys, argv, seen, known):
    assert main(argv) == 2
    said = capsys.readouterr().err
    assert f"Seen: {seen}" in said
    assert known in said


@pytest.mark.parametrize("part", ["0/4", "5/4", "4", "a/b"])
def test_a_part_that_is_none_is_refused(main, capsys, part):
    with pytest.raises(SystemExit, match="2"):
        main(["sweep", "--shard", part])
    assert "I/N with I from 1 to N" in capsys.readouterr().err


@pytest.mark.parametrize(("parts", "processes"), [(1, 1), (1, 2), (3, 1), (4, 2), (3, 5)])
def test_parts_and_processes_share_all_of_a_sweep_and_do_nothing_twice(develop, parts, processes):
    shards = [
        shard
        for number in range(1, parts + 1)
        for shard in develop["_shared_out"]((number, parts), processes)
    ]
    done = [group for group in range(60) for number, of in shards if group % of == number - 1]
    assert done == list(range(60))
