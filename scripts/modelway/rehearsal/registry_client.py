"""What the ECR of the rehearsal asks of the registry behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, cast

import urllib3


class RegistryError(Exception):
    """The registry refused; carries its status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"registry answered {status}: {body[:300]!r}")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Client:
    """What the front and the ECR operations ask of the registry. Paths are ``account/region/name``."""

    address: str
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=16, retries=False, timeout=urllib3.Timeout(60))
    )

    def url(self, path: str, kind: str, reference: str) -> str:
        """Address of a blob or manifest."""
        return f"http://{self.address}/v2/{path}/{kind}/{reference}"

    def put_manifest(self, path: str, digest: str, body: bytes, media_type: str) -> None:
        """Keep a manifest under its digest; the registry checks that what it names is there."""
        url = self.url(path, "manifests", digest)
        answer = self.pool.request("PUT", url, body=body, headers={"Content-Type": media_type})
        if answer.status != HTTPStatus.CREATED:
            raise RegistryError(answer.status, answer.data)

    def delete_manifest(self, path: str, digest: str) -> None:
        """Forget a manifest; its blobs stay."""
        self.pool.request("DELETE", self.url(path, "manifests", digest))

    def blob_size(self, path: str, digest: str) -> int | None:
        """Size of a blob of this repository, if it has it."""
        answer = self.pool.request("HEAD", self.url(path, "blobs", digest))
        return int(answer.headers["Content-Length"]) if answer.status == HTTPStatus.OK else None

    def blob(self, path: str, digest: str) -> bytes:
        """A small blob's bytes; raises ``RegistryError``."""
        with self.reading(path, digest) as body:
            return body.read()

    @contextmanager
    def reading(self, path: str, digest: str) -> Iterator[BinaryIO]:
        """A blob while it comes; raises ``RegistryError``."""
        answer = self.pool.request("GET", self.url(path, "blobs", digest), preload_content=False)
        try:
            if answer.status != HTTPStatus.OK:
                raise RegistryError(answer.status, answer.data)
            yield cast("BinaryIO", answer)
        finally:
            answer.release_conn()

    def start_upload(self, path: str) -> dict[str, str]:
        """Open an upload; the answer's headers, with an absolute ``Location`` at the registry."""
        answer = self.pool.request("POST", self.url(path, "blobs", "uploads/"))
        if answer.status != HTTPStatus.ACCEPTED:
            raise RegistryError(answer.status, answer.data)
        return dict(answer.headers)

    def put_blob(self, path: str, digest: str, body: bytes) -> None:
        """Upload a small blob at once."""
        location = self.start_upload(path)["Location"]
        url = f"{location}{'&' if '?' in location else '?'}digest={digest}"
        answer = self.pool.request(
            "PUT", url, body=body, headers={"Content-Type": "application/octet-stream"}
        )
        if answer.status != HTTPStatus.CREATED:
            raise RegistryError(answer.status, answer.data)
