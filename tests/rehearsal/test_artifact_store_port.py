"""What every ``ports.ArtifactStore`` does: the fake of the tests, and S3 in the rehearsal."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelway.adapters import artifacts
from modelway.adapters.artifacts import S3Artifacts
from modelway.adapters.aws import Accounts
from modelway.core.manifest import digest_of
from modelway.core.version import Artifact
from modelway.errors import Malformed, NotAllowed, Unavailable
from modelway.ports import ArtifactStore
from modelway.rehearsal.launch import Cloud
from tests.configs import model_config, staging
from tests.fake_images import FakeArtifactStore
from tests.rehearsal.clients import REGION, STAGING, Clients

WEIGHTS = b"weights" * 1000
_numbers = itertools.count(1)


@dataclass
class Setting:
    """A store, and a way to put objects where a config may name them."""

    store: ArtifactStore
    put: Callable[[str, bytes], None]
    """Key and body; returns nothing, the object lies at ``s3://SOURCE/key``."""
    source: str

    def artifact(self, body: bytes = WEIGHTS, *, promised: bytes | None = None) -> Artifact:
        """An uploaded artifact; ``promised`` is what its checksum was taken of."""
        key = f"iris/{next(_numbers)}/model.tar.gz"
        self.put(key, body)
        return Artifact(uri=f"s3://{self.source}/{key}", sha256=digest_of(promised or body))


def fake() -> Setting:
    """The fake, and its objects."""
    store = FakeArtifactStore()
    return Setting(store, lambda key, body: store.objects.update({f"s3://source/{key}": body}), "source")


