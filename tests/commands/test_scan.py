"""``scan`` stops where the policy says so, is never green without a scan, and scans once."""

from __future__ import annotations

import argparse
import io
import json
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from modelway.adapters.advisories import OsvIndex
from modelway.commands import scan, scan_db
from modelway.core import rules
from modelway.core.config import ModelConfig
from modelway.core.manifest import digest_of
from modelway.core.problem import Problem
from modelway.core.report_json import report_of
from modelway.core.rules import Governing, Rules
from modelway.core.scan_spec import ScanSpec, Waiver
from modelway.core.version import Artifact
from modelway.errors import Blocked, Malformed, NotAllowed, NotEvaluated
from modelway.ports import Advisories, Builder, Configs, Run, Scanner, World, of_checkout, unopened
from modelway.scanners.builtin import Builtin
from modelway.scanners.builtin.weights import Weights
from modelway.scanning import examine, examine_kept
from tests.configs import model_config
from tests.fake_images import FakeArtifactStore, FakeRegistry
from tests.fakes import FakeClock, FakeReporter
from tests.scanners.images import DEBIAN, docker_archive, layer, python
from tests.scanners.models import evil, tarred

REHEARSAL = Path(__file__).parents[2] / "scripts/modelway/rehearsal/advisories"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
NOTE = "hand-made set of 20 advisories for rehearsals; not a scan of everything known"
GOOD = docker_archive([layer({**DEBIAN, "var/lib/dpkg/status": b"Package: a\nVersion: 1\n"})])
BAD = docker_archive([layer(DEBIAN), layer(python("h11", "0.14.0"))])


@dataclass
class Images:
    """A builder that only has images; counts how often it exported one."""

    images: dict[str, bytes]
    exported: list[str] = field(default_factory=list)

    def find(self, tag: str, /) -> bool:
        return tag in self.images

    def identity(self, tag: str, /) -> str:
        return str(hash(self.images[tag])) if tag in self.images else ""

    @contextmanager
    def export(self, tag: str, /) -> Iterator[BinaryIO]:
        self.exported.append(tag)
        yield io.BytesIO(self.images[tag])


@dataclass
class OneConfig:
    """Configs: there is one."""

    config: ModelConfig

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        return tuple(map(Path, paths))

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        del path
        return self.config, ()

    def load(self, path: Path, /) -> ModelConfig:
        del path
        return self.config


@dataclass
class House:
    """A world with images and advisories, and nothing else."""

    folder: Path
    images: Images
    spec: ScanSpec
    artifact: Artifact | None = None
    store: FakeArtifactStore = field(default_factory=FakeArtifactStore)
    protected: ScanSpec | None = None
    """What the default branch says, where that is another."""
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    reporter: FakeReporter = field(default_factory=FakeReporter)

    def world(self) -> World:
        def absent(*_: object) -> object:
            raise AssertionError("a scan needs no other port")

        def advisories(path: Path | None) -> Advisories:
            return OsvIndex(path or self.folder / "index.sqlite", self.clock, self.reporter)

        def scanner(name: str, _: ModelConfig, database: Path) -> Scanner:
            assert name == "builtin"
            return Builtin(database, model_config(scan=self.spec), self.folder)

        ports = dict.fromkeys(("containers", "registry", "target", "history", "permissions"), absent)
        return World(
            reporter=self.reporter,
            clock=self.clock,
            run=Run(root=self.folder, workspace=self.folder / ".modelway"),
            configs=cast("Configs", OneConfig(model_config(scan=self.spec, artifact=self.artifact))),
            artifacts=lambda *_: self.store,
            weights=Weights,
            builder=lambda: cast("Builder", self.images),
            scanner=scanner,
            advisories=advisories,
            rules=self.rules if self.protected else of_checkout,
            **ports,  # type: ignore[arg-type]  # they are never called
        )

    def rules(self, config: ModelConfig) -> Governing:
        assert self.protected
        there = Rules(scan=self.protected, source="main (0123456789ab)")
        return rules.governing(rules.of_checkout(config), there)

    def scan(self, *options: str, tag: str = "good") -> None:
        """``scan CONFIG --image TAG``."""
        parser = argparse.ArgumentParser()
        scan.arguments(parser)
        scan.run(parser.parse_args(["model.yaml", "--image", tag, *options]), self.world())

    def scan_db(self, *options: str) -> None:
        """``scan-db ...``."""
        parser = argparse.ArgumentParser()
        scan_db.arguments(parser)
        scan_db.run(parser.parse_args(options), self.world())

    def reports(self) -> list[Path]:
        """What is kept."""
        return sorted((self.folder / ".modelway/reports").glob("*.json"))


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, Images({"good": GOOD, "bad": BAD}), ScanSpec())
    made.scan_db("import", str(REHEARSAL), "--note", NOTE, "--as-of", "2026-06-15")
    return made


