"""What every ``ports.Registry`` does: the fake of the tests, and ECR in the rehearsal."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelway.adapters import engine
from modelway.adapters.aws import Accounts
from modelway.adapters.buildkit import BuildKit
from modelway.adapters.clock import RealClock
from modelway.adapters.ecr import Ecr
from modelway.core.config import RegistrySpec
from modelway.core.ecr import lifecycle
from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST, Image
from modelway.core.json import JsonObject
from modelway.core.manifest import digest_of
from modelway.core.statement import BUNDLE_TYPE
from modelway.core.suitable import built_for
from modelway.errors import Differs, Unavailable
from modelway.ports import Builder, BuildRequest, Registry
from modelway.rehearsal.launch import Cloud
from modelway.scanners.builtin.archive import read_archive
from tests.fake_images import FakeBuilder, FakeRegistry
from tests.fakes import FakeReporter
from tests.rehearsal.clients import PRODUCTION, REGION, REGISTRY, STAGING, Clients
from tests.rehearsal.images import Pusher, image, referrer
from tests.rehearsal.logins import login

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
SBOM = "application/vnd.cyclonedx+json"
TYPE = "application/vnd.modelway.report.v1+json"
_numbers = itertools.count(1)


@dataclass
class Setting:
    """A registry, the builder whose images it pushes, and the repository's specification."""

    registry: Registry
    builder: Builder
    spec: RegistrySpec
    folder: Path

    asked: list[JsonObject] = field(default_factory=list)
    """Lifecycle policies that were about to be set where something was before."""

    def ensure(self, why: str = "", keep: int = 20) -> tuple[str, ...]:
        """Set the repository up for two environments; a new lifecycle policy waits if there is a why."""

        def waits(policy: JsonObject) -> str:
            self.asked.append(policy)
            return why

        spec = replace(self.spec, keep_releases=keep)
        return self.registry.ensure(spec, [STAGING, PRODUCTION], "ml-platform", "iris", waits=waits)

    def build(self, content: str) -> str:
        """A local image of one file."""
        (self.folder / "file").write_text(content)
        tag = f"modelway/test-registry:in-{digest_of(content).hex[:12]}"
        text = f"FROM scratch\nLABEL content={content}\nCOPY file /file\n"
        request = BuildRequest(
            context=self.folder,
            dockerfile=text,
            platform="linux/amd64",
            tag=tag,
            labels={"content": content},
        )
        self.builder.build(request)
        return tag


def real(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, folder: Path, spec: RegistrySpec) -> Setting:
    """ECR in the rehearsal, as modelway reaches it."""
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    reporter, clock = FakeReporter(), RealClock()
    return Setting(Ecr(Accounts(), spec, reporter, clock), BuildKit(reporter, clock, folder), spec, folder)


@pytest.fixture(
    params=["fake", pytest.param("ecr", marks=[pytest.mark.docker, pytest.mark.rehearsal])],
)
def setting(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Setting]:
    """A repository nobody used before."""
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository=f"ml/port-{next(_numbers)}")
    if request.param == "fake":
        builder = FakeBuilder()
        yield Setting(FakeRegistry(builder.images), builder, spec, tmp_path)
        return
    yield real(request.getfixturevalue("cloud"), monkeypatch, tmp_path, spec)
    for found in engine.client().images.list("modelway/test-registry"):
        engine.client().images.remove(str(found.id), force=True)


def test_before_anything_was_pushed_there_is_nothing(setting: Setting) -> None:
    assert setting.registry.find("in-1") is None
    assert setting.registry.manifest(digest_of("x")) is None


def test_a_second_setup_has_nothing_to_change(setting: Setting) -> None:
    assert setting.ensure()
    assert setting.ensure() == ()


