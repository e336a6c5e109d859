"""The ``docker push`` side of the rehearsal's ECR, asked as any OCI client asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from modelway.core.image import OCI_INDEX
from tests.rehearsal import images
from tests.rehearsal.clients import STAGING, Clients
from tests.rehearsal.conftest import EcrRepository
from tests.rehearsal.logins import login

pytestmark = pytest.mark.rehearsal

Make = Callable[..., EcrRepository]


@pytest.fixture
def repository(make_repository: Make) -> EcrRepository:
    return make_repository()


def test_nobody_gets_in_without_the_login(repository: EcrRepository) -> None:
    password = repository.pusher.login.removeprefix("AWS:")
    key = password.partition("-")[0]
    for login_given in ("", f"AWS:{key}-wrong", f"AWS:x{password}", f"someone:{password}"):
        answer = replace(repository.pusher, login=login_given).request("GET", "tags/list")
        assert (answer.status, answer.error) == (401, "UNAUTHORIZED")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_repository_must_have_been_created(repository: EcrRepository) -> None:
    nowhere = replace(repository.pusher, uri=f"{repository.pusher.uri}-nowhere")
    for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/v1"), ("GET", "manifests/v1")):
        answer = nowhere.request(method, path)
        assert (answer.status, answer.error) == (404, "NAME_UNKNOWN")


def test_a_push_is_in_the_api_before_it_is_answered(repository: EcrRepository) -> None:
    built = images.image()
    digest = repository.pusher.push(built, "v1")
    [told] = repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    assert (told["imageDigest"], told["imageTags"]) == (digest, ["v1"])


def test_an_immutable_tag_cannot_be_pushed_again(make_repository: Make) -> None:
    repository = make_repository(
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "env-*"}],
    )
    one, other = images.image("one"), images.image("other")
    for tag in ("1.0.0", "env-staging"):
        repository.pusher.push(one, tag)
    repository.pusher.push(other, "env-staging")
    answer = repository.pusher.put_manifest(other, "1.0.0")
    assert (answer.status, answer.error) == (400, "TAG_INVALID")
    assert b"cannot be overwritten because the tag is immutable" in answer.body
    assert repository.pusher.request("GET", "manifests/1.0.0").body == one.manifest
    assert repository.pusher.put_manifest(one, "1.0.0").status == 201  # the same again is no change


def test_tags_of_a_mutable_repository_with_exclusions_are_the_other_way_round(make_repository: Make) -> None:
    repository = make_repository(
        imageTagMutability="MUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "v*"}],
    )
    one, other = images.image("one"), images.image("other")
    for tag in ("v1", "latest"):
        repository.pusher.push(one, tag)
    repository.pusher.push(other, "latest")
    assert repository.pusher.put_manifest(other, "v1").error == "TAG_INVALID"


def test_the_head_of_a_blob_tells_its_length(repository: EcrRepository) -> None:
    """Without it dockerd pushes a manifest whose layer has no size: another digest, and nothing fails."""
    built = images.image()
    repository.pusher.push(built, "v1")
    layer = built.blobs[1]
    answer = repository.pusher.request("HEAD", f"blobs/{images.sha256(layer)}")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(layer)))
    head = repository.pusher.request("HEAD", "manifests/v1")
    assert (head.headers["Content-Length"], head.body) == (str(len(built.manifest)), b"")


def test_blobs_come_from_the_registry_itself(repository: EcrRepository) -> None:
    built = images.image()
    repository.pusher.push(built, "v1")
    digest = images.sha256(built.blobs[1])
    answer = repository.pusher.request("GET", f"blobs/{digest}")
    assert answer.status == 307
    assert answer.headers["Location"].startswith("http://127.0.0.1:")
    assert repository.pusher.pool.request("GET", answer.headers["Location"]).data == built.blobs[1]


def test_a_manifest_needs_its_layers_and_its_digest(repository: EcrRepository) -> None:
    built = images.image("no layer")
    assert repository.pusher.put_manifest(built, "v1").error == "MANIFEST_BLOB_UNKNOWN"
    assert repository.pusher.put_manifest(built, f"sha256:{'0' * 64}").error == "DIGEST_INVALID"
    huge = replace(built, manifest=b" " * (4 * 1024 * 1024 + 1))
    assert repository.pusher.put_manifest(huge, "v1").error == "SIZE_INVALID"
    broken = replace(built, manifest=b"[]")
    assert repository.pusher.put_manifest(broken, "v1").error == "MANIFEST_INVALID"


def test_mounting_from_another_repository_is_off(make_repository: Make) -> None:
    """ECR's account setting BLOB_MOUNTING is DISABLED unless set; the client then uploads."""
    source, target = make_repository(), make_repository()
    built = images.image()
    source.pusher.push(built, "v1")
    digest = images.sha256(built.blobs[1])
    path = source.pusher.uri.partition("/")[2]
    answer = target.pusher.request("POST", f"blobs/uploads/?mount={digest}&from={path}")
    assert answer.status == 202
    assert target.pusher.request("HEAD", f"blobs/{digest}").status == 404


