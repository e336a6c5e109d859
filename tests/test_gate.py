"""The gate asks in its order, and each refusal names the step, the evidence and the cure."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelway import evidence, papers
from modelway.core import cyclonedx, rules, vouched
from modelway.core.artifact_report import folded
from modelway.core.config import Signing
from modelway.core.ecr_scan import EcrScan
from modelway.core.evidence import PROVENANCE, SUMMARY, VERDICT, Document, Provenance, Source
from modelway.core.hosting import HostedEnvironment
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject, canonical
from modelway.core.manifest import digest_of
from modelway.core.passage import Passage, Step
from modelway.core.report_json import report_json
from modelway.core.roots import Roots
from modelway.core.statement import Statement, opened, statement_of
from modelway.core.summary import VERIFIED, summary_of
from modelway.core.verdict import Approval
from modelway.core.version import Artifact
from modelway.delivery import Delivery
from modelway.errors import Blocked, Failure, NotAllowed, NotEvaluated, Tampered, Unavailable
from modelway.ports import World
from modelway.scanners.builtin.weights import Weights
from tests.configs import model_config
from tests.fake_images import FakeArtifactStore
from tests.fake_world import Stage
from tests.fakes import FakeKeys
from tests.reports import finding, package, report
from tests.scanners.models import evil, tarred

SOURCE = "https://github.com/acme/models"
RUN = f"{SOURCE}/actions/runs/7"
KEY = Signing(verify_with=("keys/x.pub",))
LISTED: JsonObject = {"components": [{"name": "flask"}]}


@dataclass
class Host:
    """What GitHub tells of the run."""

    approved_by: tuple[str, ...] = ("ann",)
    reviewers: int = 1
    asked: list[str] = field(default_factory=list)
    names: tuple[str, ...] = ("production", "production-break-glass")

    def approval(self, environment: str, /) -> Approval:
        self.asked.append(environment)
        return Approval(run=RUN, actor="bob", approved_by=self.approved_by)

    def environments(self) -> tuple[HostedEnvironment, ...]:
        return tuple(HostedEnvironment(name=name, reviewers=self.reviewers) for name in self.names)


@dataclass
class Gated:
    """A version that may go to production, and everything by which that could change."""

    stage: Stage = field(default_factory=Stage)
    host: Host = field(default_factory=Host)
    image: Image = field(init=False)

    def __post_init__(self) -> None:
        config = model_config(artifact=None, evidence=KEY)
        places = {name: replace(place, evidence=KEY) for name, place in config.environments.items()}
        self.stage = Stage(
            config=replace(config, environments=places),
            keys=FakeKeys(authors=frozenset({"build", "staging", "production"})),
        ).with_scan(ecr=EcrScan(), fail_on="critical")
        bare = self.stage.push("one")
        subject = self.stage.registry.manifests[bare.digest].config
        assert subject
        self.stage.registry.documents.clear()
        self.image = self.stage.push("one", replace(report(finding(severity="high")), subject=subject))
        ecr = replace(report(), subject=subject, scanner="ecr")
        self.attach(papers.ECR_REPORT_TYPE, canonical(report_json(ecr)).encode())
        self.vouch()
        self.delivery("staging").deploy(self.image)

    @property
    def world(self) -> World:
        run = replace(self.stage.world.run, url=RUN, source=SOURCE)
        return replace(self.stage.world, run=run, hosting=lambda: self.host)  # type: ignore[arg-type,return-value]

    def delivery(self, name: str = "production") -> Delivery:
        return Delivery.open(self.world, self.stage.config, name)

    def ask(self, *, deploying: bool = True) -> Passage:
        return self.delivery().gate(self.image, deploying=deploying)

    def attach(self, kind: str, body: bytes) -> None:
        self.stage.registry.attach(self.image.digest, kind, body, created=self.stage.clock.now())

    def vouch(self, source: str = SOURCE, sbom: JsonObject = LISTED, model: str = "iris-classifier") -> None:
        """The build's word for the documents there are."""
        self.say("build", cyclonedx.PREDICATE, sbom)
        kinds = {vouched.REPORT: papers.REPORT_TYPE, vouched.ECR_REPORT: papers.ECR_REPORT_TYPE}
        named = [
            (name, digest_of(body))
            for name, kind in kinds.items()
            for body in self.stage.registry.attached(self.image.digest, kind)
        ]
        told = Provenance(
            model=model,
            config=f"model-configs/{model}.yaml",
            strategy="byoc",
            inputs="0" * 64,
            source=Source(repository=source, commit="d" * 40),
            documents=tuple(
                Document(name=name, media_type="application/json", digest=digest)
                for name, digest in [*named, (vouched.SBOM, vouched.sbom_digest(sbom))]
            ),
        )
        self.say("build", PROVENANCE, told.predicate())

    def say(self, author: str, kind: str, predicate: object, about: Digest | None = None) -> None:
        statement = Statement(subject=about or self.image.digest, predicate_type=kind, predicate=predicate)  # type: ignore[arg-type]
        registry = self.stage.registry
        if about is None:
            evidence.attach(registry, self.stage.keys, self.stage.clock, author, statement)
            return
        sealed = self.stage.keys.seal(author, statement.payload())
        assert sealed
        self.attach(evidence.TYPES[0], sealed)

    def drop(self, kind: str) -> None:
        """Documents of a type, or statements of a kind, are not there any more."""
        self.stage.registry.documents = [one for one in self.stage.registry.documents if not is_of(one, kind)]


