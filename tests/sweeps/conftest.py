"""The ground sweeps share, and where their results go."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from modelway.core.json import JsonObject
from modelway.rehearsal.load import Tally
from tests.sharing import NUMBERS
from tests.sweeps import ground as grounds
from tests.sweeps.greens import Ends
from tests.sweeps.ground import FACTOR, Ground, Model
from tests.sweeps.load import Said
from tests.sweeps.wire import sharing_classes, without_waiting

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a part of them, where several processes share the work."""
    part, _, parts = str(config.getoption("--shard")).partition("/")
    # pytest asks about every test of the run, also those of other folders: they are nobody's part.
    mine = [item for item in items if HERE in item.path.parents]
    groups = {item.nodeid: group(item, full=config.getoption("--full")) for item in mine}
    taken = {name for n, name in enumerate(sorted({*groups.values()})) if n % int(parts) != int(part) - 1}
    left = [item for item in items if groups.get(item.nodeid) in taken]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def group(item: pytest.Item, *, full: bool) -> str:
    """What is done by one process: a file, or of the sweeps a cell of the table; of a sample a strategy.

    A cell in full takes minutes, to prepare its strategy seconds; a sample takes hardly longer than that.
    """
    chosen = getattr(item, "callspec", None)
    values = chosen.params if chosen else {}
    if "strategy" not in values:
        return item.path.stem
    strategy = f"{values['target']}-{values['strategy']}"
    return f"{strategy}-{values['mishap'].name}" if full else strategy


@pytest.fixture(scope="session")
def _ground(tmp_path_factory: pytest.TempPathFactory, _registry: str) -> Iterator[Ground]:
    """One cloud for all sweeps of a process."""
    if _registry and os.environ.get("CI") != "true":
        pytest.skip(_registry)
    with grounds.open_ground(tmp_path_factory.mktemp("sweep")) as opened:
        gc.freeze()  # thousands of releases: no collection has to look at what was imported
        yield opened


@pytest.fixture
def ground(_ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The cloud, found by the environment as any AWS is."""
    for name, value in _ground.cloud.environment().items():
        monkeypatch.setenv(name, value)
    without_waiting(monkeypatch, lambda seconds: time.sleep(seconds / FACTOR))
    sharing_classes(monkeypatch)
    yield _ground
    _ground.expect(None)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether every call is disturbed, not a sample of them."""
    return bool(request.config.getoption("--full"))


@cache
def commit(folder: Path) -> str:
    """What is swept, with ``-dirty`` where files differ from it."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(describe, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[JsonObject], None]:
    """Write a row of the table of ``docs/reference/reliability.md``, where results are asked for."""
    folder: str | None = request.config.getoption("--sweep-results")

    def write(row: JsonObject) -> None:
        if folder:
            name = "".join(c if c.isalnum() else "-" for c in f"{request.path.stem}-{request.node.name}")
            Path(folder).mkdir(parents=True, exist_ok=True)
            about = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(HERE)}
            (Path(folder) / f"{name}.json").write_text(json.dumps({**row, **about}), encoding="utf-8")

    return write


@pytest.fixture
def ends(request: pytest.FixtureRequest, tell: Callable[[JsonObject], None]) -> Ends:
    """Write down how a situation of the module's ``SITE`` ended."""

    def write(situation: str, exit_: str) -> None:
        target: str = request.module.SITE.name
        tell({"kind": "false green", "target": target, "situation": situation, "exit": exit_})

    return write


@pytest.fixture
def model(request: pytest.FixtureRequest, ground: Ground) -> Model:
    """A version that passed serves, released the module's ``WAY``."""
    model = Model(ground, request.module.SITE, request.module.WAY)
    model.next()
    ground.expect(None)
    assert model.start() == "0", model.said
    return model


@pytest.fixture
def numbers(
    request: pytest.FixtureRequest,
    tell: Callable[[JsonObject], None],
    record_property: Callable[[str, object], None],
) -> Said:
    """Print what users of the module's ``SITE`` got, and write it down."""
    target: str = request.module.SITE.name

    def write(when: str, got: Tally) -> None:
        record_property(NUMBERS, f"{target}, {when}: {got.sent} requests, {got.lost} lost")
        tell({"kind": "load", "target": target, "when": when, "sent": got.sent, "lost": got.lost})

    return write
