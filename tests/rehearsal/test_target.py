"""What every target promises, asked of the fake and of SageMaker in the rehearsal cloud alike."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest
from botocore.exceptions import ClientError

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import from_environment
from modelway.core.config import Autoscaling, Capacity, Rollout
from modelway.core.image import DOCKER_MANIFEST, Digest, Image
from modelway.core.plan import Blame, Standing, standing
from modelway.core.record import Attempt, Failed, Passed, Reinstated, Withdrawn
from modelway.core.version import Artifact, Version
from modelway.errors import Differs
from modelway.ports import HttpRequest, Target
from modelway.rehearsal.launch import Cloud
from modelway.targets.sagemaker import open_target
from tests.configs import SETTINGS, model_config, production
from tests.fake_target import Clock as FakeClock
from tests.fake_target import FakeTarget
from tests.rehearsal import model_image
from tests.rehearsal.clients import PRODUCTION, Clients
from tests.rehearsal.conftest import login
from tests.rehearsal.ecs_place import ecs_place
from tests.rehearsal.services import Services

AT = "2026-01-01T00:00:00.000000Z"


@dataclass
class Place:
    """A target that is empty at first, and versions that can run there."""

    target: Target
    good: Version
    better: Version
    dying: Version | None = None

    def settle(self) -> None:
        """Wait for the end of a change."""
        self.target.settle(lambda _: None)

    def serve(self, version: Version, number: int = 1) -> None:
        """Prepare, stage, attempt and shift, as the engine does."""
        for need in self.target.observe(version).needs:
            self.target.prepare(need.id, version)
        self.target.stage(version, release="r1")
        before = self.target.observe(None).modified
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        self.target.record(version.id, Attempt(number=number, at=now, pointer=before))
        self.target.shift(version.id, 100, urgent=False)
        self.settle()


def fake_version(letter: str) -> Version:
    return Version(image=Image("repo", Digest.parse("sha256:" + letter * 64)))


@pytest.fixture
def fake() -> Place:
    return Place(target=FakeTarget(clock=FakeClock()), good=fake_version("a"), better=fake_version("b"))


class Nothing:
    """An artifact store for versions without weights."""

    def find(self, artifact: Artifact, /) -> str | None:
        raise AssertionError

    def target_uri(self, artifact: Artifact, /) -> str:
        raise AssertionError

    def bring(self, artifact: Artifact, /) -> str:
        raise AssertionError

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        raise AssertionError


@pytest.fixture(scope="module")
def pushed(cloud: Cloud, clients: Clients) -> Image:
    """A tiny model server in the registry, which production may pull."""
    engine = docker.from_env()
    model_image.build(engine)
    ecr = clients.ecr()
    uri = ecr.create_repository(repositoryName="ml/target")["repository"]["repositoryUri"]
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PRODUCTION}:root"}, "Action": pull}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.set_repository_policy(repositoryName="ml/target", policyText=policy)
    user, password = login(ecr).split(":", 1)
    engine.images.get(model_image.NAME).tag(uri, "v1")
    engine.images.push(uri, tag="v1", auth_config={"username": user, "password": password})
    engine.images.remove(f"{uri}:v1")
    engine.close()
    return Image(
        uri, Digest.parse(ecr.describe_images(repositoryName="ml/target")["imageDetails"][0]["imageDigest"])
    )


_numbers = itertools.count(1)


@pytest.fixture
def sagemaker(cloud: Cloud, pushed: Image, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A new model's endpoint in production."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    place = production(capacity=Capacity(instances=1), rollout=Rollout())
    config = model_config(name=f"target-{next(_numbers)}", environments={"production": place}, artifact=None)
    clock = from_environment()
    target = open_target(config, place, Accounts(), Nothing(), clock)

    def version(number: str, **variables: str) -> Version:
        return Version(image=pushed, settings={**SETTINGS, "environment": {"VERSION": number, **variables}})

    yield Place(target=target, good=version("1"), better=version("2"), dying=version("3", BEHAVIOUR="dying"))
    endpoint = f"{config.name}-production"
    client = Accounts().session(place.account, place.region, place.deploy_role).client("sagemaker")
    with contextlib.suppress(ClientError):
        client.delete_endpoint(EndpointName=endpoint)


@pytest.fixture
def ecs(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A new model's service in staging."""
    for name, value in services.cloud.environment().items():
        monkeypatch.setenv(name, value)
    with ecs_place(services) as made:
        yield Place(target=made.target, good=made.version("1"), better=made.version("2"))


