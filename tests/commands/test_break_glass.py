"""An emergency passes over the policy, by its own role, never over the digest; everybody sees it."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import jsonschema
import pytest

from modelway import evidence as statements
from modelway.commands import deploy, evidence, plan, status
from modelway.core.evidence import BREAK_GLASS, SUMMARY, VERDICT
from modelway.core.passage import Checked, Passage, Step
from modelway.core.record import Glass
from modelway.core.record_tags import from_tags, to_tags
from modelway.core.statement import opened, statement_of
from modelway.core.summary import broken_of
from modelway.core.verdict import verdict_of
from modelway.core.version import VersionId
from modelway.entering import Visitor
from modelway.errors import Blocked, Differs, Failure, Malformed, NotAllowed, Tampered, Unavailable
from tests.commands.test_evidence import SCHEMA
from tests.test_gate import BREAKS, Gated, refuse

REASON = "INC-7: the old version answers nothing"


def emergency(role: str | None = "firefighter") -> Gated:
    """Staging never saw it, and a finding stops it."""
    gated = Gated()
    places = gated.stage.config.environments
    production = replace(places["production"], break_glass_role=role)
    gated.stage.config = replace(gated.stage.config, environments={**places, "production": production})
    gated.stage.targets["staging"].records.clear()
    refuse(gated, fail_on="high")
    return gated


def run(command: ModuleType, gated: Gated, *argv: str) -> None:
    """As ``__main__`` runs it."""
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    command.run(parser.parse_args(["model.yaml", *argv]), gated.world)


def break_glass(gated: Gated, reason: str = REASON) -> None:
    run(deploy, gated, "-e", "production", "--image", str(gated.image), "--break-glass", reason)


def said(gated: Gated, kind: str) -> list[tuple[frozenset[str], object]]:
    """Statements of a kind, and who signed them."""
    documents = gated.stage.registry.attached(gated.image.digest, *statements.TYPES)
    found = statements.witnessed(gated.stage.keys, gated.image.digest, documents)
    return [(o.signers, o.statement.predicate) for o in found if o.statement.predicate_type == kind]


def printed(command: ModuleType, gated: Gated, *argv: str) -> str:
    gated.stage.reporter.printed.clear()
    run(command, gated, *argv)
    return "\n".join(gated.stage.reporter.printed)


def test_it_serves_by_the_emergency_s_own_role_and_leaves_signed_evidence():
    gated = emergency()
    break_glass(gated)
    assert gated.stage.targets["production"].observe(None).serving == gated.delivery().version(gated.image).id
    assert set(gated.stage.acted) == {"firefighter"}
    [(signers, predicate)] = said(gated, BREAK_GLASS)
    assert signers == {"production"}
    told = broken_of(predicate)  # type: ignore[arg-type]
    assert told.reason == REASON
    assert told.role == "arn:aws:iam::222222222222:role/firefighter"
    assert [step for step, _ in told.entry.steps] == [Step.PASSED, Step.ADVISORIES]
    assert told.approval
    assert told.approval.approved_by == ("ann",)
    assert "production-break-glass" in gated.host.asked
    assert not [one for one in said(gated, SUMMARY) if "production" in str(one[1]["modelway_gate"])]  # type: ignore[index]


def test_it_is_an_annotation_and_a_table_of_the_run():
    gated = emergency()
    break_glass(gated)
    assert any(
        one.startswith("BREAK-GLASS: iris-classifier goes to production")
        for one in gated.stage.reporter.warnings
    )
    assert any(title == f"BREAK-GLASS in production: {REASON}" for title, _, _ in gated.stage.reporter.tables)


def test_it_is_said_once_however_often_the_run_is_repeated():
    gated = emergency()
    break_glass(gated)
    before = list(gated.stage.registry.writes)
    break_glass(gated)
    assert gated.stage.registry.writes == before


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        (status, ()),
        (status, ("--format", "json")),
        (plan, ("-e", "production", "--serving")),
        (evidence, ()),
        (evidence, ("--format", "json")),
        (evidence, ("--format", "html")),
    ],
)
def test_everybody_sees_it_ever_after(command: ModuleType, argv: tuple[str, ...]):
    gated = emergency()
    break_glass(gated)
    assert REASON.replace(":", "") in printed(command, gated, *argv).replace(":", "")


def test_status_warns_as_long_as_it_serves():
    gated = emergency()
    break_glass(gated)
    gated.stage.reporter.warnings.clear()
    run(status, gated, "-e", "production")
    assert any("BREAK-GLASS" in one for one in gated.stage.reporter.warnings)
    assert gated.stage.reporter.outputs["break_glass"]


def test_evidence_keeps_to_its_schema_and_says_that_it_was_not_tested():
    gated = emergency()
    break_glass(gated)
    told = json.loads(printed(evidence, gated, "--format", "json"))
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    [release] = told["releases"]
    assert [one["result"] for one in release["gates"] if one["environment"] == "production"] == ["broken"]
    assert release["verdicts"][0]["break_glass"] == REASON


def answered(gated: Gated) -> tuple[bool, str]:
    """Whether production runs the tested version, and why."""
    told = json.loads(printed(evidence, gated, "--format", "json"))["tested"]
    return told["ok"], told["reason"]


def test_evidence_says_yes_where_staging_saw_it_pass_and_what_was_past_is_loud():
    gated = emergency()
    break_glass(gated)
    ok, reason = answered(gated)
    assert ok
    assert reason.endswith(f"which passed in staging before. BREAK-GLASS: it came in past the gate: {REASON}")
    page = printed(evidence, gated, "--format", "html")
    assert '<section class="answer"><p>Is production running the tested version?' in page, "no green box"
    assert "2 steps refused" in page


def test_what_staging_saw_pass_with_other_contract_tests_is_not_the_tested_version():
    """The very step that the glass was broken for: a yes would be a false one."""
    gated = emergency()
    first, *others = gated.stage.config.contract_tests
    tests = (replace(first, expect=replace(first.expect, max_latency_ms=9999)), *others)
    gated.stage.config = replace(gated.stage.config, contract_tests=tests)
    break_glass(gated)
    ok, reason = answered(gated)
    assert not ok
    assert reason.endswith("(it passed other contract tests there)")
    with pytest.raises(Differs) as caught:
        run(evidence, gated, "--verify")
    assert REASON in caught.value.seen


def test_what_came_into_staging_past_its_gate_is_no_tested_version():
    gated = emergency()
    documents, kept = gated.stage.registry.documents, []
    for image, kind, at, body in documents:
        statement = statement_of(opened(body).payload) if kind in statements.TYPES else None
        if statement and statement.predicate_type == VERDICT:
            verdict = replace(verdict_of(statement.predicate), glass="INC-6")
            sealed = gated.stage.keys.seal(
                "staging", replace(statement, predicate=verdict.predicate()).payload()
            )
            assert sealed
            kept.append((image, kind, at, sealed))
        else:
            kept.append((image, kind, at, body))
    gated.stage.registry.documents = kept
    break_glass(gated)
    ok, reason = answered(gated)
    assert not ok
    assert reason.endswith("(it came in there past the gate, too)")


def test_the_mark_stays_on_the_version_in_evidence_when_another_one_serves():
    gated = emergency()
    break_glass(gated)
    broken = gated.delivery().version(gated.image).id
    gated.stage.targets["production"].traffic = {VersionId("0" * 12): 100}
    told = json.loads(printed(evidence, gated, "--format", "json"))
    [version] = [one for one in told["releases"][0]["versions"] if one["id"] == broken]
    assert (version["standing"], version["break_glass"]) == ("fallback", REASON)
    assert f"{broken} in production of r1: fallback, BREAK-GLASS" in printed(evidence, gated)
    assert '<span class="bad">BREAK-GLASS</span>' in printed(evidence, gated, "--format", "html")


def test_an_environment_that_names_no_role_has_no_glass():
    gated = emergency(role=None)
    with pytest.raises(NotAllowed, match="allows no break-glass in production") as caught:
        break_glass(gated)
    assert "break_glass_role" in caught.value.seen
    assert gated.stage.acted == []


def test_whoever_may_not_assume_the_role_breaks_nothing(monkeypatch: pytest.MonkeyPatch):
    def denied(*_: object) -> str:
        raise Unavailable("arn:aws:sts::222222222222:assumed-role/modelway-deploy/x cannot assume the role")

    gated = emergency()
    monkeypatch.setattr(type(gated.stage), "_act", denied)
    with pytest.raises(Unavailable, match="cannot assume the role"):
        break_glass(gated)
    assert gated.stage.targets["production"].observe(None).serving is None


def test_a_role_that_ordinary_jobs_have_breaks_nothing():
    """validate compares the roles of one environment; that of a push is another account's or this one's."""
    gated = emergency("modelway-push")
    registry = replace(gated.stage.config.registry, account="222222222222")
    gated.stage.config = replace(gated.stage.config, registry=registry)
    with pytest.raises(NotAllowed, match="is no role of its own") as caught:
        break_glass(gated)
    assert "modelway-push is registry.push_role, too" in caught.value.seen
    assert gated.stage.acted == []


@pytest.mark.parametrize("reason", ["", "  ", "urgent", "\n\n now \n"])
def test_without_a_reason_nothing_is_broken(reason: str):
    with pytest.raises(Malformed, match="needs a reason"):
        break_glass(emergency(), reason)


def test_a_reason_over_several_lines_is_one():
    gated = emergency()
    break_glass(gated, "INC-7:\n  the old version answers nothing\n")
    assert broken_of(said(gated, BREAK_GLASS)[0][1]).reason == REASON  # type: ignore[arg-type]


UNBROKEN: dict[str, tuple[object, type[Failure]]] = {
    "the digest": (BREAKS[Step.MANIFEST][0], NotAllowed),
    "another repository's build": (BREAKS[Step.PROVENANCE][0], Tampered),
    "a damaged statement": (lambda g: g.attach(statements.TYPES[0], b"{"), Tampered),
}


@pytest.mark.parametrize("what", [*UNBROKEN])
def test_neither_the_digest_nor_forged_evidence_is_passed_over(what: str):
    gated = emergency()
    tamper, kind = UNBROKEN[what]
    tamper(gated)  # type: ignore[operator]
    before = list(gated.stage.registry.writes)
    with pytest.raises(kind):
        break_glass(gated)
    assert gated.stage.targets["production"].observe(None).serving is None
    assert gated.stage.registry.writes == before


@pytest.mark.parametrize(
    "step", [Step.PASSED, Step.SIGNATURES, Step.SBOM, Step.REPORT, Step.ADVISORIES, Step.ECR]
)
def test_what_is_missing_or_forbidden_is_passed_over(step: Step):
    gated = emergency()
    BREAKS[step][0](gated)
    break_glass(gated)
    [(_, predicate)] = said(gated, BREAK_GLASS)
    assert step in [name for name, _ in broken_of(predicate).entry.steps]  # type: ignore[arg-type]


def test_where_nothing_stands_in_the_way_no_glass_is_broken():
    gated = Gated()
    places = gated.stage.config.environments
    production = replace(places["production"], break_glass_role="firefighter")
    gated.stage.config = replace(gated.stage.config, environments={**places, "production": production})
    break_glass(gated)
    assert said(gated, BREAK_GLASS) == []
    assert "BREAK-GLASS" not in printed(status, gated)
    assert any("no glass is broken" in note for note in gated.stage.reporter.notes)


def test_what_came_in_by_break_glass_proves_nothing_to_the_next_environment():
    gated = Gated()
    target = gated.stage.targets["staging"]
    for id_ in [*target.records]:
        target.record(id_, Glass(reason=REASON))
    with pytest.raises(NotAllowed, match="came into staging by break-glass"):
        gated.ask()


def test_without_the_option_the_gate_holds():
    gated = emergency()
    refuse(gated, fail_on="high")
    with pytest.raises((Blocked, NotAllowed)):
        run(deploy, gated, "-e", "production", "--image", str(gated.image))


def test_a_release_that_was_begun_so_is_seen_through_without_the_option():
    """As the scheduled run does it, after the first died before its last step."""
    gated = emergency()
    break_glass(gated)
    target = gated.stage.targets["production"]
    [record] = target.records.values()
    target.records[record.id] = replace(record, passed=None)
    run(deploy, gated, "-e", "production", "--image", str(gated.image))
    assert target.records[record.id].passed
    assert len(said(gated, BREAK_GLASS)) == 1
    assert any("what was begun is seen through" in one for one in gated.stage.reporter.warnings)


def test_abort_breaks_no_glass():
    with pytest.raises(Malformed, match="--break-glass"):
        run(deploy, emergency(), "-e", "production", "--abort", "--break-glass", REASON)


def test_the_mark_survives_as_a_tag():
    gated = emergency()
    break_glass(gated)
    record = gated.stage.targets["production"].records[gated.delivery().version(gated.image).id]
    assert from_tags(record.id, to_tags(record)) == record


def test_whoever_breaks_it_again_is_told_beside_the_first():
    """The same words, another day and another run: who did it this time would be lost."""
    gated = emergency()
    visitor = Visitor(
        world=gated.world,
        config=gated.stage.config,
        place=gated.stage.config.environments["production"],
        version=gated.delivery().version(gated.image),
        contract="c1",
    )
    refused = Passage(steps=(Checked(step=Step.PASSED, reason="never ran", broken=True),))
    visitor.leave_word(refused, REASON)
    visitor.leave_word(refused, REASON)
    assert len(said(gated, BREAK_GLASS)) == 1, "a run that is resumed says it once"
    gated.host.approved_by = ("eve",)
    gated.stage.clock.time += timedelta(days=1)
    visitor.leave_word(refused, REASON)
    told = [broken_of(one[1]) for one in said(gated, BREAK_GLASS)]  # type: ignore[arg-type]
    assert {one.approval.approved_by for one in told if one.approval} == {("ann",), ("eve",)}
    another = replace(visitor, config=replace(gated.stage.config, name="another"))
    another.leave_word(refused, REASON)
    assert len(said(gated, BREAK_GLASS)) == 3, "two models may share an image"