def test_a_push_is_docker_v2s2_under_its_digest_and_names_the_scanned_config(
    setting: Setting,
) -> None:
    setting.ensure()
    tag = setting.build("a")
    pushed = setting.registry.push(tag, "in-1")
    assert pushed.media_type == DOCKER_MANIFEST
    assert pushed.digest == digest_of(pushed.body)
    assert pushed.config == setting.builder.config_digest(tag)
    assert setting.registry.find("in-1") == setting.registry.manifest(pushed.digest) == pushed
    assert setting.registry.manifests_of([digest_of("x"), pushed.digest]) == {pushed.digest: pushed}
    assert setting.registry.manifests_of([]) == {}
    assert "in-1" in setting.registry.tags(pushed.digest)


def test_what_an_image_was_built_for_is_read_from_its_own_config(setting: Setting) -> None:
    setting.ensure()
    pushed = setting.registry.push(setting.build("built"), "in-built")
    told = setting.registry.built(pushed)
    assert digest_of(told) == pushed.config
    assert built_for(told) == "linux/amd64"


def test_pushing_twice_is_pushing_once(setting: Setting) -> None:
    setting.ensure()
    tag = setting.build("a")
    assert setting.registry.push(tag, "in-1") == setting.registry.push(tag, "in-1")


def test_a_release_tag_never_moves(setting: Setting) -> None:
    setting.ensure()
    first = setting.registry.push(setting.build("a"), "in-1")
    with pytest.raises(Differs, match="in-1 already names another image"):
        setting.registry.push(setting.build("b"), "in-1")
    assert setting.registry.find("in-1") == first


def test_an_image_that_is_not_here_cannot_be_pushed(setting: Setting) -> None:
    setting.ensure()
    with pytest.raises(Unavailable, match="no local image"):
        setting.registry.push("modelway/nobody:in-1", "in-1")


def test_an_environments_tag_moves_and_takes_no_other_along(setting: Setting) -> None:
    setting.ensure()
    one = setting.registry.push(setting.build("a"), "in-1").digest
    two = setting.registry.push(setting.build("b"), "in-2").digest
    setting.registry.retag(one, "env-staging")
    setting.registry.retag(two, "env-staging")
    setting.registry.retag(two, "env-staging")
    assert "env-staging" not in setting.registry.tags(one)
    assert {"env-staging", "in-2"} <= set(setting.registry.tags(two))


def test_a_digest_that_is_not_there_gets_no_tag(setting: Setting) -> None:
    setting.ensure()
    with pytest.raises(Differs):
        setting.registry.retag(digest_of("nobody"), "env-staging")


def test_documents_come_back_newest_first_and_by_type(setting: Setting) -> None:
    setting.ensure()
    subject = setting.registry.push(setting.build("a"), "in-1").digest
    setting.registry.attach(subject, TYPE, b'{"n":1}', created=JANUARY)
    setting.registry.attach(subject, TYPE, b'{"n":2}', created=FEBRUARY)
    setting.registry.attach(subject, "application/x", b"other", created=FEBRUARY)
    assert setting.registry.attached(subject, TYPE) == (b'{"n":2}', b'{"n":1}')
    assert setting.registry.attached(subject, "application/y") == ()
    other = setting.registry.push(setting.build("other"), "in-other").digest
    both = setting.registry.attached_to([subject, other], TYPE)
    assert both == {subject: (b'{"n":2}', b'{"n":1}'), other: ()}


def test_the_same_document_is_attached_once(setting: Setting) -> None:
    setting.ensure()
    subject = setting.registry.push(setting.build("a"), "in-1").digest
    first = setting.registry.attach(subject, TYPE, b"{}", created=JANUARY)
    assert setting.registry.attach(subject, TYPE, b"{}", created=FEBRUARY) == first
    assert setting.registry.attached(subject, TYPE) == (b"{}",)


def test_documents_do_not_change_the_image(setting: Setting) -> None:
    setting.ensure()
    pushed = setting.registry.push(setting.build("a"), "in-1")
    setting.registry.attach(pushed.digest, TYPE, b"{}", created=JANUARY)
    assert setting.registry.find("in-1") == pushed


