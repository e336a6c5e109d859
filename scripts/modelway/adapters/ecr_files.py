"""Files kept in a model's repository beside its images: OCI artifacts, each under a tag with its time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.oci import Repository
from modelway.core import manifest as manifests
from modelway.core.ecr import DATA
from modelway.core.image import Digest
from modelway.core.manifest import Blob, Manifest
from modelway.errors import Differs

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_CHUNK = 1 << 20


def tag(name: str, created: datetime) -> str:
    """Tags sort as their times do."""
    return f"{DATA}{name}-{created:%Y%m%dT%H%M%SZ}"


def newest(ecr: ECRClient, repository: str, name: str) -> str:
    """The newest tag of a file; empty where there is none."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    with translated(f"look for {name} in {repository}", service="ecr"):
        try:
            pages = ecr.get_paginator("describe_images").paginate(
                repositoryName=repository, filter={"tagStatus": "TAGGED"}
            )
            tags = [
                one for page in pages for image in page["imageDetails"] for one in image.get("imageTags", [])
            ]
        except ClientError as error:
            if code(error) != "RepositoryNotFoundException":
                raise
            return ""
    return max((one for one in tags if one.startswith(f"{DATA}{name}-")), default="")


def put(there: Repository, artifact_type: str, file: Path, created: datetime) -> Manifest:
    """Upload a file; what is there is not sent again. Nothing names it yet."""
    blob = Blob(media_type=artifact_type, digest=_digest(file), size=file.stat().st_size)
    wanted = manifests.document(artifact_type, blob, created)
    for one, body in ((wanted.blobs[0], iter([manifests.EMPTY])), (blob, _pieces(file))):
        if not there.has(one):
            there.write(one.digest, body)
    return wanted


def get(there: Repository, found: Manifest, artifact_type: str, into: Path, *, most: int) -> Digest:
    """Download a file, its digest checked; raises ``Differs`` for something else under its tag."""
    if len(found.blobs) != 2 or found.blobs[1].media_type != artifact_type or found.blobs[1].size > most:  # noqa: PLR2004
        raise Differs(
            f"{found.digest} is not the file it should be",
            seen=f"it holds {[(one.media_type, one.size) for one in found.blobs]}, not one {artifact_type}",
            cure="delete its tag, and put the file there again",
        )
    size = 0
    with into.open("wb") as file:
        for piece in there.read(found.blobs[1].digest):
            size += len(piece)
            if size > found.blobs[1].size:
                raise Differs(
                    f"the registry sends more of {found.blobs[1].digest} than its manifest says",
                    seen=f"{size} bytes and more, expected {found.blobs[1].size}",
                    cure="do not use this registry; something between it and this machine changes files",
                )
            file.write(piece)
    return found.digest


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            yield piece


def _digest(file: Path) -> Digest:
    with file.open("rb") as stream:
        return Digest(f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}")
