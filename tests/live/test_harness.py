"""The live tests themselves, in the rehearsal's cloud: they release, and clean up whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from modelway.rehearsal import launch
from modelway.rehearsal.launch import Cloud
from tests.live.account import SHARES, Unfit, read
from tests.live.ground import Ground

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "111111111111"


def written(folder: Path, **changes: object) -> Path:
    """A file for ``--live``."""
    path = folder / "account.yaml"
    bare = {"account": NUMBER, "region": "eu-west-1", "spend_at_most": 5, "targets": ["ecs"]}
    path.write_text(yaml.safe_dump(bare | changes))
    return path


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with launch.start(tmp_path / "cloud", clock_factor=60) as started:
        yield started


def begun(cloud: Cloud, file: Path, target: str) -> subprocess.Popen[str]:
    """The documented command, for one target."""
    chosen = [f"tests/live/test_release.py::test_a_good_release_a_bad_one_and_a_rollback[{target}]"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *chosen, "--live", str(file), "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=cloud.environment(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left(cloud: Cloud, file: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a run left in the account."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    return Ground(read(file)).left()


@pytest.mark.docker
@pytest.mark.rehearsal
def test_a_target_is_released_rolled_back_and_cleaned_up(cloud, tmp_path, monkeypatch):
    file = written(tmp_path)
    with begun(cloud, file, "ecs") as process:
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "1 passed" in said
    assert left(cloud, file, monkeypatch) == []


@pytest.mark.docker
@pytest.mark.rehearsal
def test_interrupted_it_cleans_up(cloud, tmp_path, monkeypatch):
    file = written(tmp_path)
    with begun(cloud, file, "ecs") as process:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        while not any(one.startswith("service") for one in Ground(read(file)).left()):
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
    assert process.returncode == 2, said
    assert left(cloud, file, monkeypatch) == []


def test_without_an_account_the_reason_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/live/test_release.py", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no sandbox account is configured: --live FILE" in done.stdout


def test_a_run_that_may_cost_more_than_allowed_does_not_begin(tmp_path):
    with pytest.raises(Unfit, match=r"more than 0\.10: raise spend_at_most, or name fewer targets"):
        read(written(tmp_path, spend_at_most=0.1, targets=[*SHARES]))


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"targets": ["eks"]}, "no target eks"), ({"cap": 3}, r"unknown \['cap'\]")],
)
def test_a_file_that_is_wrong_says_so(tmp_path, changes, told):
    with pytest.raises(Unfit, match=told):
        read(written(tmp_path, **changes))


def test_each_share_is_capped_by_its_time():
    assert {name: round(share.cost, 2) for name, share in SHARES.items()} == {
        "sagemaker": 0.67,
        "ecs": 0.31,
        "lambda": 0.18,
    }
