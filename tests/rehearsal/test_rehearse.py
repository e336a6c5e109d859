"""The command itself, as a user types it: whole rehearsals with real containers.

They take about a minute each on a warm machine. All faults run where MODELWAY_TEST_ALL_FAULTS is set.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelway.rehearsal.faults_catalogue import FAULTS

ROOT = Path(__file__).parents[2]
EVERY = os.environ.get("MODELWAY_TEST_ALL_FAULTS") == "1"
QUICK = frozenset({"errors-under-traffic", "stale-weights"})
"""One that ends in production and one that ends before: together they go through all a fault can do."""

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    said: str


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "modelway", "rehearse", *arguments]


def variables() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}


def rehearse(*arguments: str) -> Ended:
    ended = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=variables(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
        check=False,
    )
    return Ended(code=ended.returncode, said=ended.stdout)


def left_behind() -> str:
    """Clouds that still run with this repository's folder."""
    folder = str(ROOT / ".modelway")
    found = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if "modelway.rehearsal.cloud" in words and any(word.startswith(folder) for word in words):
            found.append(" ".join(words))
    return "\n".join(found)


@pytest.mark.parametrize("config", ["iris-classifier", "iris-extended", "iris-prebuilt", "iris-serverless"])
def test_every_example_goes_from_its_config_to_production(config: str) -> None:
    if config != "iris-classifier" and not EVERY:
        pytest.skip("set MODELWAY_TEST_ALL_FAULTS=1 to rehearse every example")
    ended = rehearse(f"model-configs/{config}.yaml")
    assert ended.code == 0, ended.said
    assert "as it has to" in ended.said
    assert left_behind() == ""


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_ends_as_it_has_to_and_the_old_version_serves(name: str) -> None:
    if name not in QUICK and not EVERY:
        pytest.skip("set MODELWAY_TEST_ALL_FAULTS=1 to rehearse every fault")
    ended = rehearse("--fault", name)
    assert ended.code == FAULTS[name].exit_code, ended.said
    assert "as it has to" in ended.said
    production = next(line for line in ended.said.splitlines() if line.startswith("production   "))
    assert "InService" in production
    assert "-> [0]" in production
    assert left_behind() == ""


def test_interrupted_while_a_release_runs_it_leaves_nothing_running() -> None:
    with subprocess.Popen(
        command(), cwd=ROOT, env=variables(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr
        for line in child.stderr:
            if line.startswith("--- release"):
                break
        time.sleep(2)
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
        assert child.wait(60) == 130, rest
    assert "Traceback" not in rest
    assert rest.count("Interrupted.") == 1
    assert left_behind() == ""
    assert not (ROOT / ".modelway/rehearsal/work").exists()


def test_a_cloud_that_was_kept_is_found_and_stopped() -> None:
    kept = rehearse("--keep", "--fault", "stale-weights")
    try:
        assert kept.code == 4, kept.said
        assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in kept.said
        assert left_behind()
        again = rehearse()
        assert again.code == 8
        assert "rehearse --stop" in again.said
    finally:
        stopped = rehearse("--stop")
    assert stopped.code == 0, stopped.said
    assert left_behind() == ""