def enter(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach AWS as modelway does."""
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)


def source_bucket(clients: Clients) -> str:
    """A bucket the artifacts come from."""
    name = f"my-models-{next(_numbers)}"
    place = {"LocationConstraint": REGION}
    clients.s3(STAGING).create_bucket(Bucket=name, CreateBucketConfiguration=place)  # type: ignore[arg-type]  # any region
    return name


@pytest.fixture(params=["fake", pytest.param("s3", marks=pytest.mark.rehearsal)])
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A store nobody used before."""
    if request.param == "fake":
        return fake()
    clients: Clients = request.getfixturevalue("clients")
    enter(request.getfixturevalue("cloud"), monkeypatch)
    source = source_bucket(clients)
    return Setting(
        S3Artifacts(Accounts(), model_config(name=f"iris-{next(_numbers)}"), staging()),
        lambda key, body: (clients.s3(STAGING).put_object(Bucket=source, Key=key, Body=body), None)[1],
        source,
    )


def test_our_copy_is_named_by_content_and_found_once_it_was_brought(setting: Setting) -> None:
    artifact = setting.artifact()
    assert setting.store.find(artifact) is None
    brought = setting.store.bring(artifact)
    assert brought == setting.store.target_uri(artifact) == setting.store.find(artifact)
    assert artifact.sha256.hex in brought


def test_bringing_twice_is_bringing_once(setting: Setting) -> None:
    artifact = setting.artifact()
    assert setting.store.bring(artifact) == setting.store.bring(artifact)


def test_the_same_bytes_from_elsewhere_are_the_same_copy(setting: Setting) -> None:
    assert setting.store.bring(setting.artifact()) == setting.store.bring(setting.artifact())


def test_swapped_bytes_are_not_allowed_and_nothing_is_kept(setting: Setting) -> None:
    artifact = setting.artifact(b"swapped", promised=WEIGHTS)
    with pytest.raises(NotAllowed, match="not the model artifact the config names"):
        setting.store.bring(artifact)
    assert setting.store.find(artifact) is None


def test_a_stream_is_the_bytes_as_they_lie_there(setting: Setting) -> None:
    body = WEIGHTS * 3000
    assert b"".join(setting.store.stream(setting.artifact(body, promised=b"others"))) == body
    with pytest.raises(NotAllowed, match="does not exist"):
        next(setting.store.stream(Artifact(uri=f"s3://{setting.source}/nobody", sha256=digest_of(body))))


def test_an_artifact_that_is_not_there_is_not_allowed(setting: Setting) -> None:
    missing = Artifact(uri=f"s3://{setting.source}/nobody", sha256=digest_of(WEIGHTS))
    with pytest.raises(NotAllowed):
        setting.store.bring(missing)


def test_a_verified_artifact_is_brought_after_its_source_was_swapped(setting: Setting) -> None:
    artifact = setting.artifact()
    brought = setting.store.bring(artifact)
    setting.put(artifact.uri.split("/", 3)[3], b"swapped")
    assert setting.store.bring(artifact) == brought


def test_fetching_gives_the_bytes(setting: Setting, tmp_path: Path) -> None:
    assert setting.store.fetch(setting.artifact(), tmp_path).read_bytes() == WEIGHTS


def test_fetching_swapped_bytes_is_not_allowed(setting: Setting, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        setting.store.fetch(setting.artifact(b"swapped", promised=WEIGHTS), tmp_path)


# --- what only the real one can show ---


@pytest.fixture
def s3(cloud: Cloud, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source bucket, and the environment set to reach it."""
    enter(cloud, monkeypatch)
    return source_bucket(clients)


@pytest.mark.rehearsal
def test_the_error_says_which_bytes_were_expected_and_seen(s3: str, clients: Clients) -> None:
    clients.s3(STAGING).put_object(Bucket=s3, Key="m", Body=b"swapped")
    artifact = Artifact(uri=f"s3://{s3}/m", sha256=digest_of(WEIGHTS))
    with pytest.raises(NotAllowed) as caught:
        S3Artifacts(Accounts(), model_config(), staging()).bring(artifact)
    assert caught.value.exit_code == 4
    assert str(artifact.sha256) in caught.value.seen
    assert str(digest_of(b"swapped")) in caught.value.seen


@pytest.mark.rehearsal
def test_a_checksum_s3_keeps_is_believed_and_spares_the_download(
    s3: str, clients: Clients, faults: Callable[..., None]
) -> None:
    clients.s3(STAGING).put_object(Bucket=s3, Key="m", Body=WEIGHTS, ChecksumAlgorithm="SHA256")
    store = S3Artifacts(Accounts(), model_config(name=f"iris-{next(_numbers)}"), staging())
    faults({"operation": "GetObject", "kind": "denied"})
    assert store.bring(Artifact(uri=f"s3://{s3}/m", sha256=digest_of(WEIGHTS)))


@pytest.mark.rehearsal
def test_what_one_request_cannot_copy_is_copied_in_parts(
    s3: str, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_LARGEST_COPY", 1)
    weights = bytes(9 * 2**20)  # two parts of the transfer manager's
    clients.s3(STAGING).put_object(Bucket=s3, Key="m", Body=weights)
    store = S3Artifacts(Accounts(), model_config(name=f"iris-{next(_numbers)}"), staging())
    wanted = Artifact(uri=f"s3://{s3}/m", sha256=digest_of(weights))
    bucket, _, key = store.bring(wanted).removeprefix("s3://").partition("/")
    assert clients.s3(STAGING).get_object(Bucket=bucket, Key=key)["Body"].read() == weights


@pytest.mark.rehearsal
def test_the_bucket_modelway_names_is_made_private_versioned_and_encrypted(s3: str, clients: Clients) -> None:
    clients.s3(STAGING).put_object(Bucket=s3, Key="m", Body=WEIGHTS)
    S3Artifacts(Accounts(), model_config(), staging()).bring(
        Artifact(uri=f"s3://{s3}/m", sha256=digest_of(WEIGHTS))
    )
    client, name = clients.s3(STAGING), f"modelway-{STAGING}-{REGION}"
    assert all(client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert client.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]


@pytest.mark.rehearsal
def test_a_bucket_the_config_names_is_not_made(s3: str, clients: Clients) -> None:
    clients.s3(STAGING).put_object(Bucket=s3, Key="m", Body=WEIGHTS)
    store = S3Artifacts(Accounts(), model_config(), staging(artifact_bucket="nobody-has-this"))
    with pytest.raises(Unavailable) as caught:
        store.bring(Artifact(uri=f"s3://{s3}/m", sha256=digest_of(WEIGHTS)))
    assert "aws s3 mb s3://nobody-has-this --region eu-west-1" in caught.value.cure


@pytest.mark.parametrize("uri", ["https://x/y", "s3://bucket", "s3://bucket/", "model.tar.gz", ""])
def test_an_address_that_is_no_object_in_s3_is_malformed(uri: str) -> None:
    store = S3Artifacts(Accounts(), model_config(), staging())
    with pytest.raises((Malformed, Unavailable)):
        store.fetch(Artifact(uri=uri, sha256=digest_of(b"")), Path())
