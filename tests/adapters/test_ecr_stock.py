"""What ECR tells of a repository that the rehearsed one never holds: each by a client that answers so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from modelway.adapters.ecr_stock import EcrStock
from modelway.core.config import RegistrySpec
from modelway.core.image import OCI_INDEX, OCI_MANIFEST, Digest
from modelway.errors import Unavailable
from tests.fakes import FakeClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIST, IMAGE = (f"sha256:{one * 64}" for one in "ab")
BODY = (
    f'{{"schemaVersion": 2, "mediaType": "{OCI_INDEX}", "manifests":'
    f' [{{"mediaType": "{OCI_MANIFEST}", "digest": "{IMAGE}", "size": 1}}]}}'
)


class Client:
    """ECR with a list of one image, which is stored somewhere; what is archived cannot be pulled."""

    def __init__(self, status: str) -> None:
        self.status = status

    def session(self, *_: object) -> Client:
        return self

    def client(self, *_: object, **__: object) -> Client:
        return self

    def get_paginator(self, _: str) -> Client:
        return self

    def paginate(self, **_: object) -> Iterator[Mapping[str, Any]]:
        status = "ACTIVE" if self.status == "GONE" else self.status
        told = {"imageDigest": LIST, "imageManifestMediaType": OCI_INDEX, "imageStatus": status}
        yield {"imageDetails": [told | {"imagePushedAt": NOW}]}
        yield {"imageDetails": [{"imageDigest": IMAGE, "imagePushedAt": NOW}]}

    def batch_get_image(self, **_: object) -> Mapping[str, Any]:
        if self.status == "GONE":
            return {"images": [], "failures": [{"failureCode": "ImageNotFound"}]}
        assert self.status == "ACTIVE", "nothing else can be pulled"
        return {"images": [{"imageId": {"imageDigest": LIST}, "imageManifest": BODY}], "failures": []}


def stock(status: str) -> EcrStock:
    made: Any = Client(status)
    spec = RegistrySpec(account="333333333333", region="eu-west-1", repository="ml/iris")
    return EcrStock(made, spec, FakeClock())


def test_a_list_is_told_with_its_images():
    assert [one.children for one in stock("ACTIVE").stored()] == [(Digest(IMAGE),), ()]


@pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
def test_a_list_in_the_archive_is_told_without_them_and_hides_nothing(status: str):
    """ECR gives nothing that is archived: `check` and `prune` ended there for as long as it lay there."""
    told, image = stock(status).stored()
    assert (told.children, told.archived) == ((), NOW)
    assert image.digest == Digest(IMAGE)


def test_a_list_that_ecr_does_not_give_is_named():
    with pytest.raises(Unavailable, match=f"ECR does not give {LIST}"):
        stock("GONE").stored()
