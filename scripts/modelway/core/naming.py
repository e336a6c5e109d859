"""What things are called: names that follow from the config, so that a second run finds the first's."""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.config import Environment, ModelConfig
from modelway.core.version import VersionId

BUILD = "build"
"""The build as an author of evidence, beside the environments' names."""


KMS = "awskms:///"
"""How a key of AWS KMS is named in a config, as cosign names it."""


def pointer_name(config: ModelConfig, environment: Environment) -> str:
    """The endpoint, service or alias traffic follows: ``<model>-<environment>``."""
    return f"{config.name}-{environment.name}"


def version_name(pointer: str, version: VersionId) -> str:
    """What a version's resources are called: ``<model>-<environment>-<id>``."""
    return f"{pointer}-{version}"


def alarm_name(version: str, metric: str) -> str:
    """An alarm modelway makes over one version: ``<model>-<environment>-<id>-<metric>``."""
    return f"{version}-{metric.replace('_', '-')}"


def bucket_name(environment: Environment) -> str:
    """Where the environment keeps model artifacts."""
    return environment.artifact_bucket or f"modelway-{environment.account}-{environment.region}"


def role_arn(role: str, account: str, region: str) -> str:
    """A role's ARN, given by name or already as an ARN."""
    if role.startswith("arn:"):
        return role
    return f"arn:{partition(region)}:iam::{account}:role/{role}"


def role_name(arn: str, account: str) -> str:
    """A role as a config names it: by its name where that says enough."""
    name = arn.partition(f":iam::{account}:role/")[2]
    return name if name and "/" not in name else arn


def partition(region: str) -> str:
    """The AWS partition a region belongs to, as ARNs spell it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def labels(config: ModelConfig, environment: Environment) -> dict[str, str]:
    """Tags on everything modelway creates for an environment."""
    return {
        "modelway:model": config.name,
        "modelway:environment": environment.name,
        "modelway:managed": "true",
        "owner": config.owner,
    }


def labelled(tags: Mapping[str, str], labels_: Mapping[str, str]) -> bool:
    """Whether tags say that modelway created the thing for this environment; owners may change."""
    return all(tags.get(key) == value for key, value in labels_.items() if key.startswith("modelway:"))