def is_of(document: tuple[Digest, str, object, bytes], kind: str) -> bool:
    _, type_, _, body = document
    if type_ not in evidence.TYPES:
        return type_ == kind
    return statement_of(opened(body).payload).predicate_type == kind


def refuse(gated: Gated, **policy: object) -> None:
    spec = replace(gated.stage.config.scan, **policy, said=gated.stage.config.scan.said | set(policy))  # type: ignore[arg-type]
    gated.stage.config = replace(gated.stage.config, scan=spec)


BREAKS: dict[Step, tuple[Callable[[Gated], None], type[Failure], str]] = {
    Step.MANIFEST: (lambda g: g.stage.registry.manifests.clear(), NotAllowed, "is not in the registry"),
    Step.PASSED: (lambda g: g.stage.targets["staging"].records.clear(), NotAllowed, "never ran in staging"),
    Step.SIGNATURES: (lambda g: g.drop(VERDICT), NotAllowed, "no verdict of staging is attached"),
    Step.PROVENANCE: (lambda g: g.vouch(source="https://x/evil"), Tampered, "built from another repository"),
    Step.SBOM: (lambda g: g.drop(cyclonedx.PREDICATE), NotAllowed, "the sbom the build vouches for"),
    Step.REPORT: (lambda g: g.drop(papers.REPORT_TYPE), NotAllowed, "the report the build vouches for"),
    Step.ADVISORIES: (lambda g: refuse(g, fail_on="high"), Blocked, "CVE-2023-30861"),
    Step.ECR: (lambda g: g.drop(papers.ECR_REPORT_TYPE), NotAllowed, "no report of ECR's own scan"),
    Step.APPROVAL: (lambda g: setattr(g.host, "approved_by", ()), NotAllowed, "none of them approved"),
}


def test_a_version_that_may_go_is_told_every_step_in_order():
    gated = Gated()
    before = list(gated.stage.registry.writes)
    passage = gated.ask()
    assert [one.step for one in passage.steps] == [*Step]
    assert all(one.reason for one in passage.steps)
    assert gated.stage.registry.writes == before, "the gate only reads"


@pytest.mark.parametrize("step", [*BREAKS])
def test_each_step_refuses_before_those_after_it(step: Step):
    """Everything from this step on is wrong at once, and this step says so."""
    gated = Gated()
    for later in reversed([*BREAKS][[*BREAKS].index(step) :]):
        BREAKS[later][0](gated)
    _, kind, words = BREAKS[step]
    with pytest.raises(kind) as caught:
        gated.ask()
    number = [*Step].index(step) + 1
    assert (
        f"the gate of production refuses iris-classifier, step {number} of 10, {step}: " in caught.value.what
    )
    assert words in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b'{"os": "linux", "architecture": "arm64"}', "was built for linux/arm64"),
        (b"not JSON", "was built for nobody knows what"),
    ],
)
@pytest.mark.parametrize("glass", ["", "production is down"])
def test_an_image_of_another_platform_is_refused_even_in_an_emergency(config: bytes, words: str, glass: str):
    gated = Gated()
    subject = gated.stage.registry.manifests[gated.image.digest].config
    assert subject
    gated.stage.registry.blobs[subject] = config
    with pytest.raises(NotAllowed, match="step 2 of 10, manifest: the image was built for") as caught:
        gated.delivery().gate(gated.image, deploying=True, glass=glass)
    assert words in caught.value.what
    assert "would start it as linux/amd64" in caught.value.what
    assert "build, scan, push" in caught.value.cure


