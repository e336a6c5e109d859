"""What ``doctor`` looks at in AWS whatever the target: who calls, roles, repository, artifact, bucket.

Everything here only reads. What the caller may not read, or the endpoint does not know, could not be
checked; that is not the same as missing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from modelway.adapters import aws
from modelway.adapters.artifacts import Place
from modelway.adapters.aws_errors import code, translated
from modelway.core import ecr
from modelway.core.config import Environment, ModelConfig, RegistrySpec
from modelway.core.diagnosis import Diagnosis, Examination, absent, missing, ok
from modelway.core.json import JsonObject
from modelway.core.naming import bucket_name, partition, role_arn
from modelway.core.version import Artifact
from modelway.errors import Unavailable

if TYPE_CHECKING:
    import boto3

    from modelway.adapters.aws import Accounts

T = TypeVar("T")
_NONE = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


class Look:
    """Sessions for looks that run side by side: boto3 makes sessions and clients one at a time."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts, self._lock = accounts, threading.Lock()

    def session(self, account: str, region: str, role: str) -> boto3.Session:
        """A session in the account; raises ``Unavailable``."""
        with self._lock:
            return self._accounts.session(account, region, role)

    def place(self, place: Environment) -> boto3.Session:
        """An environment, as who plans sees it."""
        return self.session(place.account, place.region, place.plan_role)

    def caller(self) -> tuple[str, str]:
        """The caller's account and ARN."""
        with self._lock:
            return self._accounts.caller

    def making(self, make: Callable[[], T]) -> T:
        """Make a client."""
        with self._lock:
            return make()


