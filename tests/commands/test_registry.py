"""The registry guard over fakes: what runs is never lost, whatever is planned, deleted or expired."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modelway import artifact_scan, evidence, registry_guard
from modelway.commands import registry, rollback
from modelway.core import ecr
from modelway.core.config import ModelConfig
from modelway.core.image import Image
from modelway.core.json import JsonObject
from modelway.core.naming import bucket_name
from modelway.core.plan import State
from modelway.core.weights import Copy, Expiry
from modelway.errors import Differs, Malformed, NotAllowed, Unavailable
from tests.configs import model_config
from tests.fake_world import AnsweringTarget, OneConfig, Stage

TAKES_ALL: JsonObject = {
    "rules": [
        {
            "rulePriority": 4,
            "description": "tidy",
            "selection": {
                "tagStatus": "any",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 9,
            },
            "action": {"type": "expire"},
        }
    ]
}


def stage(keep_releases: int = 1) -> Stage:
    """A stage whose repository keeps so few releases."""
    config = model_config(artifact=None)
    return Stage(config=replace(config, registry=replace(config.registry, keep_releases=keep_releases)))


def build(at: Stage, name: str, model: str = "") -> Image:
    """An image that a release of a model pushed."""
    image = at.push(name)
    at.registry.named[f"in-{name}"] = image.digest
    config = replace(at.config, name=model or at.config.name)
    word = evidence.provenance(at.world, config, name, (), ())
    evidence.vouch(at.world, config, image.digest, word, at.registry)
    return image


def deploy(at: Stage, image: Image, *environments: str) -> None:
    """Take an image to environments."""
    for name in environments or ("staging", "production"):
        at.delivery(name).deploy(image)


def run(at: Stage, *argv: str) -> str:
    """As ``__main__`` runs it; all that was said."""
    parser = argparse.ArgumentParser()
    registry.arguments(parser)
    registry.run(parser.parse_args([argv[0], "model.yaml", *argv[1:]]), at.world)
    return at.reporter.text


def released(*names: str, keep: int = 1) -> tuple[Stage, list[Image]]:
    """A stage on which releases went to both environments."""
    at = stage(keep)
    images = [build(at, name) for name in names]
    for image in images:
        deploy(at, image)
    return at, images


def test_a_policy_that_archives_what_runs_is_refused():
    at, (_, second) = released("one", "two")
    (policy_rule,) = json.loads(json.dumps(TAKES_ALL))["rules"]
    moves = {"type": "transition", "targetStorageClass": "archive"}
    at.registry.lifecycle = {"rules": [{**policy_rule, "action": moves}]}
    with pytest.raises(Differs, match="the lifecycle policy would archive what is needed of") as caught:
        run(at, "check")
    line = next(one for one in caught.value.seen.splitlines() if str(second.digest) in one)
    assert "by rule 4 (tidy), which moves it to the archive: iris-classifier in" in line


def test_what_is_needed_and_archived_already_is_told_with_what_restores_it():
    at, (first, second) = released("one", "two")
    at.stock.archived[build(at, "unused").digest] = at.clock.now()
    run(at, "check")
    at.stock.archived[second.digest] = at.clock.now()
    with pytest.raises(Differs, match="lies in the archive, from where nothing can be pulled") as caught:
        run(at, "check")
    assert str(second.digest) in caught.value.seen
    assert str(first.digest) not in caught.value.seen
    assert "aws ecr update-image-storage-class --region eu-west-1" in caught.value.cure
    assert at.reporter.outputs["endangered"] == "true"


def test_a_plan_lists_what_goes_and_what_stays_and_deletes_nothing():
    at, (_, second) = released("one", "two")
    unused = build(at, "unused")
    at.stock.pushed[second.digest] = at.clock.now().replace(year=2025)
    said = run(at, "prune")
    assert f"goes  {str(unused.digest)[:19]} (in-unused)" in said
    assert "no environment needs it" in said
    assert "stands there still" in said
    assert "registry prune model.yaml --apply" in said
    assert at.stock.deleted == []
    assert (at.reporter.outputs["images"], int(at.reporter.outputs["bytes"]) > 0) == ("1", True)


def test_pruning_deletes_the_image_with_its_evidence_by_the_role_that_may_and_twice_nothing():
    at, images = released("one", "two")
    unused = build(at, "unused")
    at.stock.pushed = {image.digest: at.clock.now().replace(year=2025) for image in images}
    run(at, "prune", "--apply")
    assert at.stock.role == "modelway-prune"
    assert unused.digest not in at.registry.manifests
    assert not any(subject == unused.digest for subject, *_ in at.registry.documents)
    gone = list(at.stock.deleted)
    run(at, "prune", "--apply")
    assert at.stock.deleted == gone


def test_a_rollback_after_pruning_finds_its_image_and_its_evidence():
    at, (first, second) = released("one", "two")
    build(at, "unused")
    run(at, "prune", "--apply")
    parser = argparse.ArgumentParser()
    rollback.arguments(parser)
    rollback.run(parser.parse_args(["model.yaml", "-e", "production"]), at.world)
    serving = at.targets["production"].traffic
    assert serving == {at.delivery("production").version(first).id: 100}
    assert at.delivery("production").gate(first).reasons
    assert second.digest in at.registry.manifests, "staging runs it"


def back(at: Stage, *more: str) -> None:
    """Roll production back."""
    parser = argparse.ArgumentParser()
    rollback.arguments(parser)
    rollback.run(parser.parse_args(["model.yaml", "-e", "production", *more]), at.world)


def test_a_rollback_to_an_image_that_somebody_deleted_changes_nothing():
    """What serves was withdrawn first, and the platform then did not find the image."""
    at, (first, second) = released("one", "two")
    target, lost = at.targets["production"], at.delivery("production").version(first).id
    serving = at.delivery("production").version(second).id
    del at.registry.manifests[first.digest]
    with pytest.raises(NotAllowed, match=f"the image of version {lost} is not in") as caught:
        back(at)
    assert "--to ID" in caught.value.cure
    assert target.traffic == {serving: 100}
    assert not target.records[serving].withdrawn
    back(at, "--to", lost)
    assert target.traffic == {lost: 100}, "whoever names it may know better"
    assert any("no instance can pull it" in one for one in at.reporter.warnings)


def test_a_rollback_waits_for_no_registry_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    at, (first, _) = released("one", "two")

    def silent(_: object) -> None:
        raise Unavailable("AWS failed to read images of ml/iris")

    with monkeypatch.context() as patched:
        patched.setattr(at.registry, "manifest", silent)
        back(at)
    assert at.targets["production"].traffic == {at.delivery("production").version(first).id: 100}
    assert any("could not be looked at" in one for one in at.reporter.warnings)


def test_what_becomes_needed_between_plan_and_deletion_is_not_deleted():
    at, _ = released("one", "two")
    unused = build(at, "unused")
    looks = iter([frozenset[str](), frozenset({str(unused.digest)})])
    target = at.targets["production"]
    target.images = lambda: next(looks)  # type: ignore[method-assign]  # somebody runs it by hand meanwhile
    said = run(at, "prune", "--apply")
    assert at.stock.deleted == []
    assert "needed by now" in said


def test_where_an_environment_cannot_be_looked_at_nothing_is_deleted(monkeypatch):
    at, _ = released("one", "two")
    build(at, "unused")

    def unreachable(_: object) -> None:
        raise Unavailable("no credentials for production")

    monkeypatch.setattr(at.targets["production"], "observe", unreachable)
    with pytest.raises(Unavailable):
        run(at, "prune", "--apply")
    assert at.stock.deleted == []


def test_another_models_images_in_the_same_repository_are_left_alone():
    at, _ = released("one", "two")
    other, unknown = build(at, "theirs", model="other"), at.push("unknown")
    said = run(at, "prune", "--apply")
    assert {other.digest, unknown.digest} <= {*at.registry.manifests}
    assert f"it is not known to be of {at.config.name}" in said


def test_a_model_of_the_same_name_in_another_repository_keeps_its_images():
    """It is nobody's here: its endpoints are not looked at, so its images would have gone."""
    at, _ = released("one", "two")
    run_here = at.world.run
    there = replace(at.world, run=replace(run_here, source="https://github.com/acme/theirs"))
    theirs = at.push("theirs")
    word = evidence.provenance(there, at.config, "theirs", (), ())
    evidence.vouch(there, at.config, theirs.digest, word, at.registry)
    here = replace(at.world, run=replace(run_here, source="https://github.com/acme/models"))
    (ruling,) = (
        one
        for one in registry_guard.rulings(here, at.config, registry_guard.uses(here, [at.config]))
        if theirs.digest in one.group.digests
    )
    assert ruling.why == f"it is not known to be of {at.config.name}"