@pytest.mark.parametrize("name", ["staging", "production"])
def test_an_image_of_another_model_of_the_repository_is_named_as_a_swap_at_every_gate(name: str):
    """The attack: the digest of one model, honestly built and signed, asked for by another model's config."""
    gated = Gated()
    gated.drop(PROVENANCE)
    gated.vouch(model="churn")
    words = "step 5 of 10, provenance: sha256:.* is an image of churn, not of iris-classifier"
    for glass in ("", "production is down"):
        with pytest.raises(Tampered, match=words) as caught:
            gated.delivery(name).gate(gated.image, deploying=True, glass=glass)
        assert caught.value.exit_code == 4
        assert "churn (model-configs/churn.yaml)" in caught.value.seen
        assert "Name an image of iris-classifier" in caught.value.cure


def test_without_a_key_of_the_build_models_are_still_not_mixed_up():
    gated = Gated()
    gated.stage.config = replace(gated.stage.config, evidence=Signing())
    gated.drop(PROVENANCE)
    gated.vouch(model="churn")
    with pytest.raises(NotAllowed, match="is an image of churn, not of iris-classifier"):
        gated.ask()


def test_an_image_larger_than_the_target_takes_is_refused():
    gated = Gated()
    gated.stage.targets["production"].most = 1
    with pytest.raises(NotAllowed, match="step 2 of 10, manifest: sagemaker does not run an image of"):
        gated.ask()


def test_asked_before_the_approval_the_gate_does_not_demand_it():
    gated = Gated(host=Host(approved_by=()))
    assert "when the deployment begins" in gated.ask(deploying=False).reasons[-1]


def test_an_environment_without_reviewers_needs_no_approval():
    gated = Gated()
    gated.host.approved_by, gated.host.reviewers = (), 0
    assert "GitHub asks nobody" in gated.ask().reasons[-1]


def test_the_reviewers_of_an_environment_written_otherwise_are_asked_all_the_same():
    gated = Gated(host=Host(approved_by=(), names=("Production",)))
    with pytest.raises(NotAllowed, match="step 10 of 10, approval: the GitHub environment production has"):
        gated.ask()


def test_an_environment_github_does_not_have_is_not_called_one_without_reviewers():
    gated = Gated(host=Host(approved_by=(), names=()))
    assert "the repository has no environment production" in gated.ask().reasons[-1]


def test_the_approver_is_named():
    assert Gated().ask().reasons[-1] == f"approval: approved by ann in {RUN}"


# --- whom evidence was expected from, and whom it was found from ---


def test_a_verdict_that_nobody_signed():
    gated = Gated()
    gated.stage.keys = FakeKeys(authors=frozenset({"build", "staging", "production"}))
    [said] = [one for one in gated.stage.registry.documents if is_of(one, VERDICT)]
    gated.drop(VERDICT)
    gated.attach(evidence.TYPES[1], opened(said[3]).payload)
    with pytest.raises(NotAllowed, match="is not staging's word") as caught:
        gated.ask()
    assert not isinstance(caught.value, Tampered)
    assert caught.value.seen == "expected from staging (keys/x.pub), found from nobody: it is not signed"
    assert "with its own key" in caught.value.cure


