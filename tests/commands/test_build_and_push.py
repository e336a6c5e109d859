"""``build`` makes an image once, ``push`` lets only what passed its scan into the registry."""

from __future__ import annotations

import argparse
import json
import pickle
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO, cast

import pytest

from modelway import evidence
from modelway.commands import build, push
from modelway.commands.build import build_image, local_image, pushed_image
from modelway.core.artifact_report import covered
from modelway.core.config import BuildSecret, Byoc, Extended, ModelConfig, Prebuilt
from modelway.core.evidence import PROVENANCE, provenance_of
from modelway.core.findings import Finding
from modelway.core.image import Digest, Image
from modelway.core.json import canonical
from modelway.core.manifest import digest_of
from modelway.core.report import Database, Report
from modelway.core.scan_spec import ScanSpec
from modelway.core.version import Artifact
from modelway.errors import Differs, Malformed, NotAllowed, NotEvaluated, Unavailable
from modelway.papers import REPORT_TYPE
from modelway.ports import Advisories, Run, World
from modelway.scan_gate import reports_of
from modelway.scanners.builtin.weights import Weights
from modelway.scanning import examine
from tests.configs import model_config
from tests.fake_images import FakeArtifactStore, FakeBuilder, FakeRegistry, Images, manifest_over
from tests.fake_stock import FakeStock
from tests.fake_world import OneConfig
from tests.fakes import FakeClock, FakeKeys, FakeReporter
from tests.reports import NOW, finding, package, report
from tests.scanners.models import tarred

BASE = "python:3.12-slim"
PINNED = Digest("sha256:" + "5" * 64)
THEIRS = manifest_over(b"theirs")
SOURCE = Image("registry.example/vendor/iris", THEIRS.digest)
REPOSITORY_FILES = {
    "app/Dockerfile": f"FROM {BASE}\nCOPY . /opt/program\n",
    "app/serve": "#!/bin/sh\n",
    "app/.dockerignore": "notes\n",
    "app/notes": "not copied",
    "requirements.txt": "flask==3.1\n",
    "unrelated": "x",
}


@dataclass
class OneFingerprint:
    """A scanner that reports the same findings of every archive."""

    findings: tuple[Finding, ...] = ()

    def fingerprint(self) -> str:
        return "builtin-1 abc"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            name = next(iter(tar)).name
        subject = Digest.parse("sha256:" + name.removesuffix(".json"))
        return replace(report(*self.findings), subject=subject, platform=platform, packages=(package(),))


HONEST = tarred({"model.pkl": pickle.dumps([1.0])})
WEIGHTS = Artifact(uri="s3://acme/iris/model.tar.gz", sha256=digest_of(HONEST))


@dataclass
class NoIndex:
    """Advisories nobody reads."""

    path: Path = Path("none")

    def about(self) -> Database:
        """There is none."""
        raise NotEvaluated("there are no advisories on this machine")


