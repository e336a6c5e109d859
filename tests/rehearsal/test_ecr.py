"""ECR in the rehearsal, and what moto answers by itself: each test names the gap it shows filled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecr import ECRClient

from modelway.core.image import DOCKER_MANIFEST, OCI_INDEX
from tests.rehearsal import images
from tests.rehearsal.clients import REGISTRY, STAGING, Clients
from tests.rehearsal.conftest import EcrRepository

pytestmark = pytest.mark.rehearsal

Make = Callable[..., EcrRepository]
EXCLUDING: dict[str, object] = {
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "env-*"}],
}


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def repository(make_repository: Make) -> EcrRepository:
    return make_repository()


@pytest.fixture
def moto(moto_ecr: ECRClient) -> ECRClient:
    moto_ecr.create_repository(repositoryName="ml/x")
    return moto_ecr


def test_put_image_names_the_image_by_its_manifest(repository: EcrRepository, moto: ECRClient) -> None:
    """moto hashes the joined layer digests."""
    built = images.image()
    repository.pusher.push(built)
    ours = repository.ecr.put_image(repositoryName=repository.name, imageManifest=built.text, imageTag="v1")
    theirs = moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="v1")
    digest = f"sha256:{hashlib.sha256(built.manifest).hexdigest()}"
    assert ours["image"]["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    assert theirs["image"]["imageId"]["imageDigest"] != digest


def test_put_image_refuses_a_digest_that_is_not_the_manifests(
    repository: EcrRepository, moto: ECRClient
) -> None:
    """moto stores whatever digest it is given."""
    built, wrong = images.image(), f"sha256:{'0' * 64}"
    repository.pusher.push(built)
    with pytest.raises(ClientError) as caught:
        repository.ecr.put_image(
            repositoryName=repository.name, imageManifest=built.text, imageTag="v1", imageDigest=wrong
        )
    assert code_of(caught) == "ImageDigestDoesNotMatchException"
    theirs = moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="v1", imageDigest=wrong)
    assert theirs["image"]["imageId"]["imageDigest"] == wrong


def test_put_image_says_that_a_repository_is_missing(clients: Clients, moto_ecr: ECRClient) -> None:
    """moto fails with a bare exception."""
    with pytest.raises(ClientError) as caught:
        clients.ecr().put_image(repositoryName="ml/none", imageManifest=images.image().text, imageTag="v1")
    assert code_of(caught) == "RepositoryNotFoundException"
    with pytest.raises(Exception, match="is not a repository"):
        moto_ecr.put_image(repositoryName="ml/none", imageManifest=images.image().text, imageTag="v1")


def test_put_image_needs_the_layers(repository: EcrRepository, moto: ECRClient) -> None:
    """moto takes a manifest of layers nobody uploaded."""
    built = images.image("never uploaded")
    with pytest.raises(ClientError) as caught:
        repository.ecr.put_image(repositoryName=repository.name, imageManifest=built.text, imageTag="v1")
    assert code_of(caught) == "LayersNotFoundException"
    assert moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="v1")


def test_put_image_of_an_index_needs_its_images(repository: EcrRepository) -> None:
    child = images.image("a child nobody pushed")
    entry = {"mediaType": child.media_type, "digest": child.digest, "size": len(child.manifest)}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    with pytest.raises(ClientError) as caught:
        repository.ecr.put_image(repositoryName=repository.name, imageManifest=index, imageTag="all")
    assert code_of(caught) == "ReferencedImagesNotFoundException"


def test_putting_the_same_again_is_told_apart_from_moving_an_immutable_tag(
    make_repository: Make, moto_ecr: ECRClient
) -> None:
    """moto says ImageAlreadyExistsException to both."""
    one, other = images.image("one"), images.image("other")
    repository = make_repository(imageTagMutability="IMMUTABLE")
    moto_ecr.create_repository(repositoryName="ml/x", imageTagMutability="IMMUTABLE")
    repository.pusher.push(other)
    for ecr, name in ((repository.ecr, repository.name), (moto_ecr, "ml/x")):
        if ecr is repository.ecr:
            repository.pusher.push(one, "v1")
        else:
            ecr.put_image(repositoryName=name, imageManifest=one.text, imageTag="v1")
    codes = []
    for ecr, name in ((repository.ecr, repository.name), (moto_ecr, "ml/x")):
        for built in (one, other):
            with pytest.raises(ClientError) as caught:
                ecr.put_image(repositoryName=name, imageManifest=built.text, imageTag="v1")
            codes.append(code_of(caught))
    assert codes[:2] == ["ImageAlreadyExistsException", "ImageTagAlreadyExistsException"]
    assert codes[2:] == ["ImageAlreadyExistsException", "ImageAlreadyExistsException"]


def test_exclusion_filters_are_wildcards(make_repository: Make, moto_ecr: ECRClient) -> None:
    """moto reads them as regular expressions, so that ``env-*`` lets ``envelope`` move too."""
    repository = make_repository(**EXCLUDING)
    moto_ecr.create_repository(repositoryName="ml/x", **EXCLUDING)  # type: ignore[arg-type]  # the same as ours
    one, other = images.image("one"), images.image("other")
    repository.pusher.push(other)
    for tag in ("env-staging", "envelope"):
        repository.pusher.push(one, tag)
        moto_ecr.put_image(repositoryName="ml/x", imageManifest=one.text, imageTag=tag)
    put = repository.ecr.put_image
    moved = put(repositoryName=repository.name, imageManifest=other.text, imageTag="env-staging")
    assert moved["image"]["imageId"]["imageDigest"] == other.digest
    with pytest.raises(ClientError) as caught:
        put(repositoryName=repository.name, imageManifest=other.text, imageTag="envelope")
    assert code_of(caught) == "ImageTagAlreadyExistsException"
    assert moto_ecr.put_image(repositoryName="ml/x", imageManifest=other.text, imageTag="envelope")


def test_an_image_that_loses_its_tag_stays(repository: EcrRepository, moto: ECRClient) -> None:
    """moto deletes it, and with it the way back."""
    one, other = images.image("one"), images.image("other")
    repository.pusher.push(one, "latest")
    repository.pusher.push(other, "latest")
    ours = repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    assert [(told["imageDigest"], told.get("imageTags")) for told in ours] == [
        (one.digest, None),
        (other.digest, ["latest"]),
    ]
    for built in (one, other):
        moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="latest")
    assert len(moto.describe_images(repositoryName="ml/x")["imageDetails"]) == 1


def test_describe_images_tells_size_and_types(repository: EcrRepository, moto: ECRClient) -> None:
    """moto tells the config's size, and no artifact type."""
    built = images.image()
    repository.pusher.push(built, "v1")
    [ours] = repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag="v1")
    [theirs] = moto.describe_images(repositoryName="ml/x")["imageDetails"]
    config, layer = built.blobs
    assert ours["imageSizeInBytes"] == len(config) + len(layer)
    assert ours["imageManifestMediaType"] == DOCKER_MANIFEST
    assert ours["artifactMediaType"] == images.DOCKER_CONFIG
    assert theirs["imageSizeInBytes"] == len(config)
    assert "artifactMediaType" not in theirs