@dataclass
class ByPath(OneConfig):
    """Reads one config here, and another one elsewhere."""

    others: Mapping[Path, ModelConfig]

    def load(self, path: Path, /) -> ModelConfig:
        """By its path."""
        return self.others.get(path, self.config)


def test_a_model_of_the_same_name_elsewhere_is_looked_at_too():
    """It was taken for the config at hand, and nobody looked where it runs."""
    at, (first, _) = released("one", "two", keep=1)
    at.stock.pushed[first.digest] = at.clock.now().replace(year=2024)
    theirs = replace(at.config.environments["staging"], account="999999999999")
    at.targets["staging-eu"] = at.targets["staging"]
    at.targets["staging"] = AnsweringTarget(clock=at.clock)
    at.targets["production"] = AnsweringTarget(clock=at.clock)
    elsewhere = replace(at.config, environments={"staging-eu": replace(theirs, name="staging-eu")})
    configs = ByPath(at.config, {Path("theirs.yaml"): elsewhere})
    looking = replace(at.world, configs=configs)
    found = registry_guard.sharing(looking, at.config, ["theirs.yaml", "model.yaml"])
    assert len(found) == 2, "each once"
    needed = registry_guard.uses(looking, found)
    assert first.digest in {digest for use in needed for digest in use.images}


