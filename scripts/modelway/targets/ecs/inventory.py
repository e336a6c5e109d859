"""The versions there are: revisions of one task definition family, tagged with version and record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.core.record import Record
from modelway.core.record_tags import PREFIX, from_tags
from modelway.core.version import VersionId
from modelway.errors import Differs

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import TaskDefinitionTypeDef

VERSION_TAG = f"{PREFIX}version"


@dataclass(slots=True)
class Inventory:
    """The revisions of one family; what cannot change is read once."""

    client: ECSClient
    family: str
    _definitions: dict[str, TaskDefinitionTypeDef] = field(default_factory=dict)
    _versions: dict[str, VersionId] = field(default_factory=dict)
    """Versions by the ARN of their revision."""
    _adopted: dict[str, VersionId] = field(default_factory=dict)
    """Versions by ``family:revision`` of somebody else's task definition they were adopted from."""
    _listed: bool = False

    def records(self) -> Mapping[VersionId, Record]:
        """Every version registered here, with what is remembered of it; its newest revision counts."""
        found: dict[VersionId, Record] = {}
        with translated(f"list the task definitions of {self.family}", service="ecs"):
            for arn in self.revisions():
                tags = self._look(arn)
                id_ = VersionId(tags.get(VERSION_TAG, ""))
                if not id_ or (record := _record(id_, tags, arn)) is None:
                    continue
                found.setdefault(id_, record)
                self._versions[arn] = id_
                if record.adopted:
                    self._adopted[record.adopted.name] = id_
        self._listed = True
        return found

    def revisions(self) -> tuple[str, ...]:
        """The ARNs of the family's active revisions, newest first."""
        pages = self.client.get_paginator("list_task_definitions").paginate(
            familyPrefix=self.family, status="ACTIVE", sort="DESC"
        )
        arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
        own = [arn for arn in arns if _family(arn) == self.family]
        return tuple(sorted(own, key=number, reverse=True))

    def _look(self, arn: str) -> dict[str, str]:
        """A revision's tags as they are now; the rest of it is kept."""
        answer = self.client.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        self._definitions[arn] = answer["taskDefinition"]
        # The stubs promise tags; ECS leaves them out where there are none.
        return {tag["key"]: tag["value"] for tag in answer.get("tags", [])}

    def tags(self, arn: str) -> dict[str, str]:
        """A revision's tags as they are now."""
        with translated(f"read the task definition {arn}", service="ecs"):
            return self._look(arn)

    def definition(self, arn: str) -> TaskDefinitionTypeDef:
        """A revision, which never changes."""
        if arn not in self._definitions:
            with translated(f"read the task definition {arn}", service="ecs"):
                self._look(arn)
        return self._definitions[arn]

    def version_of(self, arn: str) -> VersionId | None:
        """The version an active revision is, if it is one of ours, or was adopted as one."""
        if arn not in self._versions and _family(arn) == self.family:
            with translated(f"read the task definition {arn}", service="ecs"):
                tags = self._look(arn)
            if VERSION_TAG in tags and self._definitions[arn].get("status") == "ACTIVE":
                self._versions[arn] = VersionId(tags[VERSION_TAG])
        if arn in self._versions:
            return self._versions[arn]
        if not self._listed:
            self.records()
        return self._adopted.get(named(arn))

    def adopted(self, arn: str) -> bool:
        """Whether a revision is somebody else's that was adopted."""
        return named(arn) in self._adopted

    def arn(self, version: VersionId) -> str:
        """The ARN of the version's revision."""
        if version not in self._versions.values():
            self.records()
        arns = [arn for arn, known in self._versions.items() if known == version]
        if arns:
            return max(arns, key=number)
        what = f"version {version} has no task definition in the family {self.family}"
        raise Differs(what, cure="Somebody deregistered it: release the version again.")

    def all_of(self, version: VersionId) -> Iterator[str]:
        """Every revision of a version: a registration whose answer was lost may have been made twice."""
        for arn in self.revisions():
            if self._look(arn).get(VERSION_TAG) == version:
                yield arn

    def forget(self, arn: str) -> None:
        """The revision is gone."""
        self._versions.pop(arn, None)
        self._definitions.pop(arn, None)


def named(arn: str) -> str:
    """A revision as people write it: ``family:revision``."""
    return arn.rpartition("/")[2]


def _family(arn: str) -> str:
    """The family a revision belongs to."""
    return named(arn).rpartition(":")[0]


def number(arn: str) -> int:
    """A revision's number."""
    return int(arn.rpartition(":")[2])


def _record(version: VersionId, tags: Mapping[str, str], arn: str) -> Record | None:
    """What the tags remember; raises ``Differs`` where somebody else wrote them."""
    try:
        return from_tags(version, tags)
    except ValueError as error:
        shown = ", ".join(f"{key}={tags[key]!r}" for key in sorted(tags) if key.startswith(PREFIX))
        cure = "Delete the tag that is wrong from the task definition: what it said is then forgotten."
        raise Differs(f"the tags of {arn} are not as modelway wrote them", seen=shown, cure=cure) from error
