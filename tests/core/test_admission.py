"""What lets a version in: whose word counts, and how a refusal names what it found instead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelway.core import admission
from modelway.core.admission import Author, Witnessed
from modelway.core.evidence import PROVENANCE, VERDICT, Document, Provenance, Source, provenance_of
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject
from modelway.core.statement import Statement
from modelway.core.verdict import Answered, Approval, EnvironmentVerdict, verdict_of
from modelway.core.version import Artifact, Version

IMAGE = Digest("sha256:" + "a" * 64)
OTHER = Digest("sha256:" + "b" * 64)
WEIGHTS = Artifact(uri="s3://b/k", sha256=Digest("sha256:" + "c" * 64))
VERSION = Version(image=Image("r", IMAGE), artifact=WEIGHTS)
BUILD = Author(name="build", keys=("keys/build.pub",))
STAGING = Author(name="staging", keys=("keys/staging.pub",))
SOURCE = "https://github.com/acme/models"
BUILT = Provenance(
    model="iris",
    config="model-configs/iris.yaml",
    strategy="byoc",
    inputs="0" * 64,
    source=Source(repository=SOURCE, commit="d" * 40, ref="refs/tags/v1", workflow="acme/m/.github/w.yml@v1"),
    bases=(("python:3.11", f"sha256:{'e' * 64}"),),
    documents=(Document(name="sbom", media_type="application/json", digest=OTHER),),
    built="2026-11-25T10:00:00Z",
)
PASSED = EnvironmentVerdict(
    model="iris",
    environment="staging",
    account="1" * 12,
    region="eu-west-1",
    target="sagemaker",
    version="abc",
    artifact=str(WEIGHTS.sha256),
    contract="c1",
    attempt=1,
    passed="2026-11-25T11:00:00Z",
    transcript=(Answered(test="setosa", status=200, latency_ms=12.3, answer="[0]"),),
    approval=Approval(run="https://x/1", approved_by=("ann",)),
)


def built(provenance: Provenance = BUILT, *signers: str, subject: Digest = IMAGE) -> Witnessed:
    statement = Statement(subject=subject, predicate_type=PROVENANCE, predicate=provenance.predicate())
    return Witnessed(statement=statement, signers=frozenset(signers), signed=bool(signers))


def verdict(said: EnvironmentVerdict = PASSED, *signers: str) -> Witnessed:
    statement = Statement(subject=IMAGE, predicate_type=VERDICT, predicate=said.predicate())
    return Witnessed(statement=statement, signers=frozenset(signers), signed=bool(signers))


def test_predicates_are_read_as_they_were_written() -> None:
    assert provenance_of(BUILT.predicate()) == BUILT
    assert verdict_of(PASSED.predicate()) == PASSED


def test_a_statement_about_another_image_is_named_as_a_swap() -> None:
    ruling = admission.about(IMAGE, [built(), built(BUILT, "build", subject=OTHER)])
    assert not ruling.ok
    assert "evidence was swapped" in ruling.reason
    assert str(OTHER) in ruling.seen


def test_provenance_signed_by_the_build_is_believed() -> None:
    assert admission.provenance("iris", IMAGE, [built(BUILT, "build")], BUILD, SOURCE).ok


@pytest.mark.parametrize(
    ("attached", "reason", "seen"),
    [
        ([], "no provenance is attached", "expected from build (keys/build.pub)"),
        ([built()], "not build's word", "found from nobody: it is not signed"),
        ([built(BUILT, "staging")], "not build's word", "found from staging"),
    ],
)
def test_provenance_nobody_trusted_said_is_refused(attached: list[Witnessed], reason: str, seen: str) -> None:
    ruling = admission.provenance("iris", IMAGE, attached, BUILD, SOURCE)
    assert not ruling.ok
    assert reason in ruling.reason
    assert seen in ruling.seen


def test_without_a_key_anybody_s_provenance_counts() -> None:
    assert admission.provenance("iris", IMAGE, [built()], Author(name="build"), SOURCE).ok


def test_an_image_of_another_repository_is_refused() -> None:
    elsewhere = replace(BUILT, source=replace(BUILT.source, repository="https://github.com/evil/models"))
    ruling = admission.provenance("iris", IMAGE, [built(elsewhere, "build")], BUILD, SOURCE)
    assert not ruling.ok
    assert "evil" in ruling.seen


@pytest.mark.parametrize("build", [BUILD, Author(name="build")])
def test_the_provenance_of_another_model_lets_nothing_in(build: Author) -> None:
    churn = built(replace(BUILT, model="churn", config="model-configs/churn.yaml"), "build")
    attached = [churn, built(replace(BUILT, model="fraud", config=""), "build")]
    for ruling in (
        admission.of_model("iris", IMAGE, attached, build),
        admission.provenance("iris", IMAGE, attached, build, SOURCE),
    ):
        assert not ruling.ok
        assert ruling.reason.startswith(f"{IMAGE} is an image of churn and fraud, not of iris")
        assert "expected a provenance of iris from build" in ruling.seen
        assert "churn (model-configs/churn.yaml), fraud (no config named)" in ruling.seen
        assert ruling.tampered is bool(build.keys)


def test_models_that_share_an_image_have_one_provenance_each() -> None:
    newer = replace(
        BUILT, model="churn", built="2026-11-26T10:00:00Z", source=Source(repository="https://x/y")
    )
    attached = [built(newer, "build"), built(BUILT, "build")]
    assert admission.provenance("iris", IMAGE, attached, BUILD, SOURCE).ok


def test_a_name_in_a_provenance_that_the_build_did_not_sign_is_no_word_for_the_model() -> None:
    attached = [built(replace(BUILT, model="churn"), "build"), built(BUILT), built(BUILT, "staging")]
    assert not admission.of_model("iris", IMAGE, attached, BUILD).ok


def test_only_the_build_s_own_statements_vouch_for_documents() -> None:
    forged = replace(BUILT, documents=(Document(name="sbom", media_type="x", digest=IMAGE),))
    named = admission.documents([built(BUILT, "build"), built(forged)], BUILD)
    assert named == {"sbom": frozenset({OTHER})}


def test_a_verdict_of_the_environment_before_is_believed() -> None:
    ruling, found = admission.passed(PASSED.model, VERSION, "c1", [verdict(PASSED, "staging")], STAGING)
    assert ruling.ok
    assert found == PASSED


@pytest.mark.parametrize(
    ("attached", "reason"),
    [
        ([], "no verdict of staging"),
        ([verdict()], "not staging's word"),
        ([verdict(PASSED, "build")], "not staging's word"),
        ([verdict(replace(PASSED, environment="production"), "staging")], "no verdict of staging"),
        ([verdict(replace(PASSED, model="another"), "staging")], "no verdict of staging"),
        ([verdict(replace(PASSED, artifact=str(OTHER)), "staging")], "with other weights"),
        ([verdict(replace(PASSED, artifact=None), "staging")], "with other weights"),
        ([verdict(replace(PASSED, contract="c0"), "staging")], "other contract tests"),
    ],
)
def test_a_verdict_that_is_not_about_this_is_refused(attached: list[Witnessed], reason: str) -> None:
    ruling, found = admission.passed(PASSED.model, VERSION, "c1", attached, STAGING)
    assert not ruling.ok
    assert reason in ruling.reason
    assert found is None


def test_a_damaged_verdict_of_the_right_author_is_named() -> None:
    statement = Statement(subject=IMAGE, predicate_type=VERDICT, predicate={"result": "failed"})
    damaged = Witnessed(statement=statement, signers=frozenset({"staging"}), signed=True)
    ruling, _ = admission.passed(PASSED.model, VERSION, "c1", [damaged], STAGING)
    assert "cannot be read" in ruling.reason


def test_of_several_verdicts_the_newest_counts() -> None:
    newer = replace(PASSED, passed="2026-11-25T12:00:00Z")
    attached = [verdict(newer, "staging"), verdict(PASSED, "staging")]
    assert admission.passed(PASSED.model, VERSION, "c1", attached, STAGING)[1] == newer


def test_a_verdict_with_a_number_nobody_can_reckon_with_is_damaged() -> None:
    sample: JsonObject = {"requests": 1, "errors": 0, "latency_p95_ms": 10**400}
    said: JsonObject = {
        **PASSED.predicate(),
        "comparison": {"percent": 5, "candidate": sample, "baseline": sample},
    }
    statement = Statement(subject=IMAGE, predicate_type=VERDICT, predicate=said)
    damaged = Witnessed(statement=statement, signers=frozenset({"staging"}), signed=True)
    ruling, _ = admission.passed(PASSED.model, VERSION, "c1", [damaged], STAGING)
    assert "cannot be read" in ruling.reason
