"""The second gate: it waits, believes ECR late, attaches what it said, and today's policy judges it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from modelway import evidence, papers
from modelway.commands.push import scan_pushed
from modelway.core import vouched
from modelway.core.config import Signing
from modelway.core.ecr_scan import EcrScan, Scanning, Setup
from modelway.core.evidence import Document
from modelway.core.image import Image
from modelway.core.json import canonical
from modelway.core.manifest import digest_of
from modelway.core.report import Database
from modelway.core.report_json import report_json
from modelway.core.scan_spec import ScanSpec, Waiver
from modelway.errors import Blocked, NotAllowed, NotEvaluated
from tests.fake_registry_scan import FakeRegistryScan, seen
from tests.fake_world import Stage
from tests.fakes import FakeKeys
from tests.reports import NOW, finding, report

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
    with pytest.raises(NotAllowed, match="no report of ECR's own scan that counts is attached"):
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
    stage.registry.attach(image.digest, papers.ECR_REPORT_TYPE, b"{}", created=NOW)
    with pytest.raises(NotEvaluated, match="cannot be read"):
        stage.delivery("staging").gate(image)


# --- what somebody would like to pass by it ---


def for_staging(stage: Stage, **policy: object) -> None:
    """Staging asks for something of its own."""
    place = stage.config.environments["staging"]
    said = replace(ScanSpec(), **policy, said=frozenset(policy))  # type: ignore[arg-type]
    places = {**stage.config.environments, "staging": replace(place, scan=said)}
    stage.config = replace(stage.config, environments=places)


def test_a_waiver_for_another_environment_does_not_count_here(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(), dated=True)])
    day = (NOW + timedelta(days=9)).date()
    waiver = Waiver(id="CVE-2023-30861", reason="it is only tried", expires=day, environments=("production",))
    stage.with_scan(ecr=WANTED, waivers=(waiver,))
    image = stage.push()
    gated(stage, image)
    with pytest.raises(Blocked, match="refuses what ECR's own scan found"):
        stage.delivery("staging").gate(image)


def test_what_an_environment_asks_counts_for_ecr_s_findings_too(stage: Stage) -> None:
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(severity="medium"), dated=True)])
    image = stage.push()
    gated(stage, image)
    for_staging(stage, fail_on="low")
    with pytest.raises(Blocked, match="refuses what ECR's own scan found"):
        stage.delivery("staging").gate(image)


@pytest.fixture
def vouching(stage: Stage) -> tuple[Stage, Image]:
    """A build that signs, and an image it vouched for."""
    stage.config = replace(stage.config, evidence=Signing(verify_with=("keys/build.pub",)))
    stage.keys = FakeKeys(authors=frozenset({"build"}))
    bare = stage.push()
    body = stage.registry.attached(bare.digest, papers.REPORT_TYPE)[0]
    said = Document(name=vouched.REPORT, media_type=papers.REPORT_TYPE, digest=digest_of(body))
    told = evidence.provenance(stage.world, stage.config, "0" * 64, (), (said,))
    evidence.vouch(stage.world, stage.config, bare.digest, told, stage.registry)
    return stage, bare


def planted(stage: Stage, image: Image, *, ahead: timedelta) -> None:
    """A report that found nothing, by whoever may write to the repository."""
    manifest = stage.registry.manifest(image.digest)
    assert manifest
    assert manifest.config
    at = stage.clock.time + ahead
    about = Database(sources=("x",), built=at, as_of=at)
    clean = replace(report(), scanner="ecr", subject=manifest.config, database=about)
    body = canonical(report_json(clean)).encode()
    stage.registry.attach(image.digest, papers.ECR_REPORT_TYPE, body, created=at)


def test_a_clean_report_somebody_attached_is_not_ecr_s(vouching: tuple[Stage, Image]) -> None:
    stage, image = vouching
    planted(stage, image, ahead=timedelta())
    with pytest.raises(NotAllowed, match="no report of ECR's own scan that counts") as caught:
        stage.delivery("staging").gate(image)
    assert "its provenance names it" in caught.value.seen


def test_what_ecr_says_is_vouched_for_and_a_later_plant_hides_nothing(vouching: tuple[Stage, Image]) -> None:
    stage, image = vouching
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(), dated=True)])
    planted(stage, image, ahead=timedelta())
    with pytest.raises(Blocked, match="1 finding"):
        gated(stage, image)
    planted(stage, image, ahead=timedelta(hours=1))
    with pytest.raises(Blocked, match="refuses what ECR's own scan found"):
        stage.delivery("staging").gate(image)
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", dated=True)])
    stage.clock.time += timedelta(days=1, hours=1)
    gated(stage, image)
    assert stage.delivery("staging").gate(image).reasons, "the newest word of ECR's counts"


def test_a_report_of_tomorrow_is_not_fresh(stage: Stage) -> None:
    image = stage.push()
    planted(stage, image, ahead=timedelta(days=300))
    stage.scan = FakeRegistryScan(answers=[seen("COMPLETE", finding(), dated=True)])
    with pytest.raises(Blocked, match="1 finding"):
        gated(stage, image)


def test_a_report_that_does_not_say_when_is_no_pass(stage: Stage) -> None:
    image = stage.push()
    manifest = stage.registry.manifest(image.digest)
    assert manifest
    assert manifest.config
    undated = replace(report(), scanner="ecr", subject=manifest.config, database=None)
    body = canonical(report_json(undated)).encode()
    stage.registry.attach(image.digest, papers.ECR_REPORT_TYPE, body, created=NOW)
    for ask in (lambda: stage.delivery("staging").gate(image), lambda: gated(stage, image)):
        with pytest.raises(NotEvaluated, match="cannot be read"):
            ask()
