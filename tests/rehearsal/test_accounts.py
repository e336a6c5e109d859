"""Accounts, identities and what S3 lets other accounts do in the rehearsal."""

from __future__ import annotations

import base64
import hashlib
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from tests.rehearsal.clients import LAPTOP, ONCE, PRODUCTION, REGION, REGISTRY, STAGING, Clients

pytestmark = pytest.mark.rehearsal


def make_bucket(s3: S3Client, name: str) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("account", [REGISTRY, STAGING, PRODUCTION])
def test_a_role_is_an_account(clients: Clients, account: str) -> None:
    told = clients.sts(account).get_caller_identity()
    assert told["Account"] == account
    assert told["Arn"] == f"arn:aws:sts::{account}:assumed-role/modelway/test"


def test_the_laptop_has_an_account_of_its_own(clients: Clients) -> None:
    told = clients.sts(LAPTOP).get_caller_identity()
    assert (told["Account"], told["Arn"]) == (LAPTOP, f"arn:aws:iam::{LAPTOP}:user/laptop")


def test_accounts_do_not_see_each_other(clients: Clients) -> None:
    clients.ecr(STAGING).create_repository(repositoryName="ml/of-staging")
    with pytest.raises(ClientError) as caught:
        clients.ecr(PRODUCTION).describe_repositories(repositoryNames=["ml/of-staging"])
    assert code_of(caught) == "RepositoryNotFoundException"


def test_a_key_of_nobody_is_refused(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto takes any key, for its account 123456789012."""
    stranger = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=REGION)
    for service in ("sts", "s3", "ecr"):
        client = stranger.client(service, endpoint_url=clients.cloud.endpoint, config=ONCE)
        operation = {"sts": "get_caller_identity", "s3": "list_buckets", "ecr": "describe_repositories"}[
            service
        ]
        with pytest.raises(ClientError) as caught:
            getattr(client, operation)()
        assert code_of(caught) == "InvalidClientTokenId"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        assert stranger.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_another_account_reads_only_what_the_bucket_policy_allows(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto lets every account read every bucket."""
    owner, reader = clients.s3(REGISTRY), clients.s3(STAGING)
    make_bucket(owner, "models")
    owner.put_object(Bucket="models", Key="iris/model.tar.gz", Body=b"weights")
    with pytest.raises(ClientError) as caught:
        reader.get_object(Bucket="models", Key="iris/model.tar.gz")
    assert code_of(caught) == "AccessDenied"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:role/modelway"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::models/iris/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    owner.put_bucket_policy(Bucket="models", Policy=policy)
    assert reader.get_object(Bucket="models", Key="iris/model.tar.gz")["Body"].read() == b"weights"
    make_bucket(reader, "staging-models")
    reader.copy_object(
        Bucket="staging-models", Key="copy", CopySource={"Bucket": "models", "Key": "iris/model.tar.gz"}
    )
    for refused in (
        lambda: reader.put_object(Bucket="models", Key="iris/x", Body=b""),
        lambda: reader.list_objects_v2(Bucket="models"),
        lambda: reader.copy_object(
            Bucket="staging-models", Key="c", CopySource={"Bucket": "models", "Key": "other"}
        ),
    ):
        with pytest.raises(ClientError) as caught:
            refused()
        assert code_of(caught) == "AccessDenied"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        s3 = boto3.client("s3", region_name=REGION)
        make_bucket(s3, "models")
        monkeypatch.setenv("MOTO_ACCOUNT_ID", STAGING)
        assert s3.put_object(Bucket="models", Key="k", Body=b"")


def test_s3_keeps_and_checks_sha256(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto checks none, and keeps only those whose algorithm is named in a header of its own."""
    s3 = clients.s3(STAGING)
    make_bucket(s3, "checked")
    right = base64.b64encode(hashlib.sha256(b"weights").digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    s3.put_object(Bucket="checked", Key="k", Body=b"weights", ChecksumSHA256=right)
    assert s3.head_object(Bucket="checked", Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == right
    s3.put_object(Bucket="checked", Key="asked", Body=b"weights", ChecksumAlgorithm="SHA256")
    assert s3.head_object(Bucket="checked", Key="asked", ChecksumMode="ENABLED")["ChecksumSHA256"] == right
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="checked", Key="bad", Body=b"weights", ChecksumSHA256=wrong)
    assert code_of(caught) == "BadDigest"
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="checked", Key="k", Body=b"again", IfNoneMatch="*")
    assert code_of(caught) == "PreconditionFailed"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        moto = boto3.client("s3", region_name=REGION)
        make_bucket(moto, "checked")
        assert moto.put_object(Bucket="checked", Key="bad", Body=b"weights", ChecksumSHA256=wrong)
        assert "ChecksumSHA256" not in moto.head_object(Bucket="checked", Key="bad", ChecksumMode="ENABLED")
