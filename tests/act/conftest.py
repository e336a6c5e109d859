"""One rehearsal cloud, one staged modelway and one consumer for all runs of act."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelway.adapters.configs import Configs
from modelway.rehearsal import artifact, grounds, launch
from modelway.rehearsal.launch import Cloud
from tests.act import runner, services
from tests.act.consumer import Consumer
from tests.act.runner import Act
from tests.act.services import Services

LAPTOP = "999999999999"
_GH = """#!/bin/sh
echo "$*" >>"$GH_LOG"
for last; do :; done
case $2 in create | edit) cat "$last" >>"$GH_LOG" ;; esac
"""


@pytest.fixture(scope="session")
def outside() -> Iterator[Services]:
    """OSV and GitHub."""
    with services.serve() as served:
        yield served


@pytest.fixture(scope="session")
def act_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own, where a minute passes each second."""
    with launch.start(tmp_path_factory.mktemp("act-cloud"), clock_factor=60) as started:
        yield started


@pytest.fixture(scope="session")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modelway as act can run it, its environment made."""
    staged = runner.stage(tmp_path_factory.mktemp("framework") / "modelway")
    strange = ("AWS_", "GITHUB_", "MODELWAY_", "RUNNER_", "ACTIONS_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    subprocess.run([staged / "scripts/run", "setup"], env=clean, cwd=staged, check=True, capture_output=True)
    return staged


@pytest.fixture(scope="session")
def consumer(tmp_path_factory: pytest.TempPathFactory, outside: Services, act_cloud: Cloud) -> Consumer:
    """The team's repository, and the accounts its config counts on."""
    folder = tmp_path_factory.mktemp("consumer")
    weights = folder / "weights"
    weights.mkdir()
    (weights / "weights.txt").write_text("4 2")
    sha256 = artifact.pack(weights, folder / "model.tar.gz")
    root = folder / "models"
    root.mkdir()
    made = Consumer(root, folder / "origin.git", sha256, outside.address)
    made.make()
    config = Configs(root, today=lambda: datetime.now(UTC).date()).load(root / "model-configs/tiny.yaml")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in act_cloud.environment().items():
            patch.setenv(name, value)
        grounds.account.cache_clear()
        grounds.make_roles(config, LAPTOP)
        grounds.make_buckets(config)
        grounds.upload(config, folder / "model.tar.gz")
        grounds.account.cache_clear()
    return made


@pytest.fixture(scope="session")
def act(
    tmp_path_factory: pytest.TempPathFactory,
    consumer: Consumer,
    framework: Path,
    act_cloud: Cloud,
    outside: Services,
) -> Act:
    """Runs the consumer's workflows. No job has credentials but those it assumes."""
    work = tmp_path_factory.mktemp("runs")
    return Act(
        consumer=consumer.root,
        origin=consumer.origin,
        framework=framework,
        work=work,
        variables=variables(act_cloud, outside, work),
    )


def variables(cloud: Cloud, outside: Services, work: Path) -> Mapping[str, str]:
    """What leads to the rehearsal, in every job."""
    told = cloud.environment()
    keys = {"ACT_KEY": told.pop("AWS_ACCESS_KEY_ID"), "ACT_SECRET": told.pop("AWS_SECRET_ACCESS_KEY")}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelway"
    return {
        **told,
        **keys,
        "PATH": f"{fake_gh(work)}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MODELWAY_CACHE": str(cache),
        "GITHUB_REPOSITORY": "acme/models",
        "GITHUB_API_URL": outside.address,
        "GITHUB_GRAPHQL_URL": f"{outside.address}/graphql",
        "GH_LOG": str(work / "gh.log"),
    }


def fake_gh(work: Path) -> Path:
    """A folder with a ``gh`` that knows no issue and remembers what it was told."""
    folder = work / "bin"
    folder.mkdir()
    program = folder / "gh"
    program.write_text(_GH)
    program.chmod(0o755)
    return folder
