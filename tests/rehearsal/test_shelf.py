"""Copies of model artifacts on the rehearsal's S3: told with their versions, deleted one at a time."""

from __future__ import annotations

import itertools

import pytest

from modelway.adapters.artifact_shelf import S3Shelf
from modelway.adapters.artifacts import S3Artifacts
from modelway.adapters.aws import Accounts
from modelway.core.manifest import digest_of
from modelway.core.version import Artifact
from modelway.core.weights import Expiry
from modelway.rehearsal.launch import Cloud
from tests.configs import model_config, staging
from tests.rehearsal.clients import REGION, STAGING, Clients

pytestmark = pytest.mark.rehearsal

_numbers = itertools.count(1)
PLACE = {"LocationConstraint": REGION}


class Ground:
    """A bucket of its own, the copies in it, and the store that brings them."""

    def __init__(self, clients: Clients, *, versioned: bool) -> None:
        number = next(_numbers)
        self.s3, self.bucket, self.source = clients.s3(STAGING), f"shelf-{number}", f"shelf-source-{number}"
        for name in (self.bucket, self.source):
            self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=PLACE)  # type: ignore[arg-type]  # any region
        if versioned:
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        place = staging(artifact_bucket=self.bucket)
        config = model_config(name="iris")
        self.store = S3Artifacts(Accounts(), config, place)
        self.shelf = S3Shelf(Accounts(), config, place)

    def bring(self, body: bytes) -> str:
        """A copy that modelway makes; its key."""
        self.s3.put_object(Bucket=self.source, Key="m", Body=body)
        artifact = Artifact(uri=f"s3://{self.source}/m", sha256=digest_of(body))
        return self.store.bring(artifact).removeprefix(f"s3://{self.bucket}/")


@pytest.fixture(params=[True, False], ids=["versioned", "plain"])
def ground(
    request: pytest.FixtureRequest, cloud: Cloud, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    """As modelway reaches it."""
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    return Ground(clients, versioned=request.param)


def test_a_copy_is_told_and_deleted_for_good(ground: Ground) -> None:
    key, other = ground.bring(b"one"), ground.bring(b"two")
    ground.s3.put_object(Bucket=ground.bucket, Key="iris-2/x", Body=b"another model's")
    found = {copy.key: copy for copy in ground.shelf.copies()}
    assert {*found} == {key, other}
    assert found[key].sha256 == str(digest_of(b"one"))
    assert ground.shelf.delete(found[key])
    assert ground.shelf.delete(found[key]), "it is gone already"
    told = ground.s3.list_object_versions(Bucket=ground.bucket, Prefix=key)
    assert not told.get("Versions")
    assert not told.get("DeleteMarkers")
    assert [copy.key for copy in ground.shelf.copies()] == [other]


def test_what_modelway_did_not_write_is_left_there(ground: Ground) -> None:
    key = f"iris/{digest_of(b'theirs').hex}/model.tar.gz"
    ground.s3.put_object(Bucket=ground.bucket, Key=key, Body=b"theirs")
    [copy] = ground.shelf.copies()
    assert not ground.shelf.delete(copy)
    assert ground.shelf.copies() == (copy,)


def test_only_the_version_that_is_named_goes(clients: Clients, cloud: Cloud, monkeypatch) -> None:
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    ground = Ground(clients, versioned=True)
    key = ground.bring(b"one")
    [ours] = ground.shelf.copies()
    ground.s3.put_object(Bucket=ground.bucket, Key=key, Body=b"theirs")
    assert {copy.version: copy.latest for copy in ground.shelf.copies()}[ours.version] is False
    assert ground.shelf.delete(ours)
    assert ground.s3.get_object(Bucket=ground.bucket, Key=key)["Body"].read() == b"theirs"
    ground.s3.delete_object(Bucket=ground.bucket, Key=key)
    assert [copy.latest for copy in ground.shelf.copies()] == [False], "a delete marker hides it"


def test_rules_that_take_objects_are_told_and_others_are_not(ground: Ground) -> None:
    assert ground.shelf.expiries() == ()
    rules = [
        {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "iris/"}, "Expiration": {"Days": 9}},
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}},
        {
            "ID": "cold",
            "Status": "Enabled",
            "Filter": {"Prefix": "x/"},
            "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
        },
        {
            "ID": "cheap",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
        },
        {
            "ID": "past",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        },
    ]
    ground.s3.put_bucket_lifecycle_configuration(
        Bucket=ground.bucket,
        LifecycleConfiguration={"Rules": rules},  # type: ignore[typeddict-item]  # a rule each
    )
    assert {*ground.shelf.expiries()} == {
        Expiry(name="old", prefix="iris/"),
        Expiry(name="cold", prefix="x/", does="move to GLACIER"),
    }


def test_there_may_be_no_bucket_yet(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    shelf = S3Shelf(Accounts(), model_config(name="iris"), staging(artifact_bucket="nobody-made-this"))
    assert (shelf.copies(), shelf.expiries()) == ((), ())
