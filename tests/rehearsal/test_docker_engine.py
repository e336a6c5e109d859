"""An engine is found, started or refused; nothing is installed or started unasked."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from modelway.errors import Unavailable
from modelway.rehearsal import docker_engine
from tests.fakes import FakeReporter

_TOOLS = ("sh", "setsid", "env", "true", "sleep", "cat", "touch", "rm")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose programs are those in a folder; ``sudo`` asks no password."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in _TOOLS:
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    program(programs, "sudo", 'shift; exec "$@"')
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_engine, "_SYSTEMD", tmp_path / "no-systemd")
    return programs


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_an_engine_that_answers_is_used_and_left_alone(machine: Path, tmp_path: Path) -> None:
    program(machine, "docker", "echo 20.10")
    reporter = FakeReporter()
    engine = docker_engine.ensure(reporter, tmp_path, install=True)
    engine.stop(reporter)
    assert reporter.all == []


def test_without_apt_get_the_machine_is_not_guessed_at(machine: Path, tmp_path: Path) -> None:
    assert not (machine / "docker").exists()
    with pytest.raises(Unavailable) as caught:
        docker_engine.ensure(FakeReporter(), tmp_path, install=True)
    assert "no apt-get" in caught.value.seen


def test_no_install_says_what_to_type_and_installs_nothing(machine: Path, tmp_path: Path) -> None:
    program(machine, "apt-get", f"touch {tmp_path}/installed")
    program(machine, "apt-cache", '[ "$2" = docker.io ]')
    with pytest.raises(Unavailable) as caught:
        docker_engine.ensure(FakeReporter(), tmp_path, install=False)
    assert "apt-get install --no-install-recommends docker.io;" in caught.value.cure
    assert not (tmp_path / "installed").exists()


def test_what_is_installed_is_said_and_only_what_the_distribution_has(machine: Path, tmp_path: Path) -> None:
    program(machine, "apt-get", f'echo "$@" >> {tmp_path}/asked; exit 1')
    program(machine, "apt-cache", '[ "$2" != docker-buildx ]')
    reporter = FakeReporter()
    with pytest.raises(Unavailable, match="could not install"):
        docker_engine.ensure(reporter, tmp_path, install=True)
    assert "apt-get install docker.io docker-cli" in reporter.notes[0]
    assert (tmp_path / "asked").read_text().splitlines()[-1].endswith("docker.io docker-cli")


def test_a_user_without_the_right_is_told_how_to_get_it(machine: Path, tmp_path: Path) -> None:
    program(machine, "docker", "echo 'permission denied while trying to connect' >&2; exit 1")
    with pytest.raises(Unavailable) as caught:
        docker_engine.ensure(FakeReporter(), tmp_path, install=True)
    assert "usermod" in caught.value.cure


def test_an_engine_elsewhere_is_not_ours_to_start(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(machine, "docker", "echo 'Cannot connect' >&2; exit 1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    with pytest.raises(Unavailable) as caught:
        docker_engine.ensure(FakeReporter(), tmp_path, install=True)
    assert "DOCKER_HOST" in caught.value.cure


def test_an_engine_started_here_is_stopped_here(machine: Path, tmp_path: Path) -> None:
    program(machine, "docker", f"[ -e {tmp_path}/up ] && echo 20.10")
    program(machine, "dockerd", f"touch {tmp_path}/up; while :; do sleep 0.1; done")
    reporter = FakeReporter()
    engine = docker_engine.ensure(reporter, tmp_path, install=True)
    pid = (tmp_path / "engine-started-here").read_text().strip()
    assert Path("/proc", pid).exists()
    assert "dockerd" in reporter.notes[0]
    docker_engine.of(tmp_path).stop(reporter)
    assert gone(pid)
    assert not engine.note.exists()


def test_an_installed_engine_is_not_started_with_no_install(machine: Path, tmp_path: Path) -> None:
    program(machine, "docker", "exit 1")
    program(machine, "dockerd", f"touch {tmp_path}/up")
    with pytest.raises(Unavailable) as caught:
        docker_engine.ensure(FakeReporter(), tmp_path, install=False)
    assert "sudo dockerd" in caught.value.cure
    assert not (tmp_path / "up").exists()


def gone(pid: str) -> bool:
    for _ in range(300):
        try:
            status = Path("/proc", pid, "status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # perhaps while it was looked at
            return True
        if "State:\tZ" in status:
            return True
        time.sleep(0.1)
    return False