@pytest.mark.parametrize("author", ["build", "production", "stranger"])
def test_a_verdict_somebody_else_signed_is_named_as_forged(author: str):
    gated = Gated()
    gated.stage.keys = FakeKeys(authors=gated.stage.keys.authors | {"stranger"})
    [said] = [one for one in gated.stage.registry.documents if is_of(one, VERDICT)]
    gated.drop(VERDICT)
    gated.say(author, VERDICT, statement_of(opened(said[3]).payload).predicate)
    gated.stage.keys = FakeKeys(authors=gated.stage.keys.authors - {"stranger"})
    with pytest.raises(Tampered, match="is not staging's word") as caught:
        gated.ask()
    found = "a key the config does not name" if author == "stranger" else author
    assert caught.value.seen == f"expected from staging (keys/x.pub), found from {found}"
    assert caught.value.cure.startswith("Treat it as forged: find out whose key signed it")
    assert "first" not in caught.value.cure


def test_a_statement_about_another_image_is_named_as_a_swap():
    gated = Gated()
    gated.say("staging", VERDICT, {}, about=Digest.parse("sha256:" + "9" * 64))
    with pytest.raises(Tampered, match="evidence was swapped") as caught:
        gated.ask()
    assert "said by staging" in caught.value.seen
    assert "Treat it as an attack" in caught.value.cure


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{", "nobody"),
        (b'{"dsseEnvelope": {"payloadType": "x", "payload": "", "signatures": []}}', "nobody"),
    ],
)
def test_a_damaged_statement_is_named_with_who_signed_it(body: bytes, found: str):
    gated = Gated()
    gated.attach(evidence.TYPES[0], body)
    with pytest.raises(Tampered, match="cannot be read") as caught:
        gated.ask()
    assert str(digest_of(body)) in caught.value.what
    assert f"found signed by {found}" in caught.value.seen


def test_a_bare_signature_that_came_along_with_the_image_stops_nothing():
    gated = Gated()
    gated.attach(evidence.TYPES[0], b'{"messageSignature": {"signature": ""}, "verificationMaterial": {}}')
    assert gated.ask().reasons


def test_a_damaged_verdict_of_staging_is_named():
    gated = Gated()
    gated.drop(VERDICT)
    gated.say("staging", VERDICT, {"result": "failed"})
    with pytest.raises(Tampered, match=r"the verdict attached to .* cannot be read") as caught:
        gated.ask()
    assert "expected from staging (keys/x.pub), found from staging" in caught.value.seen


def test_a_verdict_on_other_weights_is_named_as_a_swap():
    gated = Gated()
    altered(gated, artifact="sha256:" + "5" * 64)
    with pytest.raises(NotAllowed, match="with other weights: these were swapped since") as caught:
        gated.ask()
    assert "expected no artifact, found sha256:555" in caught.value.seen


def test_a_verdict_on_other_contract_tests_is_named():
    gated = Gated()
    altered(gated, contract="c0")
    with pytest.raises(NotAllowed, match="other contract tests than the config has now") as caught:
        gated.ask()
    assert "found c0" in caught.value.seen


def altered(gated: Gated, **changes: object) -> None:
    """Staging says something else, with its own key."""
    [said] = [one for one in gated.stage.registry.documents if is_of(one, VERDICT)]
    gated.drop(VERDICT)
    gated.say("staging", VERDICT, {**statement_of(opened(said[3]).payload).predicate, **changes})


def test_a_report_the_build_does_not_vouch_for_is_nobody_s_word():
    """Whoever may write to the repository attaches a report that found nothing."""
    gated = Gated()
    gated.drop(papers.REPORT_TYPE)
    gated.stage.push("one")
    with pytest.raises(NotAllowed, match="the report the build vouches for is not attached") as caught:
        gated.ask()
    assert "from build (keys/x.pub), found sha256:" in caught.value.seen


def test_a_better_report_somebody_attached_beside_changes_nothing():
    gated = Gated()
    refuse(gated, fail_on="high")
    gated.stage.clock.time = gated.stage.clock.time.replace(hour=13)
    gated.stage.push("one")
    with pytest.raises(Blocked, match="CVE-2023-30861"):
        gated.ask()


def test_an_sbom_that_lists_nothing_is_no_pass():
    gated = Gated()
    gated.drop(cyclonedx.PREDICATE)
    gated.drop(PROVENANCE)
    gated.vouch(sbom={"components": []})
    with pytest.raises(NotEvaluated, match="lists nothing"):
        gated.ask()