def test_referrers_follow_the_distribution_specification(repository: EcrRepository) -> None:
    subject = images.image()
    report = images.referrer(subject, "application/vnd.example.report", b"{}")
    sbom = images.referrer(subject, "application/spdx+json", b"[]")
    repository.pusher.push(subject, "v1")
    for blob in (*report.blobs, *sbom.blobs):
        repository.pusher.upload(blob)
    answers = [repository.pusher.put_manifest(built, built.digest) for built in (report, sbom)]
    assert [answer.headers["OCI-Subject"] for answer in answers] == [subject.digest] * 2
    everything = repository.pusher.request("GET", f"referrers/{subject.digest}")
    assert everything.headers["Content-Type"] == OCI_INDEX
    assert [one["digest"] for one in json.loads(everything.body)["manifests"]] == [report.digest, sbom.digest]
    filtered = repository.pusher.request(
        "GET", f"referrers/{subject.digest}?artifactType=application/spdx%2Bjson"
    )
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    [entry] = json.loads(filtered.body)["manifests"]
    assert (entry["digest"], entry["artifactType"]) == (sbom.digest, "application/spdx+json")
    nothing = repository.pusher.request("GET", f"referrers/sha256:{'0' * 64}")
    assert json.loads(nothing.body)["manifests"] == []


def test_tags_are_listed_in_pages(repository: EcrRepository) -> None:
    for tag in ("a", "b", "c"):
        repository.pusher.push(images.image(tag), tag)
    first = repository.pusher.request("GET", "tags/list?n=2")
    assert json.loads(first.body)["tags"] == ["a", "b"]
    assert "last=b" in first.headers["Link"]
    assert json.loads(repository.pusher.request("GET", "tags/list?n=2&last=b").body)["tags"] == ["c"]


def test_other_accounts_need_the_repository_policy(repository: EcrRepository, clients: Clients) -> None:
    repository.pusher.push(images.image(), "v1")
    staging = replace(repository.pusher, login=login(clients.ecr(STAGING)))
    refused = staging.request("GET", "manifests/v1")
    assert (refused.status, refused.error) == (403, "DENIED")
    statement = {"Effect": "Allow", "Principal": {"AWS": STAGING}, "Action": "ecr:BatchGet*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    repository.ecr.set_repository_policy(repositoryName=repository.name, policyText=policy)
    assert staging.request("GET", "manifests/v1").status == 200
    assert staging.request("POST", "blobs/uploads/").error == "DENIED"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "manifests/v1"), ("GET", "_catalog")])
def test_what_ecr_does_not_do_is_unsupported(repository: EcrRepository, method: str, path: str) -> None:
    assert repository.pusher.request(method, path).error == "UNSUPPORTED"