def test_the_newest_releases_stay_and_json_says_the_same():
    at, _ = released("one", keep=3)
    build(at, "unused")
    run(at, "prune", "--format", "json")
    told = json.loads(at.reporter.printed[-1])["images"]
    assert {one["why"] for one in told if not one["goes"]} >= {"of the newest 3 releases"}
    assert not any(one["deleted"] for one in told)


def test_a_policy_that_takes_what_runs_is_refused_with_rule_image_and_who_runs_it(tmp_path: Path):
    at, (image,) = released("one")
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(TAKES_ALL))
    with pytest.raises(Differs) as caught:
        run(at, "check", "--lifecycle", str(file))
    said = str(caught.value)
    assert "rule 4 (tidy)" in said
    assert str(image.digest) in said
    assert f"{at.config.name} in production" in said
    assert at.reporter.outputs["endangered"] == "true"


def test_the_policy_the_repository_has_is_checked_and_modelways_own_takes_nothing():
    at, _ = released("one", "two")
    for name in ("three", "four", "five"):
        build(at, name)
    at.registry.lifecycle = ecr.lifecycle(1)
    assert "takes none of" in run(at, "check")
    at.registry.lifecycle = TAKES_ALL
    with pytest.raises(Differs):
        run(at, "check")


def test_what_is_needed_and_is_not_there_any_more_is_warned_of():
    """It counted as an image in use that the policy does not take."""
    at, (first, second) = released("one", "two")
    at.targets["production"].others = frozenset({f"sha256:{'e' * 64}"})  # a sidecar's, from elsewhere
    run(at, "check")
    assert at.reporter.warnings == []
    del at.registry.manifests[second.digest]
    run(at, "check")
    (warning,) = at.reporter.warnings
    assert warning.startswith(
        f"{second.digest} is needed and is not in {at.config.registry.repository}: iris"
    )
    assert "serves" in warning
    assert str(first.digest) not in warning


def test_what_is_needed_and_has_no_tag_of_its_own_is_warned_of():
    at, (image,) = released("one")
    at.registry.named = {"in-one": image.digest}
    run(at, "check")
    assert any(str(image.digest) in warning for warning in at.reporter.warnings)


@pytest.mark.parametrize("text", ["nothing", "[]", "{}", '{"rules": []}', '{"rules": [{"rulePriority": 1}]}'])
def test_a_file_that_holds_no_policy_is_malformed(tmp_path: Path, text: str):
    at, _ = released("one")
    file = tmp_path / "policy.json"
    file.write_text(text)
    with pytest.raises(Malformed):
        run(at, "check", "--lifecycle", str(file))