def test_a_key_that_cannot_be_reached_is_no_refusal_of_the_version():
    class Unreachable(FakeKeys):
        def signed_by(self, envelope: object, /) -> frozenset[str]:
            del envelope
            raise Unavailable("AWS KMS could not be reached", cure="try again")

    gated = Gated()
    gated.stage.keys = Unreachable()
    with pytest.raises(
        Unavailable, match="could not tell iris-classifier, step 4 of 10, signatures"
    ) as caught:
        gated.ask()
    assert caught.value.exit_code == 8


def test_an_unreadable_verdict_beside_does_not_end_a_deployment_that_serves():
    """Without a key anybody's counts as staging's; it is found only after the traffic has moved."""
    stage = Stage()
    image = stage.push()
    for junk in ({}, {"result": "passed", "model": 3}):
        statement = Statement(subject=image.digest, predicate_type=VERDICT, predicate=junk)  # type: ignore[arg-type]
        evidence.attach(stage.registry, stage.keys, stage.clock, "staging", statement)
    assert stage.delivery("staging").deploy(image).serving
    documents = stage.registry.attached(image.digest, *evidence.TYPES)
    assert sum(b'"result":"passed","target"' in one for one in documents) == 1


# --- whose word counts ---


def in_a_workflow(gated: Gated, **here: object) -> World:
    """The default branch has the config as it is; the checkout may have another."""
    config = gated.stage.config
    places = {name: place.promote_from for name, place in config.environments.items()}
    main = Roots(keys=dict.fromkeys(("build", "staging"), frozenset({"k"})), before=places)
    wishes = replace(rules.of_checkout(config), roots=replace(main, **here))  # type: ignore[arg-type]
    protected = replace(rules.of_checkout(config), roots=main, wishes=wishes, source="main (abc)")
    return replace(gated.world, rules=lambda _: rules.Governing(rules=protected))


@pytest.mark.parametrize("glass", ["", "INC-7: nothing answers any more"])
@pytest.mark.parametrize(
    ("here", "words"),
    [
        ({"keys": {"staging": frozenset({"k"})}}, "names no key of build"),
        ({"keys": {"build": frozenset({"k"}), "staging": frozenset({"x"})}}, "another key of staging"),
        ({"before": {"production": None}}, "promotes to production from nowhere, not from staging"),
    ],
)
def test_a_tag_cannot_choose_whom_it_is_believed_by(here: dict[str, object], words: str, glass: str):
    gated = Gated()
    world = in_a_workflow(gated, **here)
    with pytest.raises(Tampered, match="step 4 of 10, signatures") as caught:
        Delivery.open(world, gated.stage.config, "production").gate(gated.image, glass=glass)
    assert words in caught.value.what
    assert "main (abc) says otherwise" in caught.value.seen


def test_a_tag_cannot_choose_by_whom_the_glass_is_broken():
    """With the role of ordinary releases in its place, every job of production could have."""
    gated = Gated()
    world = in_a_workflow(gated, glass={"production": "modelway-deploy"})
    delivery = Delivery.open(world, gated.stage.config, "production")
    assert delivery.gate(gated.image).reasons, "nothing is broken, so that it is no matter"
    with pytest.raises(Tampered, match="be broken by modelway-deploy, not by nobody") as caught:
        delivery.gate(gated.image, glass="INC-7: nothing answers any more")
    assert "new keys and roles are merged there first" in caught.value.cure


def test_the_default_branch_s_own_keys_pass():
    gated = Gated()
    assert Delivery.open(in_a_workflow(gated), gated.stage.config, "production").gate(gated.image).reasons


def test_where_nobody_knows_whose_word_counts_no_glass_is_broken():
    def broken(_: object) -> rules.Governing:
        raise NotEvaluated("the policy on main has errors")

    gated = Gated()
    world = replace(gated.world, rules=broken)
    with pytest.raises(NotEvaluated, match="step 4 of 10, signatures"):
        Delivery.open(world, gated.stage.config, "production").gate(gated.image, glass="INC-7: it is dead")


# --- the summary ---


