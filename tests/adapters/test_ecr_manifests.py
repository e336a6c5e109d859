"""What ECR may list as attached to an image, and what is in its place: each by a client that answers so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.adapters import ecr_manifests
from modelway.core import manifest as manifests
from modelway.core.image import OCI_MANIFEST
from modelway.core.manifest import Manifest, digest_of
from modelway.errors import Failure, Tampered, Unavailable
from tests.fake_images import manifest_over

IMAGE = manifest_over(b"one")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Client:
    """ECR with one image, and what is attached to it: two to a page."""

    def __init__(self, *bodies: str, error: str = "") -> None:
        self.bodies = {str(digest_of(body)): body for body in bodies}
        self.error = error
        self.batches = 0

    def list_image_referrers(self, *, nextToken: str = "0", **_: object) -> Mapping[str, Any]:  # noqa: N803 - as boto3 has it
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "ListImageReferrers")
        start = int(nextToken)
        told: dict[str, Any] = {"referrers": [{"digest": one} for one in [*self.bodies][start : start + 2]]}
        return told | ({"nextToken": str(start + 2)} if start + 2 < len(self.bodies) else {})

    def batch_get_image(self, *, imageIds: list[dict[str, str]], **_: object) -> Mapping[str, Any]:  # noqa: N803 - the same
        self.batches += 1
        names = [one["imageDigest"] for one in imageIds]
        kept = [
            {
                "imageManifest": self.bodies[one],
                "imageId": {"imageDigest": one},
                "imageManifestMediaType": OCI_MANIFEST,
            }
            for one in names
        ]
        return {"images": kept, "failures": []}


def attached(client: Client) -> list[Manifest]:
    made: Any = client
    return ecr_manifests.attached(made, "ml/iris", [IMAGE.digest], ("text/plain",))[IMAGE.digest]


def document(body: bytes) -> str:
    return manifests.attachment(IMAGE, "text/plain", body, NOW).body


def test_every_page_is_read():
    bodies = [document(b"%d" % number) for number in range(5)]
    assert [one.body for one in attached(Client(*bodies))] == bodies


def test_what_is_attached_to_many_images_comes_in_one_answer():
    """A call for each image's documents was a third of the calls of ``evidence``."""
    client = Client(*(document(b"%d" % number) for number in range(3)))
    made: Any = client
    other = manifest_over(b"two").digest
    found = ecr_manifests.attached(made, "ml/iris", [IMAGE.digest, other], ("text/plain",))
    assert {subject: [one.body for one in every] for subject, every in found.items()} == {
        IMAGE.digest: [*client.bodies.values()],
        other: [*client.bodies.values()],
    }
    assert client.batches == 1


def test_nothing_is_attached_where_there_is_no_repository():
    assert attached(Client(error="RepositoryNotFoundException")) == []


def test_a_registry_behind_a_pull_through_cache_that_cannot_be_asked_is_named():
    with pytest.raises(Unavailable, match="cannot list what is attached") as caught:
        attached(Client(error="UnableToListUpstreamImageReferrersException"))
    assert "pull through cache" in caught.value.cure


def _hollow() -> str:
    """A manifest of the wanted type without a document."""
    return json.dumps({**json.loads(document(b"x")), "layers": []})


@pytest.mark.parametrize("planted", [_hollow(), json.dumps({"schemaVersion": 2}), "[]"])
def test_what_is_planted_in_place_of_a_document_is_refused_by_name(planted: str):
    """Whoever may push can put it there: it once ended in a bug report."""
    with pytest.raises(Failure) as caught:
        attached(Client(document(b"good"), planted))
    assert isinstance(caught.value, Tampered)
    assert str(digest_of(planted)) in str(caught.value)
    assert caught.value.cure
