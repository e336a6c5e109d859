"""The second gate: it waits, believes ECR late, attaches what it said, and today's policy judges it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from modelway import second_gate
from modelway.commands.push import scan_pushed
from modelway.core.ecr_scan import EcrScan, Scanning, Setup
from modelway.core.image import Image
from modelway.core.scan_spec import Waiver
from modelway.errors import Blocked, NotAllowed, NotEvaluated
from tests.fake_registry_scan import FakeRegistryScan, seen
from tests.fake_world import Stage
from tests.reports import NOW, finding

ENHANCED = Setup(scanning=Scanning.ENHANCED, on_push=False, continuous=True)
WANTED = EcrScan()


@pytest.fixture
def stage(tmp_path, monkeypatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    return Stage().with_scan(ecr=WANTED)


def gated(stage: Stage, image: Image) -> str:
    return scan_pushed(stage.world, stage.config, image, WANTED)


def test_a_clean_scan_passes_and_is_attached(stage: Stage) -> None:
    image = stage.push()
    gated(stage, image)
    reasons = "\n".join(stage.delivery("staging").gate(image).reasons)
    assert "ECR's own scan passes the policy of today: 0 findings below the limit, 0 waived" in reasons


def test_the_gate_does_not_go_green_before_the_findings_come(stage: Stage) -> None:
    """COMPLETE and empty first, the findings later: that is how enhanced scanning answers."""
    late = [seen("COMPLETE")] * 15 + [seen("COMPLETE", finding(), dated=True)]
    stage.scan = FakeRegistryScan(how=ENHANCED, answers=late)
    with pytest.raises(Blocked, match="1 finding"):
        gated(stage, stage.push())
    assert (stage.clock.time - NOW).total_seconds() >= 75


def test_what_ecr_found_is_attached_though_it_stops_the_release(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(), dated=True)])
    image = stage.push()
    with pytest.raises(Blocked):
        gated(stage, image)
    with pytest.raises(Blocked, match="refuses what ECR's own scan found") as caught:
        stage.delivery("staging").gate(image)
    assert "CVE-2023-30861 in flask" in caught.value.seen


def test_a_waiver_of_today_lets_yesterdays_report_pass(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(), dated=True)])
    image = stage.push()
    with pytest.raises(Blocked):
        gated(stage, image)
    day = (NOW + timedelta(days=9)).date()
    waiver = Waiver(id="CVE-2023-30861", reason="not reachable from a request", expires=day, package=None)
    stage.with_scan(ecr=WANTED, waivers=(waiver,))
    assert any(
        "0 findings below the limit, 1 waived" in one for one in stage.delivery("staging").gate(image).reasons
    )


def test_without_a_report_of_ecrs_nothing_goes_anywhere(stage: Stage) -> None:
    image = stage.push()
    with pytest.raises(NotAllowed, match="no report of ECR's own scan is attached"):
        stage.delivery("staging").gate(image)


def test_a_config_without_scan_ecr_does_not_ask(stage: Stage) -> None:
    stage.with_scan()
    assert (
        "ECR's own scan: the config does not ask for it"
        in stage.delivery("staging").gate(stage.push()).reasons
    )


def test_a_release_that_is_run_again_does_not_wait_again(stage: Stage) -> None:
    image = stage.push()
    gated(stage, image)
    looks = stage.scan.looks
    stage.clock.time += timedelta(hours=23)
    gated(stage, image)
    assert stage.scan.looks == looks
    stage.clock.time += timedelta(hours=2)
    gated(stage, image)
    assert stage.scan.looks > looks


def test_another_images_report_does_not_count(stage: Stage) -> None:
    gated(stage, stage.push("one"))
    other = stage.push("other")
    with pytest.raises(NotAllowed, match="no report of ECR's own scan"):
        stage.delivery("staging").gate(other)


def test_a_scan_is_asked_for_once_where_nothing_starts_one(stage: Stage) -> None:
    off = Setup(scanning=Scanning.BASIC, on_push=False)
    answers = [seen(""), seen(""), seen("IN_PROGRESS"), seen("COMPLETE", dated=True)]
    stage.scan = FakeRegistryScan(how=off, answers=answers)
    image = stage.push()
    gated(stage, image)
    assert stage.scan.started == [image.digest]
    assert any("asked ECR to scan the image" in note for note in stage.reporter.notes)


def test_what_ecr_cannot_scan_is_no_pass_and_names_who_can(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("IN_PROGRESS"), seen("UNSUPPORTED_IMAGE")])
    with pytest.raises(NotEvaluated, match="says nothing of") as caught:
        gated(stage, stage.push())
    assert "trivy" in caught.value.cure


def test_a_scan_that_does_not_end_is_no_pass(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("IN_PROGRESS")])
    with pytest.raises(NotEvaluated) as caught:
        gated(stage, stage.push())
    assert "was not over after 900 s: the scan is in progress" in caught.value.seen


def test_a_registry_with_the_other_scanner_is_told_before_any_wait(stage: Stage) -> None:
    with pytest.raises(NotEvaluated, match="says nothing of") as caught:
        scan_pushed(stage.world, stage.config, stage.push(), EcrScan(mode="enhanced"))
    assert stage.scan.looks == 0
    assert "scan.ecr.mode" in caught.value.seen


def test_an_old_scan_does_not_count(stage: Stage) -> None:
    old = seen("COMPLETE", dated=True)
    old = replace(old, look=replace(old.look, advisories=NOW - timedelta(days=8)))
    stage.scan = FakeRegistryScan(answers=[old])
    with pytest.raises(NotEvaluated):
        gated(stage, stage.push())


def test_a_report_that_was_altered_is_no_pass(stage: Stage) -> None:
    image = stage.push()
    stage.registry.attach(image.digest, second_gate.ECR_REPORT_TYPE, b"{}", created=NOW)
    with pytest.raises(NotEvaluated, match="cannot be read"):
        stage.delivery("staging").gate(image)
