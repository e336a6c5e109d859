"""The registry's program is found, or unpacked from the distribution's package without installing it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelway.adapters import process
from modelway.errors import Unavailable
from modelway.rehearsal import registry_program
from tests.fakes import FakeReporter


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def programs(folder: Path, *names: str) -> str:
    """A PATH with only these."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"this machine has no {name}")
        (folder / name).symlink_to(found)
    return str(folder)


def fake(path: Path, script: str) -> None:
    """A program that does as the script says."""
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_it_is_unpacked_from_the_package_once(tmp_path, monkeypatch):
    path = programs(tmp_path / "bin", "dpkg-deb", "sh", "cp", "tar", "touch")
    tree = tmp_path / "package"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: docker-registry\nVersion: 1\nArchitecture: all\n"
        "Maintainer: x <x@example.com>\nDescription: x\n"
    )
    (tree / "usr" / "bin").mkdir(parents=True)
    fake(tree / "usr" / "bin" / "docker-registry", "echo registry")
    fake(
        tmp_path / "bin" / "apt-get", f"touch {tmp_path}/asked; cp {tmp_path}/made.deb docker-registry_1.deb"
    )
    monkeypatch.setenv("PATH", path)
    process.succeed(["dpkg-deb", "--build", str(tree), str(tmp_path / "made.deb")], cure="install dpkg")
    reporter = FakeReporter()
    program = registry_program.ensure(reporter, install=True)
    assert registry_program.find() == program
    assert program.is_relative_to(tmp_path / "cache")
    assert [path.name for path in program.parent.iterdir()] == [program.name], "nothing half-made is left"
    (tmp_path / "asked").unlink()
    assert registry_program.ensure(reporter, install=True) == program
    assert not (tmp_path / "asked").exists()


def test_nothing_is_fetched_unasked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", programs(tmp_path / "bin", "dpkg-deb", "sh"))
    fake(tmp_path / "bin" / "apt-get", "exit 1")
    with pytest.raises(Unavailable, match="sudo apt-get install docker-registry"):
        registry_program.ensure(FakeReporter(), install=False)


def test_a_package_that_cannot_be_had_is_said_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", programs(tmp_path / "bin", "dpkg-deb", "sh"))
    fake(tmp_path / "bin" / "apt-get", "echo no such package >&2; exit 100")
    fake(tmp_path / "bin" / "sudo", 'exec "$@"')
    with pytest.raises(Unavailable, match="no such package"):
        registry_program.ensure(FakeReporter(), install=True)