def test_an_image_is_read_from_the_registry_as_an_archive(setting: Setting) -> None:
    setting.ensure()
    local = setting.build("one")
    pushed = setting.registry.push(local, "in-1")
    with setting.registry.export(pushed.digest) as stream:
        found = read_archive(stream, platform="linux/amd64")
    assert found.config == pushed.config == setting.builder.config_digest(local)
    rootfs = found.document["rootfs"]
    assert isinstance(rootfs, dict)
    assert [diff_id for diff_id, _ in found.layers] == rootfs["diff_ids"]
    with pytest.raises(Differs), setting.registry.export(digest_of(b"other")):
        pass


def test_the_newest_file_of_a_name_comes_back(setting: Setting) -> None:
    setting.ensure()
    registry, file, back = setting.registry, setting.folder / "file", setting.folder / "back"
    kind, more = "application/vnd.modelway.test.v1", "application/vnd.modelway.other.v1"
    assert registry.fetch("advisories", kind, back, most=100) is None
    for hour, content in enumerate((b"one", b"two", b"two")):
        file.write_bytes(content)
        digest = registry.publish("advisories", kind, file, created=datetime(2026, 1, 1, hour, tzinfo=UTC))
        assert registry.fetch("advisories", kind, back, most=100) == digest
        assert back.read_bytes() == content
    assert registry.fetch("others", kind, back, most=100) is None
    for expected, most in ((more, 100), (kind, 2)):
        with pytest.raises(Differs, match="is not the file it should be"):
            registry.fetch("advisories", expected, back, most=most)


def test_a_pulled_image_is_the_pushed_one(setting: Setting) -> None:
    setting.ensure()
    pushed = setting.registry.push(setting.build("a"), "in-1")
    name = "modelway/test-registry:in-pulled"
    setting.registry.pull(Image(setting.registry.repository, pushed.digest), name, platform="linux/amd64")
    assert setting.builder.find(name)


# --- what only the real one can show ---


@pytest.fixture
def ecr(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setting:
    """ECR in the rehearsal, without an engine."""
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository=f"ml/port-{next(_numbers)}")
    return real(cloud, monkeypatch, tmp_path, spec)


@pytest.mark.rehearsal
def test_copying_keeps_bytes_and_digest(ecr: Setting, clients: Clients) -> None:
    ecr.ensure()
    source = clients.ecr().create_repository(repositoryName=f"vendor/{next(_numbers)}")["repository"]
    built = image("theirs")
    Pusher(source["repositoryUri"], login(clients.ecr())).push(built, "v1")
    theirs = Image.parse(f"{source['repositoryUri']}@{built.digest}")
    copied = ecr.registry.copy(theirs, "in-1", platform="linux/amd64")
    assert copied.body == built.text
    assert ecr.registry.copy(theirs, "in-1", platform="linux/amd64") == copied


