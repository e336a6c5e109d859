"""One rehearsal cloud for all its tests, and clients of its accounts."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import docker
import pytest
from moto import mock_aws
from mypy_boto3_ecr import ECRClient

from modelway.rehearsal import launch
from modelway.rehearsal.launch import Cloud
from tests.rehearsal import model_image
from tests.rehearsal.clients import REGION, REGISTRY, STAGING, Clients
from tests.rehearsal.functions import Functions
from tests.rehearsal.images import Pusher
from tests.rehearsal.logins import login
from tests.rehearsal.models import Models
from tests.rehearsal.places import ecs, enter, fake, function, function_role, place, pushed, sagemaker
from tests.rehearsal.services import Services

_numbers = itertools.count(1)
__all__ = ["ecs", "enter", "fake", "function", "function_role", "place", "pushed", "sagemaker"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory, _registry: str) -> Iterator[Cloud]:
    """A cloud where a minute passes each second."""
    if _registry and os.environ.get("CI") != "true":
        pytest.skip(_registry)
    with launch.start(tmp_path_factory.mktemp("cloud"), clock_factor=60) as started:
        yield started


@pytest.fixture(scope="session")
def clients(cloud: Cloud) -> Clients:
    """Clients of its accounts."""
    return Clients(cloud)


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[Callable[..., None]]:
    """Set the faults of one test; afterwards there are none."""

    def set_rules(*rules: dict[str, str | int | None]) -> None:
        cloud.control("faults", {"rules": rules})

    yield set_rules
    cloud.control("faults", {"rules": []})


@pytest.fixture
def moto_ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[ECRClient]:
    """What moto answers by itself, in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        yield boto3.client("ecr", region_name=REGION)


@dataclass
class EcrRepository:
    """A repository of one test, its client, and a logged-in pusher."""

    name: str
    ecr: ECRClient
    pusher: Pusher


@pytest.fixture
def make_repository(clients: Clients) -> Callable[..., EcrRepository]:
    """Create repositories; parameters as CreateRepository's."""

    def make(account: str = REGISTRY, **parameters: object) -> EcrRepository:
        name = f"ml/test-{next(_numbers)}"
        ecr = clients.ecr(account)
        created = ecr.create_repository(repositoryName=name, **parameters)  # type: ignore[arg-type]  # passed on
        return EcrRepository(name, ecr, Pusher(created["repository"]["repositoryUri"], login(ecr)))

    return make


@pytest.fixture(scope="session")
def models(cloud: Cloud, clients: Clients) -> Models:
    """Models of a real image, pushed by docker to the registry account; for tests marked ``docker``."""
    ecr = clients.ecr(REGISTRY)
    uri = ecr.create_repository(repositoryName="ml/real")["repository"]["repositoryUri"]
    allow = {"Effect": "Allow", "Principal": {"AWS": STAGING}, "Action": "ecr:*"}
    ecr.set_repository_policy(repositoryName="ml/real", policyText=json.dumps({"Statement": [allow]}))
    engine, (user, _, password) = docker.from_env(), login(ecr).partition(":")
    engine.images.get(model_image.build(engine)).tag(uri, "v1")
    engine.api.push(uri, "v1", auth_config={"username": user, "password": password})
    pushed = ecr.describe_images(repositoryName="ml/real")["imageDetails"][0]
    return Models.of(cloud, clients, f"{uri}@{pushed['imageDigest']}")


@pytest.fixture(scope="session")
def functions(cloud: Cloud, clients: Clients, models: Models) -> Functions:
    """Functions of the same image; for tests marked ``docker``."""
    ecr = clients.ecr(REGISTRY)
    policy = json.loads(ecr.get_repository_policy(repositoryName="ml/real")["policyText"])
    condition = {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:{REGION}:{STAGING}:function:*"}}
    service = {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": condition}
    policy["Statement"].append({"Effect": "Allow", "Action": "ecr:*", **service})
    ecr.set_repository_policy(repositoryName="ml/real", policyText=json.dumps(policy))
    return Functions.of(cloud, clients, models.image)


@pytest.fixture(scope="session")
def services(cloud: Cloud, clients: Clients, models: Models) -> Services:
    """Services of the same image; for tests marked ``docker``."""
    return Services.of(cloud, clients, models.image)