@dataclass
class Shop:
    """A repository folder, an engine and a registry."""

    root: Path
    config: ModelConfig
    images: Images = field(default_factory=Images)
    reporter: FakeReporter = field(default_factory=FakeReporter)
    scanner: OneFingerprint = field(default_factory=OneFingerprint)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    keys: FakeKeys = field(default_factory=FakeKeys)

    def __post_init__(self) -> None:
        self.builder = FakeBuilder(self.images, bases={BASE: PINNED})
        self.registry = FakeRegistry(
            self.images, elsewhere={str(SOURCE): THEIRS}, blobs={digest_of(b"theirs"): b"theirs"}
        )

    @property
    def world(self) -> World:
        """The ports."""

        def absent(*_: object) -> object:
            raise AssertionError("nobody needs this port here")

        closed = ("containers", "target", "history", "permissions")
        return World(
            reporter=self.reporter,
            clock=self.clock,
            run=Run(root=self.root, workspace=self.root / ".modelway", revision="c" * 40),
            configs=OneConfig(self.config),
            builder=lambda: self.builder,
            artifacts=lambda *_: FakeArtifactStore({WEIGHTS.uri: HONEST}),
            weights=Weights,
            registry=lambda _: self.registry,
            scanner=lambda _name, _config, _index: self.scanner,
            advisories=lambda _: cast("Advisories", NoIndex()),
            keys=lambda _: self.keys,
            stock=FakeStock(self.registry, self.clock).opened,
            **dict.fromkeys(closed, absent),  # type: ignore[arg-type]  # never called
        )

    def run(self, command: ModuleType, *options: str) -> None:
        """Run a command as the command line would."""
        parser = argparse.ArgumentParser()
        command.arguments(parser)
        command.run(parser.parse_args(["model.yaml", *options]), self.world)

    def image(self, **changes: object) -> None:
        """Another image in the config."""
        self.config = replace(self.config, image=replace(self.config.image, **changes))  # type: ignore[arg-type]

    def release(self) -> Image:
        """Build, scan and push."""
        built = build_image(self.world, self.config)
        if not built.image:
            examine(self.world, self.config, built.local_tag)
        return push.push_image(self.world, self.config, built)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop with one byoc model."""
    for name, text in REPOSITORY_FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    image = Byoc(context="app", dockerfile="app/Dockerfile")
    return Shop(tmp_path, model_config(image=image, artifact=WEIGHTS))


# --- build ---


def test_the_same_inputs_are_built_once(shop: Shop) -> None:
    first = build_image(shop.world, shop.config)
    second = build_image(shop.world, shop.config)
    assert first.reused is None
    assert second.reused
    assert len(shop.builder.built) == 1


@pytest.mark.parametrize(
    ("file", "text", "builds"),
    [
        ("app/serve", "#!/bin/sh\necho\n", 2),
        ("app/Dockerfile", f"FROM {BASE}\n", 2),
        ("app/notes", "ignored by .dockerignore", 1),
        ("unrelated", "outside the context", 1),
    ],
)
def test_what_the_image_is_made_of_decides(shop: Shop, file: str, text: str, builds: int) -> None:
    build_image(shop.world, shop.config)
    (shop.root / file).write_text(text)
    build_image(shop.world, shop.config)
    assert len(shop.builder.built) == builds


def test_a_base_that_moved_is_built_upon_anew(shop: Shop) -> None:
    build_image(shop.world, shop.config)
    shop.builder.bases[BASE] = Digest("sha256:" + "6" * 64)
    build_image(shop.world, shop.config)
    assert len(shop.builder.built) == 2


def test_time_and_commit_decide_nothing(shop: Shop) -> None:
    build_image(shop.world, shop.config)
    shop.clock.sleep(86400)
    build_image(shop.world, shop.config)
    assert len(shop.builder.built) == 1


def test_a_movable_base_is_warned_of_at_its_line_and_its_digest_is_recorded(shop: Shop) -> None:
    build_image(shop.world, shop.config)
    [warning] = shop.reporter.warnings
    assert BASE in warning
    assert str(PINNED) in warning
    assert ("app/Dockerfile", 1, 0) in shop.reporter.places
    labels = shop.builder.built[0].labels
    assert labels["org.opencontainers.image.base.digest"] == str(PINNED)
    assert labels["org.opencontainers.image.revision"] == "c" * 40
    assert labels["org.opencontainers.image.created"] == "2026-06-15T12:00:00Z"


def test_a_pinned_base_is_not_warned_of(shop: Shop) -> None:
    (shop.root / "app/Dockerfile").write_text(f"FROM {BASE}@{PINNED}\n")
    build_image(shop.world, shop.config)
    assert shop.reporter.warnings == []


def test_a_dockerignore_beside_the_dockerfile_comes_first(shop: Shop) -> None:
    (shop.root / "app/Dockerfile.dockerignore").write_text("serve\n")
    build_image(shop.world, shop.config)
    assert shop.builder.built[0].ignore == "serve\n"


def test_secrets_are_handed_on_and_their_values_decide_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = BuildSecret(id="token", env="TOKEN")
    shop.image(secrets=(secret,))
    build_image(shop.world, shop.config)
    monkeypatch.setenv("TOKEN", "rotated")
    build_image(shop.world, shop.config)
    assert [request.secrets for request in shop.builder.built] == [(secret,)]


def test_a_failed_build_is_not_taken_for_one(shop: Shop) -> None:
    shop.builder.failure = Malformed("the build failed in [2/2] RUN false")
    with pytest.raises(Malformed):
        build_image(shop.world, shop.config)
    shop.builder.failure = None
    assert build_image(shop.world, shop.config).reused is None


def test_what_was_pushed_and_scanned_is_not_built_on_another_machine(shop: Shop) -> None:
    released = shop.release()
    shop.images.configs.clear()
    built = build_image(shop.world, shop.config)
    assert built.image == released == pushed_image(shop.world, shop.config)
    assert shop.images.configs == {}


def test_what_was_pushed_and_never_scanned_is_brought_here_to_be_scanned(shop: Shop) -> None:
    shop.release()
    shop.registry.documents.clear()
    shop.images.configs.clear()
    built = build_image(shop.world, shop.config)
    assert built.image is None
    assert built.local_tag in shop.images.configs
    assert pushed_image(shop.world, shop.config) is None


def test_a_registry_out_of_reach_is_said_and_the_image_built(shop: Shop) -> None:
    shop.registry.unreachable = True
    assert build_image(shop.world, shop.config).reused is None
    assert any("could not be asked" in warning for warning in shop.reporter.warnings)


def test_offline_asks_no_registry(shop: Shop) -> None:
    shop.registry.unreachable = True
    shop.run(build, "--offline")
    assert not any("could not be asked" in warning for warning in shop.reporter.warnings)


@pytest.mark.parametrize("missing", ["app/Dockerfile", "requirements.txt"])
def test_a_file_that_is_not_there_is_malformed_input(shop: Shop, missing: str) -> None:
    if missing == "requirements.txt":
        shop.config = replace(shop.config, image=Extended(base=BASE, requirements=missing))
    (shop.root / missing).unlink()
    with pytest.raises(Malformed, match=missing):
        build_image(shop.world, shop.config)


def test_show_prints_the_dockerfile_and_builds_nothing(shop: Shop) -> None:
    shop.config = replace(
        shop.config, image=Extended(base=BASE, requirements="requirements.txt", source="app")
    )
    shop.run(build, "--show")
    assert f"FROM {BASE}" in shop.reporter.printed[0]
    assert shop.builder.built == []


def test_an_extended_image_is_built_from_its_requirements_and_source_only(shop: Shop) -> None:
    shop.config = replace(
        shop.config, image=Extended(base=BASE, requirements="requirements.txt", source="app")
    )
    build_image(shop.world, shop.config)
    (shop.root / "unrelated").write_text("y")
    build_image(shop.world, shop.config)
    (shop.root / "requirements.txt").write_text("flask==3.2\n")
    build_image(shop.world, shop.config)
    assert len(shop.builder.built) == 2


def test_json_says_what_was_found(shop: Shop) -> None:
    shop.run(build, "--format", "json")
    told = json.loads(shop.reporter.printed[0])
    assert told["local_image"] == shop.reporter.outputs["local_image"] == shop.builder.built[0].tag
    assert told["reused"] == ""


def test_scan_finds_what_build_made_or_says_that_it_did_not(shop: Shop) -> None:
    with pytest.raises(Unavailable, match="was not built yet"):
        local_image(shop.world, shop.config)
    built = build_image(shop.world, shop.config)
    assert local_image(shop.world, shop.config) == built.local_tag


# --- push ---


def test_nothing_is_pushed_without_a_report(shop: Shop) -> None:
    built = build_image(shop.world, shop.config)
    with pytest.raises(NotAllowed, match="there is no report of it"):
        push.push_image(shop.world, shop.config, built)
    assert shop.registry.writes == []


def test_nothing_is_pushed_that_did_not_pass(shop: Shop) -> None:
    shop.scanner.findings = (finding(severity="critical"),)
    with pytest.raises(NotAllowed, match="did not pass"):
        shop.release()
    assert shop.registry.writes == []


def test_a_report_of_another_image_does_not_count(shop: Shop) -> None:
    shop.release()
    (shop.root / "app/serve").write_text("changed")
    built = build_image(shop.world, shop.config)
    with pytest.raises(NotAllowed, match="there is no report of it"):
        push.push_image(shop.world, shop.config, built)


def test_what_is_pushed_is_what_was_scanned_and_has_its_report(shop: Shop) -> None:
    image = shop.release()
    [document] = shop.registry.attached(image.digest, REPORT_TYPE)
    told = json.loads(document)
    manifest = shop.registry.manifest(image.digest)
    assert manifest
    assert told["reports"][0]["subject"] == str(manifest.config)


def test_the_build_vouches_for_the_report_of_what_it_pushed(shop: Shop) -> None:
    shop.keys = FakeKeys(authors=frozenset({"build"}))
    image = shop.release()
    attached = shop.registry.attached(image.digest, *evidence.TYPES)
    every = evidence.witnessed(shop.keys, image.digest, attached)
    assert {one.signers for one in every} == {frozenset({"build"})}
    said = {one.statement.predicate_type: one.statement.predicate for one in every}
    provenance = provenance_of(said[PROVENANCE])
    [report] = shop.registry.attached(image.digest, REPORT_TYPE)
    sbom = said["https://cyclonedx.org/bom"]
    assert {one.name: one.digest for one in provenance.documents} == {
        "report": digest_of(report),
        "sbom": digest_of(canonical(sbom).encode()),
    }
    assert sbom["components"]
    assert provenance.bases == ((BASE, str(PINNED)),)
    assert provenance.source.commit == "c" * 40


def test_the_report_that_is_attached_is_about_the_weights_too(shop: Shop) -> None:
    shop.release()
    [body] = [body for _, kind, _, body in shop.registry.documents if kind == REPORT_TYPE]
    assert covered(reports_of(body), WEIGHTS)


def test_the_environments_may_pull(shop: Shop) -> None:
    shop.release()
    assert shop.registry.ensured == (shop.config.registry, ("111111111111", "222222222222"))


def test_a_second_release_writes_nothing(shop: Shop) -> None:
    first = shop.release()
    shop.registry.writes.clear()
    assert shop.release() == first
    assert shop.registry.writes == []


def test_an_interrupted_push_is_finished(shop: Shop) -> None:
    """The image arrived, its report did not."""
    image = shop.release()
    shop.registry.documents.clear()
    assert shop.release() == image
    assert shop.registry.attached(image.digest, REPORT_TYPE)


def test_another_build_of_the_same_inputs_is_not_taken_for_the_scanned_one(shop: Shop) -> None:
    built = build_image(shop.world, shop.config)
    examine(shop.world, shop.config, built.local_tag)
    other = manifest_over(b"another build")
    shop.registry.manifests[other.digest] = other
    shop.registry.named[built.registry_tag] = other.digest
    with pytest.raises(Differs, match="is not the image that was scanned"):
        push.push_image(shop.world, shop.config, built)
    assert shop.registry.attached(other.digest, REPORT_TYPE) == ()


def test_a_newer_report_is_attached_to_an_image_that_is_there(shop: Shop) -> None:
    image = shop.release()
    local = local_image(shop.world, shop.config)
    shop.scanner.findings = (finding(severity="low"),)
    for path in (shop.root / ".modelway/reports").glob("**/*"):
        if path.is_file():
            path.unlink()
    examine(shop.world, shop.config, local)
    shop.clock.sleep(60)
    shop.release()
    newest, _ = shop.registry.attached(image.digest, REPORT_TYPE)
    assert b"CVE-2023-30861" in newest


@pytest.mark.parametrize("scanned_here", [True, False])
def test_models_that_share_an_image_have_the_build_s_word_each_and_say_it_once(
    shop: Shop,
    scanned_here: bool,  # noqa: FBT001 - a row of data
) -> None:
    shop.config = replace(shop.config, image=Prebuilt(source=SOURCE))
    image = shop.release()
    shop.config = replace(shop.config, name="churn", path="model-configs/churn.yaml")
    if not scanned_here:
        shop.root = shop.root / "another machine"
    for _ in range(2):
        shop.release()
    attached = evidence.witnessed(
        shop.keys, image.digest, shop.registry.attached(image.digest, *evidence.TYPES)
    )
    said = [
        provenance_of(one.statement.predicate)
        for one in attached
        if one.statement.predicate_type == PROVENANCE
    ]
    assert sorted(one.model for one in said) == ["churn", "iris-classifier"]
    assert [{document.name for document in one.documents} for one in said] == [{"report", "sbom"}] * 2


def test_a_prebuilt_image_is_scanned_and_copied_as_it_is(shop: Shop) -> None:
    shop.config = replace(shop.config, image=Prebuilt(source=SOURCE))
    assert shop.release().digest == SOURCE.digest
    assert shop.builder.built == []


def test_push_names_the_image_and_its_parts(shop: Shop) -> None:
    image = shop.release()
    shop.run(push, "--format", "json")
    wanted = {
        "image": str(image),
        "repository": image.repository,
        "digest": str(image.digest),
        "region": "eu-west-1",
    }
    assert json.loads(shop.reporter.printed[-1]) == wanted
    assert shop.reporter.outputs == wanted


def test_push_builds_nothing(shop: Shop) -> None:
    with pytest.raises(Unavailable, match="was not built on this machine"):
        shop.run(push)


def test_the_policy_is_the_configs(shop: Shop) -> None:
    shop.scanner.findings = (finding(severity="critical"),)
    shop.config = replace(shop.config, scan=ScanSpec(fail_on="off", said=frozenset({"fail_on"})))
    assert pushed_image(shop.world, shop.config) is None
    assert shop.release() == pushed_image(shop.world, shop.config)