@pytest.fixture(
    params=[
        "fake",
        pytest.param("ecs", marks=[pytest.mark.docker, pytest.mark.rehearsal]),
        pytest.param("sagemaker", marks=[pytest.mark.docker, pytest.mark.rehearsal]),
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


def test_a_staged_version_is_there_without_traffic(place):
    place.target.stage(place.good, release="r1")
    state = place.target.observe(place.good)
    assert state.records[place.good.id].digest == str(place.good.image.digest)
    assert state.records[place.good.id].release == "r1"
    assert state.traffic == {}
    assert standing(place.good.id, state) is Standing.NEW


def test_staging_twice_is_staging_once(place):
    place.target.stage(place.good, release="r1")
    once = place.target.observe(None).records
    place.target.stage(place.good, release="r1")
    assert place.target.observe(None).records == once


def test_a_shift_settles_with_all_the_traffic_on_the_version(place):
    place.serve(place.good)
    state = place.target.observe(place.good)
    assert (state.settled, state.traffic) == (True, {place.good.id: 100})
    assert standing(place.good.id, state) is Standing.OPEN


def test_the_second_version_replaces_the_first_and_moves_the_pointers_time(place):
    place.serve(place.good)
    before = place.target.observe(None).modified
    place.serve(place.better)
    state = place.target.observe(None)
    assert state.traffic == {place.better.id: 100}
    assert before is not None
    assert state.modified != before


def test_marks_are_remembered_by_whoever_looks_next(place):
    place.target.stage(place.good, release="r1")
    marks = (
        Attempt(number=1, at=AT, pointer=None),
        Failed(attempt=1, reason="it did not answer: 503"),
        Withdrawn(reason="a bad day"),
        Reinstated(reason="the day got better"),
        Attempt(number=2, at=AT, pointer="2026-01-01T00:00:00+00:00"),
        Passed(contract="abc", attempt=2, at=AT),
    )
    expected = place.target.observe(None).records[place.good.id]
    for mark in marks:
        place.target.record(place.good.id, mark)
        place.target.record(place.good.id, mark)
        expected = expected.with_mark(mark)
        assert place.target.observe(None).records[place.good.id] == expected


def test_capacity_changes_without_a_release(place):
    place.serve(place.good)
    place.target.configure(place.good.id, Capacity(instances=3))
    place.settle()
    state = place.target.observe(None)
    assert state.capacity is not None
    assert state.capacity.instances == 3
    assert state.traffic == {place.good.id: 100}


def test_a_retired_version_is_gone_and_the_one_that_serves_is_not(place):
    place.serve(place.good)
    place.serve(place.better)
    place.target.retire(place.good.id)
    state = place.target.observe(None)
    assert set(state.records) == {place.better.id}
    assert state.traffic == {place.better.id: 100}


def test_it_says_which_manifests_it_runs(place):
    assert DOCKER_MANIFEST in place.target.media_types


@pytest.mark.docker
@pytest.mark.rehearsal
def test_sagemaker_knows_a_version_again_whose_tags_were_removed(sagemaker):
    sagemaker.target.stage(sagemaker.good, release="r1")
    arn = sagemaker.target.observer.inventory.arn(sagemaker.good.id)
    sagemaker.target.client.delete_tags(ResourceArn=arn, TagKeys=["modelway:digest"])
    assert sagemaker.good.id not in sagemaker.target.observe(None).records
    sagemaker.target.stage(sagemaker.good, release="r1")
    assert sagemaker.target.observe(None).records[sagemaker.good.id].release == "r1"


@pytest.mark.docker
@pytest.mark.rehearsal
def test_sagemaker_answers_with_the_version_that_serves(sagemaker):
    sagemaker.serve(sagemaker.good)
    answer = sagemaker.target.invoke(HttpRequest(body=b"[1]"), sagemaker.good.id)
    assert (answer.status, json.loads(answer.body)["version"]) == (200, "1")


@pytest.mark.docker
@pytest.mark.rehearsal
def test_sagemaker_takes_back_a_dying_version_and_says_why(sagemaker):
    sagemaker.serve(sagemaker.good)
    sagemaker.serve(sagemaker.dying)
    state = sagemaker.target.observe(sagemaker.dying)
    assert state.traffic == {sagemaker.good.id: 100}
    assert standing(sagemaker.dying.id, state) is Standing.FAILED
    assert state.setback is not None
    assert state.setback.blame is Blame.VERSION
    assert "ping health check" in state.setback.reason
    assert any("no weights, no life" in line for line in sagemaker.target.logs(sagemaker.dying.id))
    assert not any("no weights" in line for line in sagemaker.target.logs(sagemaker.good.id))


@pytest.mark.docker
@pytest.mark.rehearsal
def test_tags_somebody_else_wrote_are_told_and_no_surprise(sagemaker):
    sagemaker.target.stage(sagemaker.good, release="r1")
    inventory = sagemaker.target.observer.inventory
    inventory.client.add_tags(
        ResourceArn=inventory.arn(sagemaker.good.id), Tags=[{"Key": "modelway:attempt", "Value": "x"}]
    )
    with pytest.raises(Differs, match="not as modelway wrote them") as caught:
        sagemaker.target.observe(None)
    assert "modelway:attempt='x'" in caught.value.seen


@pytest.mark.docker
@pytest.mark.rehearsal
def test_the_way_back_replaces_an_endpoint_that_could_not_be_created(sagemaker):
    sagemaker.serve(sagemaker.dying)
    assert sagemaker.target.observe(None).serving is None
    sagemaker.target.stage(sagemaker.good, release="r1")
    sagemaker.target.shift(sagemaker.good.id, 100, urgent=True)
    sagemaker.settle()
    assert sagemaker.target.observe(None).serving == sagemaker.good.id


@pytest.mark.docker
@pytest.mark.rehearsal
def test_the_way_back_suspends_autoscaling_where_the_instance_type_changes(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    bounds = Autoscaling(min=1, max=2, invocations_per_instance_per_minute=600)
    target.configure(sagemaker.good.id, Capacity(instances=1, autoscaling=bounds))
    larger = Version(
        image=sagemaker.good.image, settings={**sagemaker.good.settings, "instance_type": "ml.m5.xlarge"}
    )
    target.stage(larger, release="r1")
    target.shift(larger.id, 100, urgent=True)
    sagemaker.settle()
    assert target.observe(None).serving == larger.id


@pytest.mark.docker
@pytest.mark.rehearsal
def test_a_shift_sent_twice_is_one_and_another_one_is_refused_meanwhile(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    target.stage(sagemaker.better, release="r2")
    target.shift(sagemaker.better.id, 100, urgent=False)
    target.shift(sagemaker.better.id, 100, urgent=False)
    with pytest.raises(Differs, match="another change"):
        target.shift(sagemaker.good.id, 100, urgent=True)
    sagemaker.settle()
    assert target.observe(None).serving == sagemaker.better.id


class Overwritten(Nothing):
    """An artifact store whose copies somebody else has written over."""

    def find(self, artifact: Artifact, /) -> str | None:
        return None

    def target_uri(self, artifact: Artifact, /) -> str:
        return f"s3://written-over/{artifact.sha256.hex}/model.tar.gz"


@pytest.mark.docker
@pytest.mark.rehearsal
def test_weights_written_over_since_staging_are_noticed_before_they_serve(sagemaker, clients):
    store = Overwritten()
    weights = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "a" * 64))
    version = replace(sagemaker.good, artifact=weights)
    s3 = clients.s3(PRODUCTION)
    s3.create_bucket(Bucket="written-over", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="written-over", Key=f"{weights.sha256.hex}/model.tar.gz", Body=b"others")
    versions = replace(sagemaker.target.versions, artifacts=store)
    versions.make(version, sagemaker.target.words(version.id), "r1")
    state = replace(sagemaker.target.observer, artifacts=store).observe(version)
    assert version.id in state.records
    assert [need.id for need in state.needs] == ["artifact"]