def test_a_good_image_passes_and_leaves_a_report(house: House) -> None:
    house.scan()
    [path] = house.reports()
    report = report_of(json.loads(path.read_text("utf-8")))
    assert path.stem == report.subject.hex
    assert report.database
    assert report.database.note == NOTE
    assert NOTE in house.reporter.warnings
    assert house.reporter.outputs["config_digest"] == str(report.subject)


def test_a_critical_finding_blocks_and_says_what_to_do(house: House) -> None:
    with pytest.raises(Blocked) as caught:
        house.scan(tag="bad")
    text = str(caught.value)
    for part in (
        "CVE-2025-43859 in h11 0.14.0 (fixed in 0.16.0)",
        "- id: CVE-2025-43859",
        "expires: 2026-07-15",
    ):
        assert part in text
    assert house.reporter.tables[0][2][0][:5] == ("critical", "CVE-2025-43859", "h11", "0.14.0", "0.16.0")


def _waive(house: House, expires: date) -> None:
    ids = ("CVE-2025-43859", "CVE-2023-4911", "CVE-2024-2961")
    waivers = tuple(Waiver(id=one, reason="because it is a test", expires=expires) for one in ids)
    house.spec = replace(house.spec, waivers=waivers)


def test_a_waived_finding_is_shown_and_passes(house: House) -> None:
    _waive(house, date(2026, 6, 15))
    house.scan(tag="bad")
    assert "waived until 2026-06-15: because it is a test" in house.reporter.tables[0][2][0]


def _weights(house: House, body: bytes) -> None:
    house.artifact = Artifact(uri="s3://acme/iris/model.tar.gz", sha256=digest_of(body))
    house.store.objects["s3://acme/iris/model.tar.gz"] = body


def test_a_pickle_in_the_weights_that_runs_code_stops_and_says_which_file_of_which_archive(
    house: House,
) -> None:
    _weights(house, tarred({"config.json": b"{}", "code/model.pkl": evil()}))
    with pytest.raises(Blocked) as caught:
        house.scan("--report", str(house.folder / "whole.json"))
    assert "[model-runs-code] in code/model.pkl" in str(caught.value)
    assert "in s3://acme/iris/model.tar.gz" in str(caught.value)
    [kept] = json.loads((house.folder / "whole.json").read_text("utf-8"))["reports"]
    found = next(one for one in kept["findings"] if one["kind"] == "unsafe_model")
    assert found["location"] == {"place": "artifact", "file": "code/model.pkl"}
    assert {"area": f"weights:{house.artifact and house.artifact.sha256}", "count": 1} in kept["read"]


def test_a_finding_in_the_weights_is_waived_by_its_path(house: House) -> None:
    _weights(house, tarred({"code/model.pkl": evil()}))
    waiver = Waiver(
        id="model-runs-code", path="code/*", reason="ours, and reviewed", expires=date(2026, 7, 1)
    )
    house.spec = replace(house.spec, waivers=(waiver,))
    house.scan()
    assert "waived until 2026-07-01" in str(house.reporter.tables)


def test_honest_weights_pass_and_are_read_once(house: House) -> None:
    _weights(house, tarred({"model.pkl": pickle.dumps([1.0])}))
    house.scan()
    house.store.objects.clear()
    house.scan()


def test_weights_that_cannot_be_looked_into_are_no_pass(house: House) -> None:
    _weights(house, tarred({"model.pkl": pickle.dumps([1.0])})[:-20])
    with pytest.raises(NotEvaluated, match=r"s3://acme/iris/model.tar.gz cannot be looked into"):
        house.scan()


def test_weights_that_were_swapped_are_not_reported_on(house: House) -> None:
    _weights(house, tarred({"model.pkl": evil()}))
    house.store.objects["s3://acme/iris/model.tar.gz"] = tarred({"model.pkl": pickle.dumps([1.0])})
    with pytest.raises(NotAllowed, match="not the model artifact the config names"):
        house.scan()
    assert not [*(house.folder / ".modelway/reports").glob("weights-*")]


def test_weights_can_be_left_to_the_gate(house: House) -> None:
    _weights(house, tarred({"model.pkl": evil()}))
    house.scan("--weights", "skip")
    assert "s3://acme/iris/model.tar.gz is not looked into here; the gate does it." in house.reporter.notes


