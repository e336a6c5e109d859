"""What changed since the version that serves: told where it can be, in nobody's way where it cannot."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest

from modelway import serving
from modelway.commands import gate
from modelway.core.findings import Finding
from modelway.core.image import Image
from modelway.core.policy import judge
from modelway.core.scan_spec import Policy
from modelway.errors import Blocked, Unavailable
from tests.fake_images import manifest_over
from tests.fake_world import Stage
from tests.reports import NOW, finding, package, report
from tests.scanned import judged

OLD = finding("CVE-1", severity="medium")
BOTH = finding("CVE-2", severity="medium")
NEW = finding("CVE-3", severity="medium", of=package("jinja2"))


def pushed(stage: Stage, name: str, *findings: Finding) -> Image:
    subject = manifest_over(name.encode()).config
    assert subject
    return stage.push(name, replace(report(*findings), subject=subject))


def serving_one() -> Stage:
    """Version one serves in staging, with two findings the policy lets pass."""
    stage = Stage()
    stage.delivery("staging").deploy(pushed(stage, "one", OLD, BOTH))
    return stage


def test_a_deployment_says_what_is_new_fixed_and_still_there() -> None:
    stage = serving_one()
    served = stage.targets["staging"].observe(None).serving
    stage.delivery("staging").deploy(pushed(stage, "two", BOTH, NEW))
    assert f"Since version {served} in staging: 1 new, 1 fixed, 1 still there" in stage.reporter.notes


def test_the_first_version_and_the_same_one_again_are_compared_with_nothing() -> None:
    stage = serving_one()
    stage.delivery("staging").deploy(pushed(stage, "one", OLD, BOTH))
    assert "Since version" not in stage.reporter.text


def test_the_gate_says_it_too_and_also_where_it_refuses() -> None:
    stage = serving_one()
    parser = argparse.ArgumentParser()
    gate.arguments(parser)

    def ask(*findings: Finding) -> None:
        image = pushed(stage, "two", *findings)
        options = ["model.yaml", "-e", "staging", "--image", str(image), "--format", "json"]
        gate.run(parser.parse_args(options), stage.world)

    ask(NEW)
    said = json.loads(stage.reporter.printed[0])["since"]
    assert [[one["id"] for one in said[key]] for key in ("new", "fixed", "still")] == [
        ["CVE-3"],
        ["CVE-1", "CVE-2"],
        [],
    ]
    stage.clock.time = NOW.replace(hour=13)  # the newer report counts
    with pytest.raises(Blocked):
        ask(finding("CVE-4", severity="critical"))
    ((title, _, rows),) = stage.reporter.tables
    assert title.startswith("Changed since version")
    assert [row[:3] for row in rows] == [("new", "critical", "CVE-4")]


def test_a_version_without_a_report_is_said_and_stops_nothing() -> None:
    stage = serving_one()
    stage.registry.documents.clear()
    stage.delivery("staging").deploy(pushed(stage, "two", NEW))
    assert any("could not be told: no scan report of sha256:" in one for one in stage.reporter.warnings)


def test_an_environment_that_cannot_be_read_is_said() -> None:
    stage = serving_one()
    merged, _ = judged(report(NEW))
    verdict = judge(merged, Policy(), NOW)
    change = serving.changed_since(stage.world, stage.config, "staging", verdict)
    assert change
    assert [len(each) for each in (change.new, change.fixed, change.still)] == [1, 2, 0]
    assert serving.changed_since(stage.world, stage.config, "production", verdict) is None

    def gone(*_: object) -> object:
        what = "AWS cannot be reached"
        raise Unavailable(what, cure="try again")

    world = replace(stage.world, target=gone)  # type: ignore[arg-type]  # it only raises
    change = serving.changed_since(world, stage.config, "staging", verdict)
    assert change
    assert change.words == "What changed since staging could not be told: AWS cannot be reached"