@pytest.mark.rehearsal
def test_what_is_attached_to_an_image_comes_along_from_another_account(
    ecr: Setting, clients: Clients
) -> None:
    """Statements, SBOM and report, small and large; tags here are immutable, and none is made for them."""
    ecr.ensure()
    there = f"vendor/{next(_numbers)}"
    source = clients.ecr(PRODUCTION).create_repository(repositoryName=there)["repository"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{REGISTRY}:root"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    clients.ecr(PRODUCTION).set_repository_policy(repositoryName=there, policyText=policy)
    pusher = Pusher(source["repositoryUri"], login(clients.ecr(PRODUCTION)))
    built = image("theirs")
    pusher.push(built, "v1")
    documents = {TYPE: b"report", BUNDLE_TYPE: b"statement", SBOM: b"x" * (5 << 20)}
    attached = [referrer(built, kind, body) for kind, body in documents.items()]
    for each in attached:
        pusher.push(each)
    copied = ecr.registry.copy(
        Image.parse(f"{source['repositoryUri']}@{built.digest}"), "in-1", platform="linux/amd64"
    )
    for kind, body in documents.items():
        assert ecr.registry.attached(copied.digest, kind) == (body,)
    here = clients.ecr().describe_images(repositoryName=ecr.spec.repository)["imageDetails"]
    assert {tag for one in here for tag in one.get("imageTags", [])} == {"in-1"}
    assert {each.digest for each in attached} < {one["imageDigest"] for one in here}
    kept = clients.ecr(PRODUCTION).describe_images(repositoryName=there)["imageDetails"]
    assert len(kept) == 1 + len(attached), "nothing is deleted where it came from"


@pytest.mark.rehearsal
def test_what_is_said_of_an_image_that_is_kept_otherwise_stays_where_it_is(
    ecr: Setting, clients: Clients
) -> None:
    """It would be about another digest: evidence that was moved."""
    ecr.ensure()
    source = clients.ecr().create_repository(repositoryName=f"vendor/{next(_numbers)}")["repository"]
    built = image("theirs", media_type=OCI_MANIFEST)
    pusher = Pusher(source["repositoryUri"], login(clients.ecr()))
    pusher.push(built, "v1")
    pusher.push(referrer(built, BUNDLE_TYPE, b"statement"))
    theirs = Image.parse(f"{source['repositoryUri']}@{built.digest}")
    copied = ecr.registry.copy(theirs, "in-1", platform="linux/amd64")
    assert ecr.registry.attached(copied.digest, BUNDLE_TYPE) == ()


@pytest.mark.rehearsal
def test_an_oci_image_is_kept_as_docker_over_the_same_blobs(ecr: Setting, clients: Clients) -> None:
    ecr.ensure()
    source = clients.ecr().create_repository(repositoryName=f"vendor/{next(_numbers)}")["repository"]
    built = image("theirs", media_type=OCI_MANIFEST)
    Pusher(source["repositoryUri"], login(clients.ecr())).push(built, "v1")
    theirs = Image.parse(f"{source['repositoryUri']}@{built.digest}")
    copied = ecr.registry.copy(theirs, "in-1", platform="linux/amd64")
    assert copied.media_type == DOCKER_MANIFEST
    assert copied.config == digest_of(built.blobs[0])
    assert copied.digest != theirs.digest


@pytest.mark.rehearsal
def test_what_somebody_changed_is_corrected_and_nothing_else(ecr: Setting, clients: Clients) -> None:
    ecr.ensure()
    name, client = ecr.spec.repository, clients.ecr()
    client.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    client.delete_lifecycle_policy(repositoryName=name)
    changes = ecr.ensure()
    assert len(changes) == 2
    assert any("immutable" in change for change in changes)
    assert any("lifecycle" in change for change in changes)
    assert ecr.ensure() == ()


def test_a_new_lifecycle_policy_is_asked_about_only_where_something_may_be_lost(setting: Setting) -> None:
    setting.ensure()
    setting.registry.push(setting.build("kept"), "in-kept")
    setting.ensure()
    assert setting.asked == [], "it is the same policy"
    setting.ensure(why="somebody needs it", keep=1)
    assert setting.asked == [lifecycle(1)]
    setting.ensure(keep=1)
    assert setting.asked == [lifecycle(1), lifecycle(1)], "it was not set before"
    assert setting.ensure(keep=1) == ()
    assert len(setting.asked) == 2


@pytest.mark.rehearsal
def test_another_encryption_than_the_configs_is_said_and_not_ignored(ecr: Setting, clients: Clients) -> None:
    clients.ecr().create_repository(
        repositoryName=ecr.spec.repository, encryptionConfiguration={"encryptionType": "KMS"}
    )
    with pytest.raises(Differs, match="encrypted otherwise"):
        ecr.ensure()