def test_lists_come_in_pages(repository: EcrRepository, moto: ECRClient) -> None:
    """moto ignores maxResults."""
    tags = [f"v{number}" for number in range(5)]
    for tag in tags:
        built = images.image(tag)
        repository.pusher.push(built, tag)
        moto.put_image(repositoryName="ml/x", imageManifest=built.text, imageTag=tag)
    pager = repository.ecr.get_paginator("list_images")
    pages = list(pager.paginate(repositoryName=repository.name, PaginationConfig={"PageSize": 2}))
    assert [len(page["imageIds"]) for page in pages] == [2, 2, 1]
    assert [one["imageTag"] for page in pages for one in page["imageIds"]] == tags
    described = repository.ecr.describe_images(repositoryName=repository.name, maxResults=2)
    assert len(described["imageDetails"]) == 2
    assert described["nextToken"]
    assert len(moto.list_images(repositoryName="ml/x", maxResults=2)["imageIds"]) == 5


def test_batch_get_image_fails_inside_its_answer(repository: EcrRepository) -> None:
    one, other = images.image("one"), images.image("other")
    repository.pusher.push(one, "v1")
    repository.pusher.push(other, "v2")
    answer = repository.ecr.batch_get_image(
        repositoryName=repository.name,
        imageIds=[
            {"imageDigest": one.digest},
            {"imageTag": "v2"},
            {"imageTag": "none"},
            {"imageTag": "v1", "imageDigest": other.digest},
        ],
        acceptedMediaTypes=[DOCKER_MANIFEST],
    )
    assert [found["imageManifest"] for found in answer["images"]] == [one.text, other.text]
    assert [failure["failureCode"] for failure in answer["failures"]] == [
        "ImageNotFound",
        "ImageTagDoesNotMatchDigest",
    ]