@pytest.mark.parametrize(
    "argv", [("check", "--lifecycle", "/nowhere/at/all.json"), ("prune", "--older-than", "soon")]
)
def test_what_cannot_be_meant_is_told_before_anybody_is_asked(argv: tuple[str, ...]):
    at, _ = released("one")
    at.targets.clear()
    with pytest.raises(Malformed) as caught:
        run(at, *argv)
    assert argv[-1] in caught.value.what


# --- model artifacts ---


@pytest.fixture(autouse=True)
def weights_are_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the weights is not what is asked here: ``tests/test_gate.py`` does."""
    monkeypatch.setattr(artifact_scan, "beside", lambda _world, _config, reports, **_: tuple(reports))


def with_weights() -> tuple[Stage, Copy, Copy]:
    """A version with weights in both environments, and older ones nobody needs."""
    config = model_config()
    at = Stage(config=replace(config, registry=replace(config.registry, keep_releases=1)))
    assert config.artifact
    deploy(at, build(at, "one"), "staging")
    old, bucket = at.clock.now().replace(year=2025), bucket_name(config.environments["staging"])

    def copy(sha: str, version: str) -> Copy:
        return Copy(
            bucket=bucket, key=f"{config.name}/{sha}/model.tar.gz", version=version, size=5, modified=old
        )

    at.shelf.there += [copy(config.artifact.sha256.hex, "v1"), copy("0" * 64, "v2")]
    return at, at.shelf.there[0], at.shelf.there[1]


def test_weights_that_no_version_names_go_and_the_others_stay():
    at, needed, unused = with_weights()
    said = run(at, "prune")
    assert f"goes  {unused}" in said
    assert f"stays {needed}" in said
    assert at.shelf.there == [needed, unused]
    run(at, "prune", "--apply")
    assert at.shelf.there == [needed]
    assert at.shelf.deleters == ["modelway-prune"]
    assert at.reporter.outputs["artifacts"] == "1"


@pytest.mark.parametrize("marker", [False, True])
def test_weights_that_are_needed_and_cannot_be_loaded_any_more_are_warned_of(marker: bool):  # noqa: FBT001 - a row of data
    """Deleted for good, or hidden by a marker, as whoever deletes in a bucket with versions leaves it."""
    at, needed, _ = with_weights()
    run(at, "check")
    assert not any("weights" in one for one in at.reporter.warnings)
    at.shelf.there[0:1] = [replace(needed, latest=False)] if marker else []
    run(at, "check")
    (warning,) = (one for one in at.reporter.warnings if "weights" in one)
    assert warning.startswith(
        f"{needed} is not there, the weights of what is needed: {at.config.name} in staging"
    )


def test_weights_modelway_did_not_write_are_left_with_a_warning():
    at, _, unused = with_weights()
    at.shelf.foreign = frozenset({unused.version})
    run(at, "prune", "--apply")
    assert unused in at.shelf.there
    assert any("not written by modelway" in warning for warning in at.reporter.warnings)


def test_a_rule_of_the_bucket_that_takes_needed_weights_is_refused():
    at, needed, _ = with_weights()
    at.shelf.rules = (Expiry(name="tidy", prefix=f"{at.config.name}/"),)
    with pytest.raises(Differs, match="model artifacts") as caught:
        run(at, "check")
    assert f"rule tidy would delete {needed}" in str(caught.value)
    at.shelf.rules = (Expiry(name="tidy", prefix="logs/"),)
    run(at, "check")


def test_weights_of_the_way_back_are_guarded_although_the_config_names_none_any_more():
    """They were forgotten as soon as the config was: the next rollback found nothing to load."""
    at, needed, unused = with_weights()
    at.config = replace(at.config, artifact=None)
    at.shelf.rules = (Expiry(name="tidy", prefix=f"{at.config.name}/"),)
    with pytest.raises(Differs, match="would take model artifacts that are needed") as caught:
        run(at, "check")
    assert str(needed) in caught.value.seen
    assert f"goes  {unused}" in run(at, "prune")


# --- push: a lifecycle policy of our own ---


def set_up(at: Stage) -> None:
    """Set the repository up, as every push does first."""
    registry_guard.set_up(at.world, at.config, at.registry)


def test_models_that_share_a_repository_set_it_up_alike(monkeypatch: pytest.MonkeyPatch):
    """Each push took back what the other's had set: how many releases stay, and who may pull."""
    at = stage(keep_releases=5)
    places = {name: replace(place, account="999999999999") for name, place in at.config.environments.items()}
    more = replace(at.config.registry, keep_releases=30)
    other = replace(at.config, name="another", owner="others", registry=more, environments=places)
    ensured = []
    for mine in (at.config, other):
        at.config = mine
        monkeypatch.setattr(registry_guard, "sharing", lambda *_, mine=mine: (mine, other, stage(5).config))
        set_up(at)
        ensured.append((at.registry.ensured, at.registry.lifecycle))
    assert ensured[0] == ensured[1]
    assert ensured[0][1] == ecr.lifecycle(30)
    assert ensured[0][0]
    assert ensured[0][0][1] == ("111111111111", "222222222222", "999999999999")


