"""What serves is judged again: what newly fails opens one issue, and only a whole pass closes it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from modelway import evidence, papers
from modelway.commands import deploy, rescan
from modelway.core.config import ModelConfig
from modelway.core.cyclonedx import PREDICATE
from modelway.core.image import Digest, Image
from modelway.core.merge import merge
from modelway.core.report import Database, Report
from modelway.errors import Blocked, Failure, Malformed, NotEvaluated
from modelway.ports import Advisories, CodeHost
from tests.fake_images import manifest_over
from tests.fake_world import AnsweringTarget, OneConfig, Stage
from tests.fakes import FakeReporter
from tests.reports import NOW, database, finding, package, report
from tests.test_papers import opened_

LATER = NOW + timedelta(days=1)


@dataclass
class Known:
    """Advisories of tomorrow: each package named has a finding by then."""

    bad: tuple[str, ...] = ()

    def about(self) -> Database:
        return database(LATER)

    def match(self, old: Report, /) -> Report:
        found = tuple(finding("CVE-2026-1", of=one) for one in old.packages if one.name in self.bad)
        return replace(old, findings=(*old.findings, *found), database=database(LATER), fingerprint="later")


@dataclass
class Issues:
    """A GitHub with this repository's issues."""

    open: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    writable: bool = True

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        assert markdown.startswith(marker)
        assert title
        if not self.writable:
            return None
        self.told.append("updated" if marker in self.open else "opened")
        self.open[marker] = markdown
        return "https://github.com/octo/models/issues/1"

    def close_issue(self, marker: str, words: str, /) -> str | None:
        assert words
        if self.open.pop(marker, None) is None:
            return None
        self.told.append("closed")
        return "https://github.com/octo/models/issues/1"


def subject_of(name: str) -> Digest:
    """The config's digest of the image that is pushed under a name."""
    digest = manifest_over(name.encode()).config
    assert digest
    return digest


def released(*reports: Report) -> Stage:
    """A version that serves in staging; a day later."""
    stage = Stage()
    deployed(stage, "staging", stage.push("one", *reports))
    stage.clock.time = LATER
    return stage


def deployed(stage: Stage, environment: str, image: Image) -> None:
    """The image serves there."""
    parser = argparse.ArgumentParser()
    deploy.arguments(parser)
    deploy.run(parser.parse_args(["model.yaml", "-e", environment, "--image", str(image)]), stage.world)
    stage.reporter = FakeReporter()


def again(
    stage: Stage,
    *argv: str,
    bad: tuple[str, ...] = (),
    issues: Issues | None = None,
    configs: OneConfig | None = None,
) -> Failure | None:
    """``rescan``, as ``__main__`` runs it; what it ended with."""
    parser = argparse.ArgumentParser()
    rescan.arguments(parser)
    world = replace(
        stage.world,
        advisories=lambda _: cast("Advisories", Known(bad)),
        hosting=lambda: cast("CodeHost", issues),
        configs=configs or stage.world.configs,
    )
    try:
        rescan.run(parser.parse_args(["model.yaml", *argv]), world)
    except Failure as failure:
        return failure
    return None


def test_what_still_passes_is_said_and_ends_well() -> None:
    stage = released()
    assert again(stage) is None
    assert stage.reporter.outputs["failing"] == "0"
    assert "passes with the advisories of today" in stage.reporter.text


def test_what_newly_fails_is_told_with_its_fix() -> None:
    stage = released()
    ended = again(stage, bad=("flask",))
    assert isinstance(ended, Blocked)
    assert stage.reporter.outputs["failing"] == "1"
    ((_, _, rows),) = stage.reporter.tables
    assert rows[0][:6] == ("new", "high", "CVE-2026-1", "flask", "2.0.0", "9.9")


def test_nothing_is_pulled_and_no_deploy_role_is_used() -> None:
    """The fake world has no engine and no scanner: reaching for one would fail."""
    assert again(released()) is None


def test_one_issue_is_opened_updated_and_closed() -> None:
    stage, issues = released(), Issues()
    again(stage, "--issue", bad=("flask",), issues=issues)
    again(stage, "--issue", bad=("flask",), issues=issues)
    (text,) = issues.open.values()
    assert "CVE\\-2026\\-1" in text
    assert "| 9\\.9 |" in text
    assert "scripts/run release" in text
    assert "- id: CVE-2026-1" in text
    assert again(stage, "--issue", issues=issues) is None
    assert issues.told == ["opened", "updated", "closed"]


def test_what_could_not_be_judged_closes_nothing() -> None:
    stage, issues = released(), Issues()
    again(stage, "--issue", bad=("flask",), issues=issues)
    stage.registry.documents.clear()
    assert isinstance(again(stage, "--issue", issues=issues), NotEvaluated)
    assert issues.told == ["opened", "updated"]
    assert "no scan report" in next(iter(issues.open.values()))


@dataclass
class Two(OneConfig):
    """Two models, by the names of their files."""

    other: ModelConfig

    def load(self, path: Path, /) -> ModelConfig:
        return self.other if path.stem == self.other.name else self.config


