"""Reading an environment: the endpoint, the endpoint configs that are its versions, and their records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.naming import version_name
from modelway.core.record import Record
from modelway.core.record_tags import PREFIX, from_tags
from modelway.core.version import VersionId
from modelway.errors import Differs

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        DescribeEndpointConfigOutputTypeDef,
        DescribeEndpointOutputTypeDef,
        DescribeModelOutputTypeDef,
    )

SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})
"""``Creating``, ``Updating``, ``RollingBack``, ``SystemUpdating`` and ``Deleting`` are under way."""
_AT_ONCE = 4
"""Versions whose tags are read at the same time, where there are more of them."""


@dataclass(slots=True)
class Inventory:
    """What there is of one endpoint; what cannot change is read once."""

    client: SageMakerClient
    endpoint: str
    _configs: dict[str, DescribeEndpointConfigOutputTypeDef] = field(default_factory=dict)
    _arns: dict[VersionId, str] = field(default_factory=dict)
    _adopted: dict[str, VersionId] = field(default_factory=dict)
    """Versions by the name of somebody else's endpoint config they were adopted from."""

    def describe(self) -> DescribeEndpointOutputTypeDef | None:
        """The endpoint; ``None`` while there is none."""
        with translated(f"read the endpoint {self.endpoint}", service="sagemaker"):
            try:
                return self.client.describe_endpoint(EndpointName=self.endpoint)
            except self.client.exceptions.ClientError as error:
                if code(error) == "ValidationException" and "Could not find" in str(error):
                    return None
                raise

    def images(self) -> frozenset[str]:
        """Digests behind the endpoint; of an image named by tag, what SageMaker resolved it to."""
        endpoint = self.describe()
        variants = list(endpoint.get("ProductionVariants", [])) if endpoint else []
        pending = endpoint.get("PendingDeploymentSummary") if endpoint else None
        deployed = [image for variant in variants for image in variant.get("DeployedImages", [])]
        for variant in pending["ProductionVariants"] if pending else []:
            deployed += variant.get("DeployedImages", [])
        named = [
            name for image in deployed for name in (image.get("ResolvedImage"), image.get("SpecifiedImage"))
        ]
        return frozenset(digest for name in named if name and (digest := name.rpartition("@")[2]) != name)

    def records(self) -> Mapping[VersionId, Record]:
        """Every version staged here, with what is remembered of it."""
        name = re.compile(re.escape(self.endpoint) + "-([0-9a-f]{12})")
        found: dict[VersionId, Record] = {}
        with translated(f"list the versions of {self.endpoint}", service="sagemaker"):
            pages = self.client.get_paginator("list_endpoint_configs").paginate(
                NameContains=f"{self.endpoint}-"
            )
            arns = {
                one["EndpointConfigName"]: one["EndpointConfigArn"]
                for page in pages
                for one in page["EndpointConfigs"]
            }
            ours = {VersionId(named[1]): arns[named[0]] for named in map(name.fullmatch, arns) if named}
            self._arns |= ours
            for id_, tags in zip(ours, self._tags_of([*ours.values()]), strict=True):
                record = _record(id_, tags, version_name(self.endpoint, id_))
                if record:
                    found[id_] = record
                if record and record.adopted:
                    self._adopted[record.adopted.name] = id_
        return found

    def _tags_of(self, arns: Sequence[str]) -> Iterable[dict[str, str]]:
        """Of each resource in its turn: many are asked about together, because each is a call."""
        if len(arns) <= _AT_ONCE:
            return map(self._tags, arns)
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few keep so many versions

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [*pool.map(self._tags, arns)]

    def _tags(self, arn: str) -> dict[str, str]:
        """An endpoint config's tags; none where another process deleted it since it was listed."""
        try:
            pages = self.client.get_paginator("list_tags").paginate(ResourceArn=arn)
            return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        except self.client.exceptions.ClientError as error:
            # Its words are not documented: aws/amazon-sagemaker-feedback#108 shows it without any.
            if code(error) != "ValidationException" or self._is_there(arn.rpartition("/")[2]):
                raise
            return {}

    def _is_there(self, name: str) -> bool:
        """Whether there is an endpoint config of this name."""
        try:
            self.client.describe_endpoint_config(EndpointConfigName=name)
        except self.client.exceptions.ClientError as error:
            if code(error) == "ValidationException" and "Could not find" in str(error):
                return False
            raise
        return True

    def arn(self, version: VersionId) -> str:
        """The ARN of a version's endpoint config."""
        if version not in self._arns:
            described = self.config(version_name(self.endpoint, version))
            self._arns[version] = described["EndpointConfigArn"]
        return self._arns[version]

    def config(self, name: str) -> DescribeEndpointConfigOutputTypeDef:
        """An endpoint config, which never changes."""
        if name not in self._configs:
            with translated(f"read the endpoint config {name}", service="sagemaker"):
                self._configs[name] = self.client.describe_endpoint_config(EndpointConfigName=name)
        return self._configs[name]

    def model(self, name: str) -> DescribeModelOutputTypeDef | None:
        """A model, which somebody may delete and make anew; ``None`` where there is none."""
        with translated(f"read the model {name}", service="sagemaker"):
            try:
                return self.client.describe_model(ModelName=name)
            except self.client.exceptions.ClientError as error:
                if code(error) == "ValidationException" and "Could not find" in str(error):
                    return None
                raise

    def version_of(self, config_name: str) -> VersionId | None:
        """The version an endpoint config is, by its name, or because it was adopted as one."""
        named = re.fullmatch(re.escape(self.endpoint) + "-([0-9a-f]{12})", config_name)
        return VersionId(named[1]) if named else self._adopted.get(config_name)

    def served(self, endpoint: DescribeEndpointOutputTypeDef) -> DescribeEndpointConfigOutputTypeDef:
        """The endpoint config of what serves; of what was adopted ours, which says the same."""
        name = endpoint["EndpointConfigName"]
        adopted = self._adopted.get(name)
        return self.config(version_name(self.endpoint, adopted) if adopted else name)


def _record(version: VersionId, tags: Mapping[str, str], name: str) -> Record | None:
    """What the tags remember; raises ``Differs`` where somebody else wrote them."""
    try:
        return from_tags(version, tags)
    except ValueError as error:
        shown = ", ".join(f"{key}={tags[key]!r}" for key in sorted(tags) if key.startswith(PREFIX))
        cure = "Delete the tag that is wrong from the endpoint config: what it said is then forgotten."
        raise Differs(f"the tags of {name} are not as modelway wrote them", seen=shown, cure=cure) from error
