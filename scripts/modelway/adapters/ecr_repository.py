"""A model's ECR repository: created once, and corrected where it differs from what it must be.

Everything is read first, so that a second run makes no write call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from modelway.adapters.aws_errors import code
from modelway.core import ecr
from modelway.core.config import RegistrySpec
from modelway.core.json import JsonObject
from modelway.errors import Differs

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.literals import EncryptionTypeType
    from mypy_boto3_ecr.type_defs import (
        EncryptionConfigurationTypeDef,
        ImageTagMutabilityExclusionFilterTypeDef,
        RepositoryTypeDef,
    )

T = TypeVar("T")
_FILTERS: list[ImageTagMutabilityExclusionFilterTypeDef] = [
    {"filterType": "WILDCARD", "filter": pattern} for pattern in ecr.MOVABLE
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a repository is like."""

    repository: RepositoryTypeDef
    lifecycle: JsonObject | None
    policy: JsonObject | None
    tags: Mapping[str, str]


def describe(client: ECRClient, name: str) -> RepositoryTypeDef | None:
    """The repository, if there is one."""
    found = _unless(
        "RepositoryNotFoundException", lambda: client.describe_repositories(repositoryNames=[name])
    )
    return found["repositories"][0] if found else None


def ensure(
    client: ECRClient,
    spec: RegistrySpec,
    pullers: Sequence[str],
    tags: Mapping[str, str],
    waits: Callable[[JsonObject], str],
) -> Iterator[str]:
    """Create or correct the repository, saying each change; ``waits`` as ``ports.Registry`` says."""
    repository = describe(client, spec.repository)
    empty = repository is None
    if repository is None:
        repository = _created(client, spec, tags)
        yield f"created the repository {spec.repository}"
    found = _read(client, repository)
    _encrypted(spec, repository)
    lifecycle = ecr.lifecycle(spec.keep_releases)
    differs = not ecr.same_policy(found.lifecycle, lifecycle)
    why = waits(lifecycle) if differs and not empty else ""
    yield from _settings(client, found)
    if why:
        yield f"left its lifecycle policy as it is: {why}"
    elif differs:
        client.put_lifecycle_policy(repositoryName=spec.repository, lifecyclePolicyText=json.dumps(lifecycle))
        yield f"set its lifecycle: the newest {spec.keep_releases} releases stay, and tags {ecr.POINTER}*"
    yield from _pulling(client, spec, pullers, found)
    missing = {key: value for key, value in tags.items() if found.tags.get(key) != value}
    if missing:
        listed = [{"Key": key, "Value": value} for key, value in missing.items()]
        client.tag_resource(resourceArn=repository["repositoryArn"], tags=listed)  # type: ignore[arg-type]  # a list of TagTypeDef
        yield f"tagged it {', '.join(f'{key}={value}' for key, value in missing.items())}"


def _created(client: ECRClient, spec: RegistrySpec, tags: Mapping[str, str]) -> RepositoryTypeDef:
    """A new repository; one that another run made meanwhile is as good."""
    encryption: EncryptionConfigurationTypeDef = {"encryptionType": _encryption(spec)}
    if spec.kms_key:
        encryption["kmsKey"] = spec.kms_key
    made = _unless(
        "RepositoryAlreadyExistsException",
        lambda: client.create_repository(
            repositoryName=spec.repository,
            tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=_FILTERS,
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration=encryption,
        ),
    )
    if made:
        return made["repository"]
    return client.describe_repositories(repositoryNames=[spec.repository])["repositories"][0]


def _read(client: ECRClient, repository: RepositoryTypeDef) -> Found:
    """Everything that can be corrected, read at the same time."""
    name, arn = repository["repositoryName"], repository["repositoryArn"]
    with ThreadPoolExecutor(3) as pool:
        lifecycle = pool.submit(
            _unless,
            "LifecyclePolicyNotFoundException",
            lambda: client.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"],
        )
        policy = pool.submit(
            _unless,
            "RepositoryPolicyNotFoundException",
            lambda: client.get_repository_policy(repositoryName=name)["policyText"],
        )
        tags = pool.submit(lambda: client.list_tags_for_resource(resourceArn=arn)["tags"])
    return Found(
        repository=repository,
        lifecycle=_parsed(lifecycle.result()),
        policy=_parsed(policy.result()),
        tags={tag["Key"]: tag["Value"] for tag in tags.result()},
    )


def _settings(client: ECRClient, found: Found) -> Iterator[str]:
    """Immutability and scan on push."""
    repository, name = found.repository, found.repository["repositoryName"]
    filters = {entry["filter"] for entry in repository.get("imageTagMutabilityExclusionFilters") or []}
    if repository.get("imageTagMutability") != ecr.MUTABILITY or filters != set(ecr.MOVABLE):
        client.put_image_tag_mutability(
            repositoryName=name,
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=_FILTERS,
        )
        yield "made its tags immutable"
    if not (repository.get("imageScanningConfiguration") or {}).get("scanOnPush"):
        client.put_image_scanning_configuration(
            repositoryName=name, imageScanningConfiguration={"scanOnPush": True}
        )
        yield "turned scan on push on"


def _pulling(client: ECRClient, spec: RegistrySpec, pullers: Sequence[str], found: Found) -> Iterator[str]:
    """Who may pull; whoever might stays, since another model's environments may live on it."""
    partition, known = found.repository["repositoryArn"].split(":")[1], ecr.pullers(found.policy or {})
    policy = ecr.merged(found.policy, ecr.pull_policy(partition, sorted({*pullers, *known})))
    if not ecr.same_policy(found.policy, policy):
        client.set_repository_policy(repositoryName=spec.repository, policyText=json.dumps(policy))
        yield f"let {', '.join(sorted({*pullers} - known) or sorted(known))} pull from it"


def _encrypted(spec: RegistrySpec, repository: RepositoryTypeDef) -> None:
    """Raise ``Differs`` where the encryption is another: ECR cannot change it (no such operation exists)."""
    kind = repository.get("encryptionConfiguration", {"encryptionType": "AES256"})["encryptionType"]
    if (kind == "AES256") == (spec.kms_key is None):
        return
    raise Differs(
        f"the repository {spec.repository} is encrypted otherwise, and ECR cannot change that",
        seen=f"it has {kind}, the config says {spec.kms_key or 'AES256 (no registry.kms_key)'}",
        cure="name another registry.repository, or change registry.kms_key to what the repository has",
    )


def _encryption(spec: RegistrySpec) -> EncryptionTypeType:
    return "KMS" if spec.kms_key else "AES256"


def _unless(name: str, call: Callable[[], T]) -> T | None:
    """The answer; ``None`` for the one error expected."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    try:
        return call()
    except ClientError as error:
        if code(error) != name:
            raise
        return None


def _parsed(text: str | None) -> JsonObject | None:
    parsed: JsonObject | None = json.loads(text) if text else None
    return parsed