def read(doing: str, service: str, call: Callable[[], T], *, none: frozenset[str] = frozenset()) -> T | None:
    """The answer; ``None`` for errors that mean there is none; raises ``Unavailable`` for all others."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    try:
        with translated(doing, service=service):
            return call()
    except ClientError as error:
        if code(error) in none:
            return None
        who = "the rehearsal" if code(error) == "NotRehearsed" else "AWS"
        raise Unavailable(f"{who} did not {doing}", seen=str(error)) from error


def examinations(configs: Sequence[ModelConfig], look: Look) -> Iterator[Examination]:
    """Each thing once, however many configs need it."""
    yield Examination(area="AWS", subject="credentials", look=partial(_caller, look))
    yield from _once(one for config in configs for one in _roles(config, look))
    yield from _once(one for config in configs for one in _of(config, look))


def _once(several: Iterator[tuple[tuple[str, ...], Examination]]) -> Iterator[Examination]:
    """The first of every key."""
    found: dict[tuple[str, ...], Examination] = {}
    for key, one in several:
        found.setdefault(key, one)
    return iter(found.values())


def _caller(look: Look) -> Diagnosis:
    """Who is calling."""
    try:
        return ok(look.caller()[1])
    except Unavailable as failure:
        if "could not be reached" in failure.what:
            raise
        return absent(failure)


def _roles(config: ModelConfig, look: Look) -> Iterator[tuple[tuple[str, ...], Examination]]:
    """Every role the config names, in its account."""
    spec = config.registry
    held = [spec.read_role, spec.push_role]
    if any(place.account != spec.account for place in config.environments.values()):
        held.append(spec.evidence_role)
    held.append(spec.prune_role)
    named = [("registry", spec.account, spec.region, role) for role in held]
    for place in config.environments.values():
        named += [
            (place.name, place.account, place.region, role) for role in (place.plan_role, place.deploy_role)
        ]
    for where, account, region, role in named:
        yield (
            (account, role),
            Examination(
                area=f"{where} ({account})",
                subject=f"role {role}",
                look=partial(_role, look, account, region, role),
            ),
        )


def _role(look: Look, account: str, region: str, role: str) -> Diagnosis:
    """Whether it can be assumed, or the caller is in its account."""
    own, arn = look.caller()
    if own == account:
        return ok(f"not assumed: {arn} is in this account and acts itself")
    try:
        look.session(account, region, role)
    except Unavailable as failure:
        if "cannot assume" in failure.what:
            cure = f"scripts/run iam --format cloudformation, applied in {account}; or {failure.cure}"
            return absent(Unavailable(failure.what, seen=failure.seen, cure=cure))
        raise
    return ok(role_arn(role, account, region))


def _of(config: ModelConfig, look: Look) -> Iterator[tuple[tuple[str, ...], Examination]]:
    """Repository, artifact, buckets."""
    spec = config.registry
    places = [*config.environments.values()]
    pullers = sorted({place.account for place in places} - {spec.account})
    yield (
        (spec.account, spec.region, spec.repository, *pullers),
        Examination(
            area=f"registry ({spec.account})",
            subject=f"repository {spec.repository}",
            look=partial(_repository, look, config, spec, pullers),
        ),
    )
    for place in places:
        area = f"{place.name} ({place.account})"
        if config.artifact:
            yield (
                (place.account, config.artifact.uri),
                Examination(
                    area=area,
                    subject=f"model artifact of {config.name}",
                    look=partial(_artifact, look, place, config.artifact),
                ),
            )
            yield (
                (place.account, bucket_name(place)),
                Examination(
                    area=area,
                    subject=f"bucket {bucket_name(place)}",
                    look=partial(_bucket, look, place),
                ),
            )


def _repository(look: Look, config: ModelConfig, spec: RegistrySpec, pullers: Sequence[str]) -> Diagnosis:
    """There, and every environment's account may pull."""
    session = look.session(spec.account, spec.region, spec.read_role)
    client = look.making(lambda: session.client("ecr", config=aws.patient()))
    found = read(
        f"look at the repository {spec.repository}",
        "ecr",
        lambda: client.describe_repositories(repositoryNames=[spec.repository]),
        none=frozenset({"RepositoryNotFoundException"}),
    )
    if found is None:
        return ok("not there yet: the first push makes it")
    answer = read(
        f"read the policy of {spec.repository}",
        "ecr",
        lambda: client.get_repository_policy(repositoryName=spec.repository),
        none=frozenset({"RepositoryPolicyNotFoundException"}),
    )
    policy: JsonObject = json.loads(answer["policyText"]) if answer else {}
    barred = ecr.barred(policy, partition(spec.region), pullers)
    if barred:
        what = f"{', '.join(barred)} may not pull from it"
        return missing(what, f"scripts/run push {config.path}, which sets its policy")
    return ok(found["repositories"][0]["repositoryUri"])


def _artifact(look: Look, place: Environment, artifact: Artifact) -> Diagnosis:
    """There, and readable from this environment."""
    source = Place.parse(artifact.uri)
    session = look.place(place)
    client = look.making(lambda: session.client("s3", config=aws.patient()))
    head = read(
        f"look at {source}",
        "s3",
        lambda: client.head_object(Bucket=source.bucket, Key=source.key),
        none=frozenset(_NONE),
    )
    if head is None:
        return missing(f"{source} does not exist", f"aws s3 cp model.tar.gz {source}")
    return ok(f"{source}, {head['ContentLength']:,} bytes")


def _bucket(look: Look, place: Environment) -> Diagnosis:
    """There, unless it is one modelway makes."""
    name = bucket_name(place)
    session = look.place(place)
    client = look.making(lambda: session.client("s3", config=aws.patient()))
    found = read(
        f"look at the bucket {name}",
        "s3",
        lambda: client.head_bucket(Bucket=name, ExpectedBucketOwner=place.account),
        none=frozenset(_NONE),
    )
    if found is not None:
        return ok("there")
    if place.artifact_bucket is None:
        return ok("not there yet: the first deploy makes it")
    return missing(f"{name} does not exist", f"aws s3 mb s3://{name} --region {place.region}")