def test_retagging_moves_no_bytes_and_the_registry_agrees(make_repository: Make) -> None:
    repository = make_repository(**EXCLUDING)
    built = images.image()
    repository.pusher.push(built, "1.0.0")
    put = repository.ecr.put_image
    put(repositoryName=repository.name, imageManifest=built.text, imageTag="env-x", imageDigest=built.digest)
    pulled = repository.pusher.request("GET", "manifests/env-x")
    assert (pulled.body, pulled.headers["Docker-Content-Digest"]) == (built.manifest, built.digest)
    [told] = repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
    assert told["imageTags"] == ["1.0.0", "env-x"]


def test_deleting_a_tag_deletes_the_image_with_the_last_one(repository: EcrRepository) -> None:
    built = images.image()
    repository.pusher.push(built, "a")
    repository.pusher.push(built, "b")
    delete = repository.ecr.batch_delete_image
    delete(repositoryName=repository.name, imageIds=[{"imageTag": "a"}])
    assert repository.pusher.request("GET", "manifests/a").status == 404
    assert repository.pusher.request("GET", f"manifests/{built.digest}").status == 200
    delete(repositoryName=repository.name, imageIds=[{"imageTag": "b"}])
    assert repository.pusher.request("GET", f"manifests/{built.digest}").status == 404


def test_a_deleted_repository_takes_its_images_with_it(repository: EcrRepository) -> None:
    repository.pusher.push(images.image(), "v1")
    with pytest.raises(ClientError) as caught:
        repository.ecr.delete_repository(repositoryName=repository.name)
    assert code_of(caught) == "RepositoryNotEmptyException"
    repository.ecr.delete_repository(repositoryName=repository.name, force=True)
    repository.ecr.create_repository(repositoryName=repository.name)
    assert repository.pusher.request("GET", "manifests/v1").status == 404
    assert repository.ecr.list_images(repositoryName=repository.name)["imageIds"] == []


def test_the_login_is_valid_for_twelve_hours(clients: Clients, moto_ecr: ECRClient) -> None:
    """moto's expired in 2015, so that a client who honours that asks again and again."""
    [ours] = clients.ecr().get_authorization_token()["authorizationData"]
    [theirs] = moto_ecr.get_authorization_token()["authorizationData"]
    left = ours["expiresAt"] - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    assert theirs["expiresAt"].year == 2015
    assert ours["proxyEndpoint"] == clients.cloud.endpoint


