"""An ordinary ``docker login`` and ``docker push`` against the rehearsal's ECR."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import docker
import pytest
from docker import DockerClient
from docker.errors import ImageNotFound
from docker.models.images import Image

from modelway.core.image import DOCKER_MANIFEST
from tests.rehearsal import images
from tests.rehearsal.conftest import EcrRepository

pytestmark = [pytest.mark.rehearsal, pytest.mark.docker]

Make = Callable[..., EcrRepository]
NAME = "modelway-rehearsal-test-push"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def built(engine: DockerClient) -> Iterator[Image]:
    [image] = engine.images.load(images.archive(NAME))
    yield image
    engine.images.remove(NAME)


def push(engine: DockerClient, repository: EcrRepository, tag: str) -> str:
    """The digest ``docker push`` reports, or its error."""
    user, _, password = repository.pusher.login.partition(":")
    login = {"username": user, "password": password}
    lines = engine.api.push(repository.pusher.uri, tag, auth_config=login, stream=True, decode=True)
    said: dict[str, str] = {}
    for line in lines:
        said |= {"error": line["error"]} if "error" in line else {}
        said |= {"digest": line["aux"]["Digest"]} if "Digest" in line.get("aux", {}) else {}
    return said.get("error") or said["digest"]


@pytest.fixture
def repository(make_repository: Make, engine: DockerClient) -> Iterator[EcrRepository]:
    made = make_repository(imageTagMutability="IMMUTABLE")
    yield made
    for tag in ("v1", "v2"):
        try:
            engine.images.remove(f"{made.pusher.uri}:{tag}")
        except ImageNotFound:
            continue


def test_docker_pushes_and_ecr_names_the_image_as_docker_does(
    engine: DockerClient, repository: EcrRepository, built: Image
) -> None:
    built.tag(repository.pusher.uri, "v1")
    digest = push(engine, repository, "v1")
    [told] = repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    assert (told["imageDigest"], told["imageManifestMediaType"]) == (digest, DOCKER_MANIFEST)
    assert (
        f"{repository.pusher.uri}@{digest}"
        in engine.images.get(f"{repository.pusher.uri}:v1").attrs["RepoDigests"]
    )
    assert push(engine, repository, "v1") == digest


def test_a_second_push_finds_its_layers_there_and_keeps_its_digest(
    engine: DockerClient, repository: EcrRepository, built: Image
) -> None:
    """The manifest of a layer that was only asked for by HEAD needs the layer's length."""
    built.tag(repository.pusher.uri, "v1")
    built.tag(repository.pusher.uri, "v2")
    assert push(engine, repository, "v1") == push(engine, repository, "v2")
    answer = repository.ecr.batch_get_image(repositoryName=repository.name, imageIds=[{"imageTag": "v2"}])
    assert '"size": 0' not in answer["images"][0]["imageManifest"]


def test_docker_cannot_move_an_immutable_tag(
    engine: DockerClient, repository: EcrRepository, built: Image
) -> None:
    repository.pusher.push(images.image("somebody else's"), "v1")
    built.tag(repository.pusher.uri, "v1")
    assert "cannot be overwritten because the tag is immutable" in push(engine, repository, "v1")
