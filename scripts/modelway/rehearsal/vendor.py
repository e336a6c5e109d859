"""The somebody else of a ``prebuilt`` image: it lies in the rehearsal's ECR, in an account of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from modelway.core.config import Prebuilt
from modelway.core.image import Digest
from modelway.errors import Unavailable
from modelway.rehearsal.context import docker_client
from modelway.rehearsal.grounds import account

ACCOUNT = "444444444444"
EXAMPLE = Path("model-configs/iris-classifier.yaml")
"""What stands in for an image that cannot be had here."""


def local_image(spec: Prebuilt) -> str:
    """The image's name on this machine, if it is here or can be pulled; empty otherwise."""
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - keeps --help fast

    client = docker_client()
    try:
        client.images.get(str(spec.source))
    except ImageNotFound:
        try:
            client.images.pull(str(spec.source))
        except APIError:
            return ""
    return str(spec.source)


def publish(local: str, region: str, name: str) -> str:
    """Push a local image to the somebody else's repository; its name by digest."""
    ecr = account(ACCOUNT, region).client("ecr")
    repository = ecr.create_repository(repositoryName=f"vendor/{name}")["repository"]["repositoryUri"]
    granted = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(granted).decode().partition(":")
    client = docker_client()
    client.api.tag(local, repository, tag="1")
    login = {"username": user, "password": password}
    said = list(client.api.push(repository, tag="1", auth_config=login, stream=True, decode=True))
    client.api.remove_image(f"{repository}:1")
    return f"{repository}@{_digest(said)}"


def _digest(said: list[Mapping[str, object]]) -> Digest:
    """What the engine says it pushed."""
    for line in said:
        match line:
            case {"aux": {"Digest": str(digest)}}:
                return Digest.parse(digest)
            case {"error": str(error)}:
                raise Unavailable("The prebuilt image could not be pushed for the rehearsal", seen=error)
            case _:
                continue
    raise Unavailable(
        "The prebuilt image could not be pushed for the rehearsal", seen="The engine said nothing."
    )