def two_models() -> tuple[Stage, Two]:
    """Two models that serve, each in its staging; the provenance of the first names its SBOM."""
    stage = Stage()
    staging = stage.config.environments["staging"]
    other = replace(stage.config, name="other", environments={"eu": replace(staging, name="eu")})
    stage.targets["eu"] = AnsweringTarget(clock=stage.clock)
    image = stage.push("one")
    said = replace(report(), subject=subject_of("one"), packages=(package(),))
    named = papers.sbom(stage.world, stage.config, stage.registry, image.digest, merge([said]))
    provenance = evidence.provenance(stage.world, stage.config, "0" * 64, (), (named,))
    evidence.vouch(stage.world, stage.config, image.digest, provenance, stage.registry)
    deployed(stage, "staging", image)
    both = Two(stage.config, other)
    stage.config = other
    deployed(stage, "eu", stage.push("two"))
    stage.clock.time = LATER
    return stage, both


@pytest.mark.parametrize(("bad", "ending"), [((), NotEvaluated), (("flask",), Blocked)])
def test_a_lost_sbom_is_no_pass_and_hides_no_other_model(bad: tuple[str, ...], ending: type[Failure]) -> None:
    stage, both = two_models()
    assert again(stage, "other.yaml", configs=both) is None
    keep = [one for one in stage.registry.documents if PREDICATE.encode() not in opened_(one)]
    assert len(keep) == len(stage.registry.documents) - 1
    stage.registry.documents = keep
    ended = again(stage, "other.yaml", "--format", "json", bad=bad, configs=both)
    assert isinstance(ended, ending)
    lost = "iris-classifier in staging: could not be judged: iris-classifier: the sbom the build vouches for"
    assert lost in ended.seen
    assert "expected sha256:" in ended.seen
    assert "found none" in ended.seen
    assert "Scan and push it again from the release workflow" in ended.cure
    assert ("other in eu: 1 finding would stop it" in ended.seen) == bool(bad)
    first, second = (one["environments"][0] for one in json.loads(stage.reporter.printed[-1]))
    assert (first["judged"], first["ok"], second["judged"], second["ok"]) == (False, False, True, not bad)


class OneBroken(OneConfig):
    """One config that reads, and one with errors before it."""

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        return Path("broken.yaml"), *super().find(paths)

    def load(self, path: Path, /) -> ModelConfig:
        if path.stem == "broken":
            raise Malformed(
                "broken.yaml has 1 error", seen="broken.yaml:5:6: error: not YAML", cure="correct it."
            )
        return super().load(path)


@pytest.mark.parametrize(("bad", "ending"), [((), Malformed), (("flask",), Blocked)])
def test_a_broken_config_hides_no_other_model(bad: tuple[str, ...], ending: type[Failure]) -> None:
    stage = released()
    ended = again(stage, "--format", "json", bad=bad, configs=OneBroken(stage.config))
    assert isinstance(ended, ending)
    assert "broken.yaml has 1 error" in stage.reporter.warnings[0]
    assert stage.reporter.outputs["failing"] == str(1 + len(bad))
    assert "broken.yaml:5:6: error: not YAML" in ended.seen
    assert "correct it." in ended.cure
    assert ("staging: 1 finding would stop it" in ended.seen) == bool(bad)
    (model,) = json.loads(stage.reporter.printed[-1])
    assert model["environments"][0]["ok"] == (not bad)


def test_a_token_that_may_not_write_is_said() -> None:
    stage = released()
    again(stage, "--issue", bad=("flask",), issues=Issues(writable=False))
    assert any("issues: write" in text for text in stage.reporter.warnings)


def test_a_finding_known_at_the_release_is_not_new() -> None:
    low = finding("CVE-2026-2", severity="low")
    stage = released(replace(report(low), subject=subject_of("one"), packages=(package(),)))
    stage.with_scan(fail_on="low")
    again(stage)
    ((_, _, rows),) = stage.reporter.tables
    assert (rows[0][0], rows[0][2]) == ("", "CVE-2026-2")


def test_old_advisories_are_no_pass() -> None:
    stage = released()
    stage.clock.time = NOW + timedelta(days=30)
    assert isinstance(again(stage), NotEvaluated)


def test_without_advisories_nothing_is_judged() -> None:
    """What was known at the release would be no news."""
    stage = released()
    parser = argparse.ArgumentParser()
    rescan.arguments(parser)
    with pytest.raises(NotEvaluated, match="no advisories"):
        rescan.run(parser.parse_args(["model.yaml"]), stage.world)


def test_json_names_everything() -> None:
    stage = released()
    again(stage, "--format", "json", bad=("flask",))
    (model,) = json.loads(stage.reporter.printed[0])
    (place,) = model["environments"]
    assert (place["environment"], place["ok"]) == ("staging", False)
    assert place["findings"][0]["fixed_in"] == "9.9"


@pytest.mark.parametrize("hostile", ["@octo/security", "<img src=x>", "a|b", "```\n# x", "<!-- "])
def test_what_a_package_is_called_stays_text(hostile: str) -> None:
    issues = Issues()
    stage = released(replace(report(), subject=subject_of("one"), packages=(package(hostile),)))
    again(stage, "--issue", bad=(hostile,), issues=issues)
    (text,) = issues.open.values()
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table
    assert all(hostile not in line for line in table)
