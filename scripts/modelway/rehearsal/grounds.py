"""What real accounts would have before the first release: roles, buckets, and the trained archive in S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.core import naming
from modelway.core.config import ModelConfig
from modelway.rehearsal.venue import open_venue

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

ROLE = "rehearsal"
"""Role by which the rehearsal itself looks into the accounts."""
_STANDING = "modelway-rehearsal-laptop"


@cache
def account(number: str, region: str) -> boto3.Session:
    """A session in one of the rehearsal's accounts."""
    import boto3  # noqa: PLC0415 - keeps --help fast

    arn = f"arn:aws:iam::{number}:role/{ROLE}"
    # Its own session: boto3's default one remembers the credentials of whoever used it first.
    sts = boto3.Session(region_name=region).client("sts")
    given = sts.assume_role(RoleArn=arn, RoleSessionName=_STANDING)
    keys = given["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=region,
    )


def asking_once() -> Config:
    """How users ask: a lost request is to be counted, not repaired."""
    from botocore.config import Config  # noqa: PLC0415 - keeps --help fast

    return Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=20)


@dataclass(frozen=True, slots=True, order=True)
class Role:
    """A role of an account, and who may assume it."""

    account: str
    name: str
    trusted: str
    """JSON of the Principal element."""


def roles(config: ModelConfig, laptop: str) -> tuple[Role, ...]:
    """The roles the config counts on; ``laptop`` is the account that releases."""
    return tuple(sorted(set(_roles(config, laptop))))


def _roles(config: ModelConfig, laptop: str) -> Iterator[Role]:
    people = json.dumps({"AWS": f"arn:aws:iam::{laptop}:root"})
    yield Role(config.registry.account, config.registry.push_role, people)
    yield Role(config.registry.account, config.registry.read_role, people)
    yield Role(config.registry.account, config.registry.evidence_role, people)
    yield Role(config.registry.account, config.registry.prune_role, people)
    for environment in config.environments.values():
        yield Role(environment.account, environment.deploy_role, people)
        yield Role(environment.account, environment.plan_role, people)
        yield Role(environment.account, config.registry.prune_role, people)
        if environment.break_glass_role:
            yield Role(environment.account, environment.break_glass_role, people)
        yield Role(environment.account, environment.retire_role, people)
        for role, service in open_venue(config, environment).roles():
            yield Role(environment.account, role.rpartition("/")[2], json.dumps({"Service": service}))


def make_roles(config: ModelConfig, laptop: str) -> None:
    """Create the roles."""
    region = config.registry.region
    for role in roles(config, laptop):
        statement = {
            "Effect": "Allow",
            "Principal": json.loads(role.trusted),
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = account(role.account, region).client("iam")
        iam.create_role(RoleName=role.name, AssumeRolePolicyDocument=document)


def make_buckets(config: ModelConfig) -> None:
    """Create the environments' own buckets, as an account is set up with."""
    for environment in config.environments.values():
        s3 = account(environment.account, environment.region).client("s3")
        s3.create_bucket(
            Bucket=naming.bucket_name(environment),
            CreateBucketConfiguration={"LocationConstraint": environment.region},  # type: ignore[typeddict-item]  # any region
        )


def upload(config: ModelConfig, archive: Path) -> None:
    """Put the archive where the config says it lies, as a training job does; environments may read it."""
    if config.artifact is None:
        return
    bucket, _, key = config.artifact.uri.removeprefix("s3://").partition("/")
    region = config.registry.region
    s3 = account(config.registry.account, region).client("s3")
    there = {each["Name"] for each in s3.list_buckets()["Buckets"]}
    if bucket not in there:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item]  # any region
        readers = sorted({f"arn:aws:iam::{e.account}:root" for e in config.environments.values()})
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": readers},
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
    s3.upload_file(str(archive), bucket, key)
