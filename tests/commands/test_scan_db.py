"""``scan-db`` shares an index through the model's repository, and says when it is old."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from modelway.adapters.advisories import OsvIndex
from modelway.commands import scan_db
from modelway.core.config import RegistrySpec
from modelway.errors import NotEvaluated
from modelway.ports import World
from tests.commands.test_scan import NOW, REHEARSAL, House, Images
from tests.configs import model_config
from tests.fake_images import FakeRegistry
from tests.fakes import FakeReporter


class Machine:
    """A machine with an index of its own and everybody's registry."""

    def __init__(self, folder: Path, registry: FakeRegistry) -> None:
        self.house = House(folder, Images({}), model_config().scan)
        self.registry, self.asked = registry, list[RegistrySpec]()

    @property
    def reporter(self) -> FakeReporter:
        """What it said."""
        return self.house.reporter

    @property
    def index(self) -> OsvIndex:
        """Its advisories."""
        return OsvIndex(self.house.folder / "index.sqlite", self.house.clock, self.reporter)

    def run(self, *options: str) -> None:
        """``scan-db ...``."""
        parser = argparse.ArgumentParser()
        scan_db.arguments(parser)
        scan_db.run(parser.parse_args(options), self._world())

    def _world(self) -> World:
        def registry(spec: RegistrySpec) -> FakeRegistry:
            self.asked.append(spec)
            return self.registry

        return replace(self.house.world(), registry=registry)


@pytest.fixture
def machines(tmp_path: Path) -> tuple[Machine, Machine]:
    registry = FakeRegistry()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    return Machine(tmp_path / "one", registry), Machine(tmp_path / "other", registry)


def test_what_one_machine_pushed_another_pulls(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    one.run("import", str(REHEARSAL), "--as-of", "2026-06-15")
    one.run("push", "c.yaml")
    other.run("pull", "c.yaml")
    assert other.index.about() == one.index.about()
    assert one.reporter.outputs["advisories"].startswith(f"{one.registry.repository}@sha256:")


def test_an_import_that_knows_much_less_is_said(machines: tuple[Machine, Machine], tmp_path: Path) -> None:
    """Advisories of one's own, imported by themselves, left an index that let everything pass."""
    one, _ = machines
    files = []
    for number, ecosystem in enumerate(("PyPI", "PyPI", "Debian:12")):
        affected = {"package": {"ecosystem": ecosystem, "name": f"p{number}"}, "versions": ["1"]}
        record = {"id": f"OURS-{number}", "modified": "2026-06-14T00:00:00Z", "affected": [affected]}
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(record))
    three, own = [str(each) for each in files], str(files[0])
    one.run("import", *three)
    one.run("import", *three)
    assert one.reporter.warnings == []
    one.run("import", own)
    (said,) = one.reporter.warnings
    assert said.startswith("The index had 3 advisories from 0.json, 1.json, 2.json and has 1 now")
    assert "nothing is known of Debian:12 any more" in said


def test_the_index_may_be_the_first_thing_in_a_repository(machines: tuple[Machine, Machine]) -> None:
    """Without one machine's advisories no other scans, and nothing is pushed."""
    one, _ = machines
    one.run("import", str(REHEARSAL))
    assert one.registry.ensured is None
    one.run("push", "c.yaml")
    assert one.registry.ensured


def test_pulling_asks_for_no_role_that_can_write(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    one.run("import", str(REHEARSAL))
    one.run("push", "c.yaml")
    other.run("pull", "c.yaml")
    assert [spec.push_role for spec in (*one.asked, *other.asked)] == ["modelway-push", "modelway-read"]


def test_nothing_to_pull_and_nothing_to_push_are_said(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    with pytest.raises(NotEvaluated, match="no advisories in"):
        other.run("pull", "c.yaml")
    with pytest.raises(NotEvaluated, match="There are no advisories"):
        one.run("push", "c.yaml")


def test_another_file_in_the_registry_leaves_the_index_as_it_was(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    other.run("import", str(REHEARSAL))
    before = other.index.about()
    one.registry.files["advisories"] = [(scan_db.FILE_TYPE, b"x" * 100)]
    with pytest.raises(NotEvaluated, match="damaged"):
        other.run("pull", "c.yaml")
    assert other.index.about() == before


def test_age_is_a_warning_before_it_is_a_failure(machines: tuple[Machine, Machine]) -> None:
    one, _ = machines
    one.run("import", str(REHEARSAL), "--as-of", "2026-06-15")
    for days, warnings in ((0, 0), (4, 1)):
        one.house.clock.time = NOW + timedelta(days=days)
        one.run("status", "--warn-age", "3d", "--max-age", "7d")
        assert len(one.reporter.warnings) == warnings
    one.house.clock.time = NOW + timedelta(days=8)
    with pytest.raises(NotEvaluated, match="--max-age allows 7d"):
        one.run("status", "--warn-age", "3d", "--max-age", "7d")