def looked_at(at: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environments that are looked at from now on."""
    seen: list[str] = []
    for name, target in at.targets.items():

        def observe(version: object, name: str = name, look: Callable[..., State] = target.observe) -> State:
            seen.append(name)
            return look(version)

        monkeypatch.setattr(target, "observe", observe)
    return seen


def test_a_lifecycle_policy_that_is_there_already_costs_no_look(monkeypatch):
    at, _ = released("one", "two")
    at.registry.lifecycle = ecr.lifecycle(1)
    monkeypatch.setattr(at.stock, "stored", None)
    monkeypatch.setattr(at.stock, "preview", None)
    seen = looked_at(at, monkeypatch)
    set_up(at)
    assert seen == []


def test_a_lifecycle_policy_that_takes_nothing_is_set_without_a_look_at_the_environments(monkeypatch):
    at, _ = released("one", "two")
    seen = looked_at(at, monkeypatch)
    set_up(at)
    assert (seen, at.registry.lifecycle) == ([], ecr.lifecycle(1))


def test_a_lifecycle_policy_that_takes_what_nobody_needs_is_set():
    at, _ = released("one", "two")
    for name in ("three", "four"):
        build(at, name)
    set_up(at)
    assert at.registry.lifecycle == ecr.lifecycle(1)
    assert at.stock.role == "modelway-push"


def test_a_lifecycle_policy_that_would_take_what_runs_is_refused_and_nothing_is_changed():
    """Somebody took the tags away that keep an image, or it is in use without modelway."""
    at, (_, second) = released("one", "two")
    at.registry.named = {t: d for t, d in at.registry.named.items() if not t.startswith(ecr.POINTER)}
    build(at, "three")
    with pytest.raises(Differs) as refused:
        set_up(at)
    assert refused.value.exit_code == 5
    assert "keeps 1 releases would delete what is needed of ml/iris" in refused.value.what
    assert str(second.digest) in refused.value.seen
    assert "iris-classifier in production: version" in refused.value.seen
    assert "rule 2 (the newest 1 releases stay)" in refused.value.seen
    assert "Nothing was changed" in refused.value.cure
    assert (at.registry.lifecycle, at.stock.deleted) == (None, [])


def test_what_an_environment_of_no_config_here_keeps_is_needed(monkeypatch):
    """Its tag says so; ECR spares it, unless the tags are too many even for the rule that keeps them."""
    at, _ = released("one", "two")
    monkeypatch.setattr(ecr, "_FOREVER", 1)
    seen = looked_at(at, monkeypatch)
    with pytest.raises(Differs, match="would delete what is needed") as refused:
        set_up(at)
    assert "the tag env-" in refused.value.seen
    assert seen == []


def test_where_nobody_may_look_the_lifecycle_policy_stays_as_it_is_and_the_push_goes_on(monkeypatch):
    at, _ = released("one", "two")
    build(at, "three")
    build(at, "four")

    def forbidden(_: object) -> None:
        raise Unavailable("the role may not look at production")

    monkeypatch.setattr(at.targets["production"], "observe", forbidden)
    set_up(at)
    assert at.registry.lifecycle is None
    assert "the lifecycle policy was not set: it would delete" in at.reporter.text
    assert "the role may not look at production" in at.reporter.text
    assert "Push once as somebody who may look there" in at.reporter.text
