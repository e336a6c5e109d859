"""Making and deleting versions: a model, and the endpoint config that says the version exists."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import labels, role_arn
from modelway.core.record import Record
from modelway.core.record_tags import to_tags
from modelway.core.version import Version
from modelway.errors import Malformed, Unavailable
from modelway.ports import ArtifactStore, Clock
from modelway.targets.sagemaker import settings as settings_
from modelway.targets.sagemaker.settings import Settings
from modelway.targets.shared.absent import absent, security_group, subnet, thing

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        ContainerDefinitionTypeDef,
        CreateEndpointConfigInputTypeDef,
        CreateModelInputTypeDef,
        TagTypeDef,
    )

_ACCESS = re.compile(r"permission|grant|not authorized|access|role", re.IGNORECASE)
_NEEDED = (
    thing(
        r"assume role",
        "settings.execution_role",
        "Create it, and let sagemaker.amazonaws.com assume it.",
    ),
    subnet("settings.vpc"),
    security_group("settings.vpc"),
)
_AGAIN = 5
"""Tries of a call that may not see yet what was made a moment ago: SageMaker is eventually consistent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one model in one environment."""

    config: ModelConfig
    environment: Environment
    client: SageMakerClient
    artifacts: ArtifactStore
    clock: Clock

    @property
    def labels(self) -> dict[str, str]:
        """Tags on everything made here."""
        return labels(self.config, self.environment)

    def make(self, version: Version, name: str, release: str) -> None:
        """Create model and endpoint config; the config last, because it is what is looked for."""
        settings = settings_.parse(version.settings)
        record = Record(
            id=version.id,
            digest=str(version.image.digest),
            artifact=str(version.artifact.sha256) if version.artifact else None,
            release=release,
        )
        tags = as_tags({**settings.tags, **self.labels, **to_tags(record)})
        with translated(f"create the model {name}", service="sagemaker"):
            self.create(lambda: self._model(version, name, settings, tags))
        with translated(f"create the endpoint config {name}", service="sagemaker"):
            if not self.create(lambda: self._config(name, settings, tags)):
                # It is there and was not known as a version: somebody removed its tags.
                arn = self.client.describe_endpoint_config(EndpointConfigName=name)["EndpointConfigArn"]
                self.client.add_tags(ResourceArn=arn, Tags=tags)

    def _model(self, version: Version, name: str, settings: Settings, tags: list[TagTypeDef]) -> None:
        """What runs: image, weights, environment variables."""
        container: ContainerDefinitionTypeDef = {
            "Image": str(version.image),
            "Environment": dict(settings.environment),
        }
        if version.artifact:
            container["ModelDataUrl"] = self.artifacts.target_uri(version.artifact)
        place = self.environment
        request: CreateModelInputTypeDef = {
            "ModelName": name,
            "ExecutionRoleArn": role_arn(settings.execution_role, place.account, place.region),
            "PrimaryContainer": container,
            "EnableNetworkIsolation": settings.network_isolation,
            "Tags": tags,
        }
        if vpc := settings_.vpc(settings):
            request["VpcConfig"] = vpc
        self.client.create_model(**request)

    def _config(self, name: str, settings: Settings, tags: list[TagTypeDef]) -> None:
        """What it runs on."""
        instances = self.environment.capacity.instances
        request: CreateEndpointConfigInputTypeDef = {
            "EndpointConfigName": name,
            "ProductionVariants": [settings_.variant(settings, name, instances)],
            "Tags": tags,
        }
        if settings.kms_key:
            request["KmsKeyId"] = settings.kms_key
        if capture := settings_.capture(settings):
            request["DataCaptureConfig"] = capture
        self.client.create_endpoint_config(**request)

    def create(self, call: Callable[[], None]) -> bool:
        """Create something out of things that may not be visible yet; false where it exists already."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        for left in reversed(range(_AGAIN)):
            try:
                call()
            except ClientError as error:
                if _exists_already(error):
                    return False
                if not (left and _not_found(error)):
                    raise refused(error, self.client.meta.region_name) from error
                self.clock.sleep(1)
            else:
                return True
        return True

    def delete(self, name: str) -> None:
        """Delete model and endpoint config; the config last, because it is what is looked for."""
        with translated(f"delete {name}", service="sagemaker"):
            unless_gone(lambda: self.client.delete_model(ModelName=name))
            unless_gone(lambda: self.client.delete_endpoint_config(EndpointConfigName=name))


def refused(error: ClientError, region: str) -> Exception:
    """What SageMaker finds wrong with a request; other errors stay what they are."""
    text = error.response.get("Error", {}).get("Message", str(error))
    what = f"SageMaker refuses {error.operation_name}"
    if code(error) == "ResourceLimitExceeded":
        what = f"a quota of SageMaker in {region} is in the way of {error.operation_name}"
        cure = "Raise it in Service Quotas, in that region, or choose another instance_type; run this again."
        return Unavailable(what, seen=text, cure=cure)
    if code(error) != "ValidationException":
        return error
    if missing := absent("SageMaker", text, region, _NEEDED):
        return missing
    if _ACCESS.search(text):
        cure = (
            "Let the role it names read the image (repository policy, `scripts/run push`) and the artifact."
        )
        return Unavailable(what, seen=text, cure=cure)
    return Malformed(what, seen=text, cure="Correct the environment's settings in the config.")


def as_tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as SageMaker takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def unless_gone(delete: Callable[[], object]) -> None:
    """Delete something that may be gone already."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    try:
        delete()
    except ClientError as error:
        if not _not_found(error):
            raise


def _exists_already(error: ClientError) -> bool:
    """Not a modelled exception: a ``ValidationException`` with these words."""
    return code(error) == "ValidationException" and "already existing" in str(error)


def _not_found(error: ClientError) -> bool:
    """Made a moment ago and not visible yet, or gone already."""
    return code(error) in {"ValidationException", "ResourceNotFound"} and "Could not find" in str(error)
