"""A place for each target, empty at first, and versions that can run there: fixtures of conftest."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import boto3
import docker
import pytest
from botocore.exceptions import ClientError

from modelway.adapters.aws import Accounts
from modelway.adapters.clock import from_environment
from modelway.core.config import Capacity, Environment, ModelConfig, Rollout
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject
from modelway.core.record import Attempt
from modelway.core.version import Artifact, Version
from modelway.ports import Target
from modelway.rehearsal.launch import Cloud
from modelway.targets import aws_lambda
from modelway.targets import sagemaker as sagemaker_
from tests.configs import SETTINGS, model_config, production
from tests.fake_target import Clock as FakeClock
from tests.fake_target import FakeTarget
from tests.rehearsal import model_image
from tests.rehearsal.clients import ONCE, PRODUCTION, Clients
from tests.rehearsal.ecs_place import ecs_place
from tests.rehearsal.logins import login
from tests.rehearsal.services import Services


@dataclass
class Place:
    """A target that is empty at first, and versions that can run there."""

    target: Target
    good: Version
    better: Version
    dying: Version | None = None
    config: ModelConfig | None = None
    _cloud: Cloud | None = None

    @property
    def cloud(self) -> Cloud:
        """The rehearsal cloud it is in."""
        assert self._cloud
        return self._cloud

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

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        raise AssertionError


@pytest.fixture(scope="session")
def pushed(cloud: Cloud, clients: Clients) -> Image:
    """A tiny model server in the registry, which production may pull."""
    engine = docker.from_env()
    model_image.build(engine)
    ecr = clients.ecr()
    uri = ecr.create_repository(repositoryName="ml/target")["repository"]["repositoryUri"]
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{PRODUCTION}:root"}, "Action": pull}
    functions = {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:*:{PRODUCTION}:function:*"}}
    service = {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": functions}
    again = {"Effect": "Allow", "Action": pull, **service}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, again]})
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
def enter(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be a client of the cloud."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sagemaker(enter: None, pushed: Image) -> Iterator[Place]:
    """A new model's endpoint in production."""
    del enter
    place = production(capacity=Capacity(instances=1), rollout=Rollout())
    config = model_config(name=f"target-{next(_numbers)}", environments={"production": place}, artifact=None)
    target = sagemaker_.open_target(config, place, Accounts(), Nothing(), from_environment())

    def version(number: str, **variables: str) -> Version:
        return Version(image=pushed, settings={**SETTINGS, "environment": {"VERSION": number, **variables}})

    yield Place(target=target, good=version("1"), better=version("2"), dying=version("3", BEHAVIOUR="dying"))
    client = _session(place).client("sagemaker")
    with contextlib.suppress(ClientError):
        client.delete_endpoint(EndpointName=f"{config.name}-production")


def _session(place: Environment) -> boto3.Session:
    return Accounts().session(place.account, place.region, place.deploy_role)


@pytest.fixture(scope="session")
def function_role(cloud: Cloud, clients: Clients) -> str:
    """A role of production that Lambda may assume."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = clients.session(PRODUCTION).client("iam", endpoint_url=cloud.endpoint, config=ONCE)
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="target-function", AssumeRolePolicyDocument=document)
    return "target-function"


@pytest.fixture
def ecs(enter: None, services: Services) -> Iterator[Place]:
    """A new model's service in staging."""
    del enter
    with ecs_place(services) as made:
        yield Place(target=made.target, good=made.version("1"), better=made.version("2"))


LAMBDA: JsonObject = {"memory_mb": 256, "timeout": "5s"}


@contextlib.contextmanager
def function_place(cloud: Cloud, image: Image, role: str, **changes: object) -> Iterator[Place]:
    """A new model's function in production, its environment with these changes; gone at the end."""
    settings: JsonObject = {**LAMBDA, "execution_role": role}
    plain = production(target="lambda", capacity=Capacity(instances=0), rollout=Rollout(), settings=settings)
    place = replace(plain, **changes)  # type: ignore[arg-type]  # the caller names fields, as with replace
    config = model_config(name=f"target-{next(_numbers)}", environments={"production": place}, artifact=None)
    target = aws_lambda.open_target(config, place, Accounts(), Nothing(), from_environment())

    def version(number: str, **variables: str) -> Version:
        return Version(
            image=image, settings={**place.settings, "environment": {"VERSION": number, **variables}}
        )

    dying = version("3", BEHAVIOUR="dying")
    yield Place(
        target=target, good=version("1"), better=version("2"), dying=dying, config=config, _cloud=cloud
    )
    with contextlib.suppress(ClientError):
        _session(place).client("lambda").delete_function(FunctionName=f"{config.name}-production")


@pytest.fixture
def function(enter: None, cloud: Cloud, pushed: Image, function_role: str) -> Iterator[Place]:
    """A new model's function in production."""
    del enter
    with function_place(cloud, pushed, function_role) as made:
        yield made


@pytest.fixture(
    params=[
        "fake",
        pytest.param("ecs", marks=[pytest.mark.docker, pytest.mark.rehearsal]),
        pytest.param("sagemaker", marks=[pytest.mark.docker, pytest.mark.rehearsal]),
        pytest.param("function", marks=[pytest.mark.docker, pytest.mark.rehearsal]),
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    """Each target in turn."""
    found: Place = request.getfixturevalue(request.param)
    return found
