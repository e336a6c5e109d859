"""Making and retiring versions: a task definition revision each, which its tags make a version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import labels
from modelway.core.record import Record
from modelway.core.record_tags import to_tags
from modelway.core.version import Version, VersionId
from modelway.ports import ArtifactStore
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import definition
from modelway.targets.ecs.inventory import VERSION_TAG, Inventory
from modelway.targets.ecs.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import TagTypeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one model in one environment."""

    config: ModelConfig
    environment: Environment
    client: ECSClient
    inventory: Inventory
    artifacts: ArtifactStore

    @property
    def labels(self) -> dict[str, str]:
        """Tags on everything made here."""
        return labels(self.config, self.environment)

    def make(self, version: Version, release: str) -> None:
        """Register the version, unless a revision with its tag is there already.

        ``RegisterTaskDefinition`` knows no token: each call makes a revision. A request whose answer was lost
        and that was sent again has made two, of which the newer counts and the older is taken away.
        """
        name = f"{self.inventory.family} version {version.id}"
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"register the task definition of {name}", service="ecs"):
            if any(self.inventory.all_of(version.id)):
                return
            uri = self.artifacts.target_uri(version.artifact) if version.artifact else None
            request = definition(
                version,
                self.inventory.family,
                self.environment,
                platform=self.config.image.platform,
                artifact_uri=uri,
            )
            request["tags"] = self._tags(version, release)
            try:
                made = self.client.register_task_definition(**request)
            except ClientError as error:
                raise refused(error, self.environment.region) from error
            kept = made["taskDefinition"]["taskDefinitionArn"]
            for arn in self.inventory.all_of(version.id):
                if arn != kept:
                    self._deregister(arn)

    def _tags(self, version: Version, release: str) -> list[TagTypeDef]:
        """The version's id, and its record."""
        record = Record(
            id=version.id,
            digest=str(version.image.digest),
            artifact=str(version.artifact.sha256) if version.artifact else None,
            release=release,
        )
        own = settings_.parse(version.settings).tags
        return as_tags({**own, **self.labels, VERSION_TAG: version.id, **to_tags(record)})

    def retire(self, version: VersionId) -> None:
        """Deregister every revision of the version; tasks of it would run on, but none is left."""
        with translated(f"deregister version {version} of {self.inventory.family}", service="ecs"):
            for arn in self.inventory.all_of(version):
                self._deregister(arn)

    def _deregister(self, arn: str) -> None:
        """An inactive revision costs nothing, and starts nothing."""
        self.client.deregister_task_definition(taskDefinition=arn)
        self.inventory.forget(arn)


def as_tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as ECS takes them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
