"""The somebody else of a ``prebuilt`` image: it lies in the rehearsal's ECR, in an account of its own."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Published:
    """An image in the somebody else's repository."""

    source: str
    """Its name, by digest."""
    user: str
    password: str

    def log_in(self, folder: Path) -> None:
        """Make a Docker configuration that may pull it: the user's own, and this login.

        It is what ``docker login`` would write; the user's own file stays as it is.
        """
        own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        folder.mkdir(parents=True, exist_ok=True)
        for entry in own.iterdir() if own.is_dir() else ():
            if entry.name != "config.json":
                (folder / entry.name).symlink_to(entry)
        kept = own / "config.json"
        config = json.loads(kept.read_text()) if kept.is_file() else {}
        granted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        # A store of credentials would be asked instead, for every registry.
        config = {key: value for key, value in config.items() if key not in {"credsStore", "credHelpers"}}
        config["auths"] = {**config.get("auths", {}), self.source.partition("/")[0]: {"auth": granted}}
        (folder / "config.json").write_text(json.dumps(config))


def publish(local: str, region: str, name: str, *, reader: str) -> Published:
    """Push a local image to the somebody else's repository, from which the account ``reader`` may pull."""
    ecr = account(ACCOUNT, region).client("ecr")
    repository = ecr.create_repository(repositoryName=f"vendor/{name}")["repository"]["repositoryUri"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{reader}:root"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ecr.set_repository_policy(repositoryName=f"vendor/{name}", policyText=policy)
    granted = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(granted).decode().partition(":")
    client = docker_client()
    client.api.tag(local, repository, tag="1")
    login = {"username": user, "password": password}
    said = list(client.api.push(repository, tag="1", auth_config=login, stream=True, decode=True))
    client.api.remove_image(f"{repository}:1")
    return Published(f"{repository}@{_digest(said)}", user, password)


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
