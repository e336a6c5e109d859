"""What comes along with a copied image: every page, no strangers, and no tags where there is no API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from requests import Response

from modelway.adapters import oci_referrers
from modelway.adapters.oci import Repository
from modelway.core import manifest as manifests
from modelway.core.image import OCI_INDEX, Digest
from modelway.core.manifest import Blob, Manifest, digest_of
from modelway.errors import Unavailable
from tests.fake_images import manifest_over

IMAGE, OTHER = manifest_over(b"one"), manifest_over(b"two")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Registry(Repository):
    """A registry in memory; remembers what it was asked."""

    def __init__(self, *, pages: int = 1, api: bool = True) -> None:
        super().__init__("registry.example:443", "ml/iris", None)
        self.pages, self.api = pages, api
        self.manifests: dict[Digest, Manifest] = {}
        self.blobs: dict[Digest, bytes] = {}
        self.asked: list[str] = []

    def hold(self, subject: Manifest, body: bytes) -> Manifest:
        document = manifests.attachment(subject, "text/plain", body, NOW)
        self.manifests[document.digest] = document
        self.blobs |= {digest_of(one): one for one in (manifests.EMPTY, body)}
        return document

    def manifest(self, digest: Digest) -> Manifest:
        return self.manifests[digest]

    def has(self, blob: Blob) -> bool:
        return blob.digest in self.blobs

    def read(self, digest: Digest) -> Iterator[bytes]:
        yield self.blobs[digest]

    def write(self, digest: Digest, chunks: Iterable[bytes]) -> None:
        self.blobs[digest] = b"".join(chunks)

    def put(self, manifest: Manifest) -> None:
        self.manifests[manifest.digest] = manifest

    def _ask(self, method: str, url: str, **_: object) -> Response:
        self.asked.append(f"{method} {url.partition('/v2/')[2]}")
        answer = Response()
        answer.url, answer.status_code = url, 200 if self.api else 404
        page = int(url.partition("?page=")[2] or 0)
        listed = [str(one) for one in self.manifests]
        share = listed[page :: self.pages]
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"digest": one} for one in share]}
        answer._content = json.dumps(body).encode()  # noqa: SLF001 - requests has no other way
        if page + 1 < self.pages:
            answer.headers["Link"] = f'</v2/ml/iris/referrers/{IMAGE.digest}?page={page + 1}>; rel="next"'
        return answer


def silent(_: str) -> None:
    """Nobody listens."""


def test_every_page_is_read_and_everything_comes() -> None:
    there, here = Registry(pages=3), Registry()
    documents = [there.hold(IMAGE, b"%d" % n) for n in range(5)]
    said = oci_referrers.bring(there, here, IMAGE, silent)
    assert here.manifests == {one.digest: one for one in documents}
    assert here.blobs == there.blobs
    assert said == "5 documents attached to the image came along"


def test_what_is_about_another_image_does_not_come() -> None:
    there, here = Registry(), Registry()
    stranger = there.hold(OTHER, b"stranger")
    assert str(stranger.digest) in oci_referrers.bring(there, here, IMAGE, silent)
    assert here.manifests == {}


def test_without_the_api_no_tag_is_asked_instead() -> None:
    there, here = Registry(api=False), Registry()
    assert "no referrers API" in oci_referrers.bring(there, here, IMAGE, silent)
    assert there.asked == [f"GET ml/iris/referrers/{IMAGE.digest}"]
    assert here.manifests == {}


def test_what_has_to_stay_is_counted() -> None:
    there = Registry()
    there.hold(IMAGE, b"one")
    assert "1 documents are about" in oci_referrers.lost(there, IMAGE.digest)
    assert oci_referrers.lost(Registry(), IMAGE.digest) == ""


class Odd(Registry):
    """A registry that answers every question for referrers alike."""

    def __init__(self, status: int, body: bytes = b"no", **headers: str) -> None:
        super().__init__()
        self.status, self.body, self.headers = status, body, headers

    def _ask(self, method: str, url: str, **_: object) -> Response:
        self.asked.append(f"{method} {url}")
        answer = Response()
        answer.url, answer.status_code, answer._content = url, self.status, self.body  # noqa: SLF001 - as above
        answer.headers.update({name.replace("_", "-"): value for name, value in self.headers.items()})
        return answer


@pytest.mark.parametrize("status", [400, 404, 405, 406, 501])
def test_a_registry_says_in_many_ways_that_it_has_no_such_api(status: int) -> None:
    assert "no referrers API" in oci_referrers.bring(Odd(status), Registry(), IMAGE, silent)


def test_a_page_for_browsers_is_no_list_of_referrers() -> None:
    page = Odd(200, b"<html>", Content_Type="text/html; charset=utf-8")
    assert "no referrers API" in oci_referrers.bring(page, Registry(), IMAGE, silent)


def test_an_empty_list_may_be_written_as_null() -> None:
    assert oci_referrers.bring(Odd(200, b'{"manifests": null}'), Registry(), IMAGE, silent) == ""


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (Odd(500), "HTTP 500"),
        (Odd(403), "HTTP 403"),
        (Odd(200, b"{"), "what is no such list"),
        (Odd(200, b'{"manifests": [{"digest": "sha512:00"}]}'), "what is no such list"),
        (Odd(200, b'{"manifests": []}', Link='</v2/again>; rel="next"'), "it still names another"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_an_empty_list(odd: Odd, said: str) -> None:
    with pytest.raises(Unavailable, match="did not list what is attached") as caught:
        oci_referrers.bring(odd, Registry(), IMAGE, silent)
    assert said in caught.value.seen
    assert caught.value.cure


def test_what_cannot_be_read_stays_and_keeps_nothing_else_from_coming() -> None:
    there, here = Registry(), Registry()
    good = there.hold(IMAGE, b"good")
    old = digest_of(b"an artifact manifest of before OCI 1.1")

    def read(digest: Digest) -> Manifest:
        if digest == old:
            return manifests.read('{"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}')
        return there.manifests[digest]

    there.manifests[old] = good
    there.manifest = read  # type: ignore[method-assign]
    said = oci_referrers.bring(there, here, IMAGE, silent)
    assert said.startswith("1 documents attached to the image came along; left where they were")
    assert str(old) in said
    assert set(here.manifests) == {good.digest}


class Expiring:
    """A session with a registry whose tokens are good for two requests: Docker Hub's for five minutes."""

    def __init__(self) -> None:
        self.given, self.left = 0, 0

    def request(self, _: str, url: str, *, headers: dict[str, str], **__: object) -> Response:
        answer = Response()
        answer.url, answer.status_code = url, 200
        if headers.get("Authorization") != f"Bearer {self.given}" or not self.left:
            answer.status_code = 401
            answer.headers["WWW-Authenticate"] = 'Bearer realm="https://registry.example/token",service="x"'
        self.left -= 1
        return answer

    def get(self, *_: object, **__: object) -> Response:
        self.given, self.left = self.given + 1, 2
        answer = Response()
        answer.status_code = 200
        answer._content = json.dumps({"token": str(self.given)}).encode()  # noqa: SLF001 - as above
        return answer


def test_a_token_that_expires_while_an_image_is_copied_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of a large image ended with "docker login to it"."""
    there, session = Repository("registry.example:443", "ml/iris", None), Expiring()
    monkeypatch.setattr(there, "_session", session)
    blob = Blob(media_type="x", digest=IMAGE.digest, size=0)
    for _ in range(5):
        assert there._ask("GET", there._url("blobs", str(blob.digest))).ok  # noqa: SLF001 - what all go by
    assert session.given == 3