def summaries(gated: Gated) -> list[tuple[frozenset[str], object]]:
    documents = gated.stage.registry.attached(gated.image.digest, *evidence.TYPES)
    found = evidence.witnessed(gated.stage.keys, gated.image.digest, documents)
    return [
        (one.signers, one.statement.predicate)
        for one in found
        if one.statement.predicate_type == SUMMARY
        and summary_of(one.statement.predicate).entry.environment == "production"
    ]


def test_the_gate_leaves_slsa_s_summary_signed_by_the_environment():
    gated = Gated()
    inputs = {str(digest_of(d[3])) for d in gated.stage.registry.documents if is_of(d, VERDICT)}
    gated.delivery().deploy(gated.image)
    [(signers, predicate)] = summaries(gated)
    assert signers == {"production"}
    told = json.loads(canonical(predicate))  # type: ignore[arg-type]
    assert told["verificationResult"] == "PASSED"
    assert told["verifiedLevels"] == [VERIFIED]
    assert told["verifier"]["id"]
    assert told["resourceUri"].startswith("pkg:oci/iris@sha256%3A")
    assert {f"sha256:{one['digest']['sha256']}" for one in told["inputAttestations"]} >= inputs
    read = summary_of(told)
    assert read.image == str(gated.image)
    assert [step for step, _ in read.entry.steps] == [str(step) for step in Step]


def test_the_summary_is_said_once():
    gated = Gated()
    gated.delivery().deploy(gated.image)
    before = list(gated.stage.registry.writes)
    gated.delivery().deploy(gated.image)
    assert gated.stage.registry.writes == before


def test_a_version_that_is_refused_gets_no_summary():
    gated = Gated()
    gated.host.approved_by = ()
    with pytest.raises(NotAllowed):
        gated.delivery().deploy(gated.image)
    assert summaries(gated) == []


@dataclass
class Weighted:
    """An image whose stored report is about honest weights, and a config that may name others."""

    folder: Path
    stage: Stage = field(default_factory=lambda: Stage().with_scan(fail_on="critical"))
    store: FakeArtifactStore = field(default_factory=FakeArtifactStore)
    honest: bytes = field(default_factory=lambda: tarred({"model.pkl": pickle.dumps([1.0])}))

    def __post_init__(self) -> None:
        seen = Weights().look(iter([self.honest]), self.artifact(self.honest))
        subject = self.stage.registry.manifests[self.stage.push("one").digest].config
        assert subject
        self.stage.registry.documents.clear()
        image = replace(report(), subject=subject, packages=(package(),))
        self.image = self.stage.push("one", folded((image,), seen)[0])

    def artifact(self, body: bytes) -> Artifact:
        return Artifact(uri="s3://acme/iris/model.tar.gz", sha256=digest_of(body))

    def gate(self, weights: bytes) -> Passage:
        world = self.stage.world
        run = replace(world.run, workspace=self.folder)
        world = replace(world, run=run, artifacts=lambda *_: self.store, weights=Weights)
        config = replace(self.stage.config, artifact=self.artifact(weights))
        return Delivery.open(world, config, "staging").gate(self.image)


def test_weights_that_were_looked_into_are_judged_by_the_stored_report(tmp_path: Path) -> None:
    weighted = Weighted(tmp_path)
    assert weighted.gate(weighted.honest).steps  # nothing lies in S3: it is not read again


def test_other_weights_than_the_report_is_about_are_read_now(tmp_path: Path) -> None:
    weighted = Weighted(tmp_path)
    body = tarred({"model.pkl": evil()})
    with pytest.raises(NotAllowed, match="does not exist"):
        weighted.gate(body)
    weighted.store.objects["s3://acme/iris/model.tar.gz"] = weighted.honest
    with pytest.raises(NotAllowed, match="not the model artifact"):
        weighted.gate(body)
    weighted.store.objects["s3://acme/iris/model.tar.gz"] = body
    with pytest.raises(Blocked, match="model-runs-code"):
        weighted.gate(body)


def test_weights_nobody_can_read_are_no_pass(tmp_path: Path) -> None:
    weighted = Weighted(tmp_path)
    weighted.store.objects["s3://acme/iris/model.tar.gz"] = body = weighted.honest[:-9]
    with pytest.raises(NotEvaluated, match="cannot be looked into"):
        weighted.gate(body)
