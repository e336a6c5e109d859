"""May it go there, what would happen, and doing it: over fakes, for every way it can end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from modelway import evidence
from modelway.core import planfile
from modelway.core.config import ContractTest, Expect, Signing
from modelway.core.evidence import VERDICT
from modelway.core.findings import Finding
from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST, Digest, Image
from modelway.core.json import canonical
from modelway.core.record import Withdrawn
from modelway.core.report import Report
from modelway.core.scan_spec import Waiver
from modelway.core.statement import Statement
from modelway.core.verdict import EnvironmentVerdict, verdict_of
from modelway.delivery import Manner, words
from modelway.errors import (
    Blocked,
    Differs,
    Malformed,
    NotAllowed,
    NotEvaluated,
    Superseded,
    Unfinished,
    Unhealthy,
    Unrestored,
)
from modelway.ports import HttpAnswer
from tests.configs import model_config
from tests.fake_images import manifest_over
from tests.fake_world import GOOD, Stage
from tests.fakes import FakeKeys
from tests.reports import NOW, database, finding, package, report

BAD = HttpAnswer(status=500, body=b"oops", content_type="text/plain", latency=0.01)


def about(name: str, *findings: Finding) -> Report:
    """A report of the image ``Stage.push`` would make of a name."""
    subject = manifest_over(name.encode()).config
    assert subject
    return replace(report(*findings), subject=subject)


def test_an_unknown_environment_is_named_with_those_there_are():
    with pytest.raises(Malformed, match="no environment 'prod'") as caught:
        Stage().delivery("prod")
    assert "staging, production" in str(caught.value)


# --- the gate ---


def test_the_first_environment_takes_what_was_pushed_and_scanned():
    stage = Stage()
    reasons = stage.delivery("staging").gate(stage.push()).reasons
    assert any("the scan passes" in reason for reason in reasons)
    assert stage.registry.writes == ["attach"], "the gate only reads"


def test_what_is_not_in_the_registry_goes_nowhere():
    stage = Stage()
    image = Image(stage.registry.repository, Digest.parse("sha256:" + "9" * 64))
    with pytest.raises(NotAllowed, match="is not in the registry"):
        stage.delivery("staging").gate(image)


def test_a_manifest_the_target_cannot_run_goes_nowhere():
    stage = Stage()
    image = stage.push()
    stage.registry.manifests[image.digest] = replace(
        stage.registry.manifests[image.digest], media_type=OCI_MANIFEST
    )
    with pytest.raises(NotAllowed, match="cannot run manifests of type") as caught:
        stage.delivery("staging").gate(image)
    assert DOCKER_MANIFEST in str(caught.value)


def test_without_a_report_nothing_goes_anywhere():
    stage = Stage()
    image = stage.push()
    stage.registry.documents.clear()
    with pytest.raises(NotAllowed, match="no scan report"):
        stage.delivery("staging").gate(image)


def test_a_report_about_another_image_does_not_count():
    stage = Stage()
    image = stage.push("one", about("another"))
    with pytest.raises(NotAllowed, match="no scan report"):
        stage.delivery("staging").gate(image)


def test_a_scanner_the_config_asks_for_and_nobody_ran_is_not_a_pass():
    stage = Stage().with_scan(scanners=("builtin", "trivy"))
    with pytest.raises(NotEvaluated, match="trivy"):
        stage.delivery("staging").gate(stage.push())


def test_a_damaged_report_is_not_a_pass():
    stage = Stage()
    image = stage.push()
    subject, kind, created, _ = stage.registry.documents[0]
    stage.registry.documents[0] = (subject, kind, created, b'{"reports": [{}]}')
    with pytest.raises(NotEvaluated, match="cannot be read"):
        stage.delivery("staging").gate(image)


def test_todays_policy_judges_the_old_report():
    stage = Stage()
    image = stage.push("one", about("one", finding(severity="high")))
    with pytest.raises(Blocked, match="CVE-2023-30861 in flask"):
        stage.delivery("staging").gate(image)
    waiver = Waiver(id="CVE-2023-30861", reason="not reachable from here", expires=date(2026, 7, 1))
    assert stage.with_scan(waivers=(waiver,)).delivery("staging").gate(image).reasons
    expired = replace(waiver, expires=date(2026, 6, 1))
    with pytest.raises(Blocked, match="expired on 2026-06-01"):
        stage.with_scan(waivers=(expired,)).delivery("staging").gate(image)


def test_advisories_too_old_to_be_relied_on_are_not_a_pass():
    stage = Stage().with_scan(max_database_age=timedelta(days=7))
    old = replace(about("one"), packages=(package(),), database=database(as_of=NOW - timedelta(days=8)))
    image = stage.push("one", old)
    with pytest.raises(NotEvaluated, match="8 days ago"):
        stage.delivery("staging").gate(image)


def test_production_takes_only_what_passed_in_staging():
    stage = Stage()
    image = stage.push()
    with pytest.raises(NotAllowed, match="never ran in staging"):
        stage.delivery("production").gate(image)
    stage.delivery("staging").deploy(image)
    assert stage.delivery("production").gate(image).reasons


def test_a_pass_with_other_contract_tests_does_not_count():
    stage = Stage()
    image = stage.push()
    stage.delivery("staging").deploy(image)
    more = ContractTest(name="more", body="[[1]]", expect=Expect(json=[0], has_json=True))
    stage.config = replace(stage.config, contract_tests=(*stage.config.contract_tests, more))
    with pytest.raises(NotAllowed, match="other contract tests"):
        stage.delivery("production").gate(image)


def test_what_was_withdrawn_in_staging_does_not_go_on():
    stage = Stage()
    image = stage.push()
    stage.delivery("staging").deploy(image)
    staging = stage.targets["staging"]
    staging.record(next(iter(staging.records)), Withdrawn(reason="wrong for setosa"))
    with pytest.raises(NotAllowed, match="withdrawn in staging: wrong for setosa"):
        stage.delivery("production").gate(image)


# --- planning and deploying ---


def test_a_plan_file_read_back_allows_exactly_its_steps():
    stage = Stage()
    image = stage.push()
    plan = stage.delivery("staging").planned(image, retry=False)
    read = planfile.parse(canonical(plan.to_json()))
    assert read == plan
    stage.delivery("staging").deploy(image, Manner(approved=read))
    assert stage.targets["staging"].traffic == {plan.version: 100}
    assert "nothing to do" in words(stage.delivery("staging").planned(image, retry=False))


def test_a_plan_changed_by_hand_is_refused():
    stage = Stage()
    text = canonical(stage.delivery("staging").planned(stage.push(), retry=False).to_json())
    with pytest.raises(ValueError, match="changed by hand"):
        planfile.parse(text.replace('"percent":100', '"percent":50'))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', '{"steps": 1}'])
def test_what_is_not_a_plan_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        planfile.parse(text)


def test_a_plan_for_another_image_or_place_is_refused():
    stage = Stage()
    one, two = stage.push("one"), stage.push("two")
    plan = stage.delivery("staging").planned(one, retry=False)
    with pytest.raises(Differs, match="about something else"):
        stage.delivery("staging").deploy(two, Manner(approved=plan))
    stage.delivery("staging").deploy(one)
    with pytest.raises(Differs, match="about something else"):
        stage.delivery("production").deploy(one, Manner(approved=plan))


def test_a_plan_from_before_there_was_a_way_back_is_stale():
    stage = Stage()
    one, two = stage.push("one"), stage.push("two")
    stale = stage.delivery("staging").planned(two, retry=False)
    stage.delivery("staging").deploy(one)
    target = stage.targets["staging"]
    serving = dict(target.traffic)
    with pytest.raises(Differs, match="changed since the plan was made"):
        stage.delivery("staging").deploy(two, Manner(approved=stale))
    assert target.traffic == serving
    fresh = stage.delivery("staging").planned(two, retry=False)
    stage.delivery("staging").deploy(two, Manner(approved=fresh))
    assert target.traffic == {fresh.version: 100}


def test_a_sick_first_version_says_that_there_is_no_way_back():
    stage = Stage()
    image = stage.push()
    assert "no way back" in words(stage.delivery("staging").planned(image, retry=False))
    stage.targets["staging"].answer = BAD
    with pytest.raises(Unrestored, match="expected status 200, got 500: oops"):
        stage.delivery("staging").deploy(image)


def test_a_sick_next_version_leaves_the_good_one_serving():
    stage = Stage()
    one, two = stage.push("one"), stage.push("two")
    stage.delivery("staging").deploy(one)
    target = stage.targets["staging"]
    good = dict(target.traffic)
    answers = iter([BAD])
    target.invoke = lambda *_: next(answers, GOOD)  # type: ignore[method-assign]
    with pytest.raises(Unhealthy, match="serves again"):
        stage.delivery("staging").deploy(two)
    assert target.traffic == good


def test_releasing_what_serves_and_passed_changes_nothing():
    stage = Stage()
    image = stage.push()
    stage.delivery("staging").deploy(image)
    before = list(stage.targets["staging"].calls)
    stage.delivery("staging").deploy(image)
    assert stage.targets["staging"].calls == before


def test_a_release_is_started_left_alone_and_seen_through_by_another_run():
    stage = Stage()
    image, target = stage.push(), stage.targets["staging"]
    with pytest.raises(Unfinished, match="goes on without this process"):
        stage.delivery("staging").deploy(image, Manner(patience=0.0))
    with pytest.raises(Unfinished):
        stage.delivery("staging").deploy(image, Manner(patience=0.0))
    target.pass_time()
    stage.delivery("staging").deploy(image, Manner(patience=0.0))
    assert sum(call.startswith("shift") for call in target.calls) == 1
    assert target.observe(None).serving == stage.delivery("staging").version(image).id


def test_a_release_has_the_name_it_is_given():
    stage = Stage()
    image = stage.push()
    stage.delivery("staging").deploy(image, Manner(release="1.4.0"))
    version = stage.delivery("staging").version(image).id
    assert stage.targets["staging"].records[version].release == "1.4.0"


def test_an_older_release_does_not_replace_a_newer_one_unless_it_is_a_hotfix():
    stage = Stage()
    newer, older = stage.push("newer"), stage.push("older")
    stage.delivery("staging").deploy(newer, Manner(release="1.10.0"))
    with pytest.raises(Superseded, match=r"release 1\.9\.0 was overtaken by 1\.10\.0"):
        stage.delivery("staging").deploy(older, Manner(release="1.9.0"))
    serving = stage.targets["staging"].observe(None).serving
    assert serving == stage.delivery("staging").version(newer).id
    stage.delivery("staging").deploy(older, Manner(release="1.9.0", hotfix=True))
    assert stage.targets["staging"].observe(None).serving == stage.delivery("staging").version(older).id


def test_names_that_are_no_semantic_versions_overtake_nobody():
    stage = Stage()
    for name in ("zebra", "1.0.0", "apple"):
        stage.delivery("staging").deploy(stage.push(name), Manner(release=name))


def test_without_contract_tests_a_version_passes_by_serving():
    stage = Stage()
    stage.config = replace(stage.config, contract_tests=())
    one, two = stage.push("one"), stage.push("two")
    assert "no contract tests" in words(stage.delivery("staging").planned(one, retry=False))
    stage.delivery("staging").deploy(one)
    stage.delivery("production").deploy(one)
    stage.delivery("staging").deploy(two)
    assert stage.targets["staging"].records[stage.delivery("staging").version(one).id].passed


# --- evidence ---

SIGNING = Signing(verify_with=("keys/x.pub",))


def signing_stage(*authors: str) -> Stage:
    """A stage whose build and staging have keys; those of the authors are at hand."""
    config = model_config(artifact=None)
    places = {**config.environments, "staging": replace(config.environments["staging"], evidence=SIGNING)}
    return Stage(config=replace(config, environments=places), keys=FakeKeys(authors=frozenset(authors)))


def verdicts(stage: Stage, image: Image) -> list[EnvironmentVerdict]:
    """What environments say of the image."""
    found = evidence.witnessed(
        stage.keys, image.digest, stage.registry.attached(image.digest, *evidence.TYPES)
    )
    return [verdict_of(one.statement.predicate) for one in found if one.statement.predicate_type == VERDICT]


def test_a_version_that_passed_leaves_a_verdict_on_its_image():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    [verdict] = verdicts(stage, image)
    assert (verdict.environment, verdict.version) == ("staging", stage.delivery("staging").version(image).id)
    assert [(one.status, one.answer) for one in verdict.transcript] == [(200, "[0]")]
    assert verdict.approval is None


def test_the_image_of_a_version_that_passed_is_kept_for_the_environment_under_a_tag_of_its_own():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    tag = f"env-{stage.config.name}-staging-{stage.delivery('staging').version(image).id}"
    assert stage.registry.named == {tag: image.digest}
    del stage.registry.named[tag]  # as if the process had died between the two
    stage.delivery("staging").deploy(image)
    assert stage.registry.named == {tag: image.digest}


def test_the_same_pass_is_said_once():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    before = list(stage.registry.writes)
    stage.delivery("staging").deploy(image)
    assert stage.registry.writes == before


def test_a_verdict_that_a_dead_process_did_not_attach_is_attached_by_the_next():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    stage.registry.documents = [d for d in stage.registry.documents if d[1] not in evidence.TYPES]
    stage.delivery("staging").deploy(image)
    [verdict] = verdicts(stage, image)
    assert verdict.transcript, "it was asked again"


def test_production_believes_a_verdict_signed_by_staging():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    assert any("signed by staging" in one for one in stage.delivery("production").gate(image).reasons)


def test_production_refuses_what_staging_did_not_sign():
    stage = signing_stage()
    image = stage.push()
    stage.delivery("staging").deploy(image)
    with pytest.raises(NotAllowed, match="not staging's word") as caught:
        stage.delivery("production").gate(image)
    assert "found from nobody: it is not signed" in caught.value.seen


def test_a_verdict_forged_by_the_build_is_refused():
    stage = signing_stage("build", "staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    [said] = verdicts(stage, image)
    stage.registry.documents = [d for d in stage.registry.documents if d[1] not in evidence.TYPES]
    forged = Statement(subject=image.digest, predicate_type=VERDICT, predicate=said.predicate())
    evidence.attach(stage.registry, stage.keys, stage.clock, "build", forged)
    with pytest.raises(NotAllowed, match="not staging's word") as caught:
        stage.delivery("production").gate(image)
    assert "found from build" in caught.value.seen


def test_a_verdict_moved_to_another_image_is_named_as_a_swap():
    stage = signing_stage("staging")
    image = stage.push()
    stage.delivery("staging").deploy(image)
    other = stage.push("two")
    stage.registry.documents += [
        (other.digest, *d[1:]) for d in stage.registry.documents if d[1] in evidence.TYPES
    ]
    with pytest.raises(NotAllowed, match="evidence was swapped"):
        stage.delivery("staging").gate(other)