def test_a_waiver_that_is_not_merged_does_not_count_and_the_cure_says_when_it_will(house: House) -> None:
    _waive(house, date(2026, 6, 15))
    house.protected = ScanSpec()
    with pytest.raises(Blocked) as caught:
        house.scan(tag="bad")
    assert caught.value.cure.startswith("the waiver of CVE-2025-43859")
    assert "takes effect once it is merged into main" in caught.value.cure
    assert "Judged by the policy of main (0123456789ab)." in house.reporter.notes


def test_an_expired_waiver_on_the_branch_stops_until_its_correction_is_merged(house: House) -> None:
    _waive(house, date(2026, 6, 14))
    house.protected, house.spec = house.spec, ScanSpec()
    with pytest.raises(Blocked, match="CVE-2025-43859") as caught:
        house.scan()
    assert "what replaces the expired waiver of CVE-2025-43859" in caught.value.cure
    assert "once it is merged into main" in caught.value.cure


def test_a_looser_rule_waits_for_its_merge_and_a_stricter_one_does_not(house: House) -> None:
    house.protected = ScanSpec()
    house.spec = ScanSpec(fail_on="off", said=frozenset({"fail_on"}))
    with pytest.raises(Blocked, match=r"the looser rule for CVE-2025-43859"):
        house.scan(tag="bad")
    house.protected, house.spec = house.spec, ScanSpec(fail_on="high", said=frozenset({"fail_on"}))
    with pytest.raises(Blocked) as caught:
        house.scan(tag="bad")
    assert "merged" not in caught.value.cure


def test_a_laptop_is_told_that_a_workflow_judges_otherwise(house: House) -> None:
    house.scan()
    assert any("in a workflow, the one on the default branch counts" in note for note in house.reporter.notes)


def test_an_expired_waiver_blocks_a_clean_image_too(house: House) -> None:
    _waive(house, date(2026, 6, 14))
    with pytest.raises(Blocked, match=r"CVE-2025-43859 \(expired 2026-06-14\)"):
        house.scan()


def test_an_unused_waiver_warns(house: House) -> None:
    _waive(house, date(2026, 7, 1))
    house.scan()
    assert any("waiver of CVE-2025-43859 matches nothing" in text for text in house.reporter.warnings)


def test_the_same_image_is_scanned_once(house: House) -> None:
    house.scan()
    house.scan()
    assert house.images.exported == ["good"]
    assert any("Not scanned again" in text for text in house.reporter.notes)


def test_a_kept_report_is_judged_by_todays_policy(house: House) -> None:
    house.scan(tag="good")
    with pytest.raises(Blocked):
        house.scan(tag="bad")
    house.spec = replace(house.spec, fail_on="off", said=frozenset({"fail_on"}))
    house.scan(tag="bad")
    assert house.images.exported == ["good", "bad"]


def test_other_advisories_need_another_scan(house: House) -> None:
    house.scan()
    house.scan_db(
        "import", str(REHEARSAL / "GHSA-vqfr-h8mv-ghfj.json"), str(REHEARSAL / "DEBIAN-CVE-2023-4911.json")
    )
    with pytest.raises(NotEvaluated):
        house.scan()
    assert house.images.exported == ["good", "good"]


def test_another_image_under_the_same_tag_is_scanned(house: House) -> None:
    house.scan()
    house.images.images["good"] = BAD
    with pytest.raises(Blocked):
        house.scan()


@pytest.mark.parametrize("damage", ["", "{}", '"x"', "\ud800"])
def test_a_report_that_was_altered_is_made_again(house: House, damage: str) -> None:
    with pytest.raises(Blocked):
        house.scan(tag="bad")
    [path] = house.reports()
    kept = json.loads(path.read_text("utf-8"))
    altered = damage if damage != '"x"' else json.dumps({**kept, "findings": []})
    path.write_text(altered, errors="surrogatepass")
    with pytest.raises(Blocked):
        house.scan(tag="bad")
    assert len(house.images.exported) == 2


def test_a_pushed_image_is_judged_by_the_report_kept_of_it(house: House) -> None:
    house.scan()
    world = house.world()
    subject = report_of(json.loads(house.reports()[0].read_text("utf-8"))).subject
    kept = examine_kept(world, model_config(scan=house.spec), subject)
    assert kept
    assert kept.verdict.ok
    assert examine_kept(world, model_config(), replace(subject, value="sha256:" + "0" * 64)) is None


