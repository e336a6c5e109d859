"""Names of images: a digest, a repository, and the two together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>.+)"
)

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content address, as in ``sha256:9f86d0...`` (OCI image-spec, descriptor.md)."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sha256:`` and 64 lower-case hex digits; raise ``ValueError`` for anything else."""
        if not _DIGEST.fullmatch(text):
            msg = f"not a sha256 digest: {text!r}"
            raise ValueError(msg)
        return cls(text)

    @property
    def hex(self) -> str:
        """The 64 hex digits without the algorithm."""
        return self.value.removeprefix("sha256:")

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Image:
    """``repository@sha256:...``: the only name that travels between stages."""

    repository: str
    digest: Digest

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``repository@sha256:...``; raise ``ValueError`` for a tag or anything else."""
        repository, at, digest = text.partition("@")
        if not (repository and at):
            msg = f"not repository@sha256:...: {text!r}"
            raise ValueError(msg)
        return cls(repository, Digest.parse(digest))

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


def ecr_repository(address: str) -> tuple[str, str, str] | None:
    """Account, region and name of a repository in ECR; ``None`` for any other registry's."""
    found = _REPOSITORY.fullmatch(address)
    return (found["account"], found["region"], found["name"]) if found else None