def test_referrers_are_listed_by_type(repository: EcrRepository, moto: ECRClient) -> None:
    """moto has no ListImageReferrers."""
    subject = images.image()
    report = images.referrer(subject, "application/vnd.example.report", b"{}")
    sbom = images.referrer(subject, "application/spdx+json", b"[]")
    for built in (subject, report, sbom):
        repository.pusher.push(built)
    ask = repository.ecr.list_image_referrers
    about = {"imageDigest": subject.digest}
    [told] = ask(
        repositoryName=repository.name,
        subjectId=about,  # type: ignore[arg-type]  # a TypedDict of one key
        filter={"artifactTypes": ["application/spdx+json"]},
    )["referrers"]
    assert told["digest"] == sbom.digest
    assert told["size"] == len(sbom.manifest)
    assert told["annotations"] == {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
    first = ask(repositoryName=repository.name, subjectId=about, maxResults=1)  # type: ignore[arg-type]
    assert [one["digest"] for one in first["referrers"]] == [report.digest]
    assert first["nextToken"]
    [described] = [
        one
        for one in repository.ecr.describe_images(repositoryName=repository.name)["imageDetails"]
        if one["imageDigest"] == report.digest
    ]
    assert described["subjectManifestDigest"] == subject.digest
    assert described["artifactMediaType"] == "application/vnd.example.report"
    with pytest.raises(NotImplementedError):
        moto.list_image_referrers(repositoryName="ml/x", subjectId=about)  # type: ignore[arg-type]


def test_layers_can_be_uploaded_through_the_api(repository: EcrRepository, moto: ECRClient) -> None:
    """moto counts their bytes and forgets them; here the image is then pulled."""
    built = images.image("through the api")
    for blob in built.blobs:
        opened = repository.ecr.initiate_layer_upload(repositoryName=repository.name)
        upload = {"repositoryName": repository.name, "uploadId": opened["uploadId"]}
        repository.ecr.upload_layer_part(
            **upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
        )
        repository.ecr.complete_layer_upload(**upload, layerDigests=[images.sha256(blob)])
    repository.ecr.put_image(repositoryName=repository.name, imageManifest=built.text, imageTag="v1")
    layer = images.sha256(built.blobs[1])
    address = repository.ecr.get_download_url_for_layer(repositoryName=repository.name, layerDigest=layer)
    assert repository.pusher.pool.request("GET", address["downloadUrl"]).data == built.blobs[1]
    with pytest.raises(NotImplementedError):
        moto.get_download_url_for_layer(repositoryName="ml/x", layerDigest=layer)


def test_layer_availability_knows_what_was_pushed(repository: EcrRepository) -> None:
    built = images.image("available")
    repository.pusher.push(built)
    there, missing = images.sha256(built.blobs[1]), f"sha256:{'1' * 64}"
    answer = repository.ecr.batch_check_layer_availability(
        repositoryName=repository.name, layerDigests=[there, missing]
    )
    assert [(one["layerDigest"], one["layerSize"]) for one in answer["layers"]] == [
        (there, len(built.blobs[1]))
    ]
    assert [one["failureCode"] for one in answer["failures"]] == ["MissingLayerDigest"]


def test_another_account_needs_the_repository_policy(repository: EcrRepository, clients: Clients) -> None:
    """moto stores repository policies and asks none."""
    built = images.image()
    repository.pusher.push(built, "v1")
    staging = clients.ecr(STAGING)

    def ask() -> int:
        answer = staging.batch_get_image(
            registryId=REGISTRY, repositoryName=repository.name, imageIds=[{"imageTag": "v1"}]
        )
        return len(answer["images"])

    with pytest.raises(ClientError) as caught:
        ask()
    assert code_of(caught) == "AccessDeniedException"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    repository.ecr.set_repository_policy(repositoryName=repository.name, policyText=policy)
    assert ask() == 1


def keeping(number: int) -> str:
    """A policy that keeps so many of any images."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number}
    rule = {"rulePriority": 7, "description": "the newest stay", "selection": selection}
    return json.dumps({"rules": [{**rule, "action": {"type": "expire"}}]})


def test_a_lifecycle_policy_is_kept_and_previewed(repository: EcrRepository, moto: ECRClient) -> None:
    """moto has no previews."""
    ecr, name = repository.ecr, repository.name
    with pytest.raises(NotImplementedError):
        moto.start_lifecycle_policy_preview(repositoryName="ml/moto", lifecyclePolicyText=keeping(1))
    with pytest.raises(ClientError) as caught:
        ecr.start_lifecycle_policy_preview(repositoryName=name)
    assert code_of(caught) == "LifecyclePolicyNotFoundException"
    with pytest.raises(ClientError) as caught:
        ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert code_of(caught) == "LifecyclePolicyPreviewNotFoundException"
    pushed = {repository.pusher.push(images.image(tag), tag) for tag in ("a", "b", "c")}
    text = keeping(1)
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
    assert ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == text
    assert ecr.start_lifecycle_policy_preview(repositoryName=name)["status"] == "IN_PROGRESS"
    with pytest.raises(ClientError) as caught:
        ecr.start_lifecycle_policy_preview(repositoryName=name)
    assert code_of(caught) == "LifecyclePolicyPreviewInProgressException"
    assert ecr.get_lifecycle_policy_preview(repositoryName=name)["status"] == "IN_PROGRESS"
    told = ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert (told["status"], told["summary"]["expiringImageTotalCount"]) == ("COMPLETE", 2)
    assert {one["appliedRulePriority"] for one in told["previewResults"]} == {7}
    assert len(pushed - {one["imageDigest"] for one in told["previewResults"]}) == 1
    assert len(ecr.describe_images(repositoryName=name)["imageDetails"]) == 3, "it is only a preview"


def test_a_preview_refuses_what_is_no_policy(repository: EcrRepository) -> None:
    text = keeping(1).replace("any", "all")
    with pytest.raises(ClientError, match="all") as caught:
        repository.ecr.start_lifecycle_policy_preview(
            repositoryName=repository.name, lifecyclePolicyText=text
        )
    assert code_of(caught) == "InvalidParameterException"