def test_a_scanner_only_an_environment_asks_for_runs_before_the_push(house: House) -> None:
    """Its gate wants that scanner's report, and nothing else makes one."""
    asked: list[str] = []
    config = model_config(scan=house.spec, artifact=None)
    more = {"production": ScanSpec(scanners=("grype",), said=frozenset({"scanners"}))}

    def scanner(name: str, _: ModelConfig, database: Path) -> Scanner:
        asked.append(name)
        return Builtin(database, config, house.folder)

    governing = Governing(rules=Rules(scan=house.spec, environments=more))
    world = replace(house.world(), scanner=scanner, rules=lambda _: governing)
    examine(world, config, "good")
    assert asked == ["builtin", "grype"]


def test_no_advisories_is_not_a_pass(house: House) -> None:
    (house.folder / "index.sqlite").unlink()
    with pytest.raises(NotEvaluated, match="no advisories"):
        house.scan()
    assert house.images.exported == []


def test_old_advisories_are_not_a_pass(house: House) -> None:
    house.scan()
    house.clock.time += timedelta(days=7)
    with pytest.raises(NotEvaluated, match="too old") as caught:
        house.scan()
    assert "scan-db update" in caught.value.cure


def test_no_image_is_not_a_pass(house: House) -> None:
    with pytest.raises(NotEvaluated, match="There is no image"):
        house.scan(tag="absent")


def test_a_damaged_archive_is_not_a_pass(house: House) -> None:
    house.images.images["good"] = GOOD[: GOOD.index(b"Package: a")]
    with pytest.raises(NotEvaluated, match="cannot be read"):
        house.scan()
    assert house.reports() == []


def test_every_format_is_written_also_where_the_policy_says_no(house: House) -> None:
    files = {name: house.folder / name for name in ("report", "sarif", "sbom")}
    house.reporter.printed.clear()
    options = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    with pytest.raises(Blocked):
        house.scan(*options, "--format", "sarif", tag="bad")
    read = {name: json.loads(path.read_text("utf-8")) for name, path in files.items()}
    blocking = [one["id"] for one in read["report"]["verdict"]["blocking"]]
    assert "CVE-2025-43859" in blocking
    stopping = [one for one in read["sarif"]["runs"][0]["results"] if one["level"] == "error"]
    assert [one["ruleId"] for one in stopping] == blocking
    assert "pkg:pypi/h11@0.14.0" in {one.get("purl") for one in read["sbom"]["components"]}
    assert read["sbom"]["metadata"]["timestamp"] == "2026-06-15T12:00:00Z"
    assert json.loads(house.reporter.printed[0]) == read["sarif"]


def test_what_passes_is_shown_where_it_is_asked_for(house: House) -> None:
    house.scan()
    assert house.reporter.tables == []
    assert "findings the policy lets pass" in house.reporter.summaries[0]
    house.scan("--all")
    ((_, _, rows),) = house.reporter.tables
    assert "image-root-user" in {row[1] for row in rows}


def test_since_an_environment_the_config_does_not_have_is_refused(house: House) -> None:
    with pytest.raises(Malformed, match="has no environment 'prod'"):
        house.scan("--since", "prod")


def test_json_has_reports_and_verdict(house: House) -> None:
    house.reporter.printed.clear()
    with pytest.raises(Blocked):
        house.scan("--format", "json", "--report", str(house.folder / "out.json"), tag="bad")
    [text] = house.reporter.printed
    data = json.loads(text)
    assert data["verdict"]["ok"] is False
    assert data == json.loads((house.folder / "out.json").read_text("utf-8"))


def test_status_says_what_there_is_and_fails_for_age(house: House) -> None:
    house.reporter.printed.clear()
    house.scan_db("status", "--max-age", "1d")
    assert house.reporter.printed[0].startswith("20 advisories in ")
    assert NOTE in house.reporter.printed[0]
    house.clock.time += timedelta(days=2)
    with pytest.raises(NotEvaluated, match="--max-age allows 1d"):
        house.scan_db("status", "--max-age", "1d")


def test_an_image_of_the_registry_needs_no_engine(house: House) -> None:
    registry = FakeRegistry()
    config_json = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    registry.images.configs["here"] = json.dumps(config_json).encode()
    pushed = registry.push("here", "in-1")
    world = replace(house.world(), registry=lambda _: registry, builder=unopened)
    parser = argparse.ArgumentParser()
    scan.arguments(parser)
    options = parser.parse_args(["model.yaml", "--pushed", str(pushed.digest)])
    with pytest.raises(NotEvaluated, match="Nothing was scanned"):  # an image without a layer
        scan.run(options, world)
    absent = parser.parse_args(["model.yaml", "--pushed", f"x@sha256:{'0' * 64}"])
    with pytest.raises(NotEvaluated, match="There is no image"):
        scan.run(absent, world)
    with pytest.raises(Malformed, match="is no digest"):
        scan.run(parser.parse_args(["model.yaml", "--pushed", "latest"]), world)
