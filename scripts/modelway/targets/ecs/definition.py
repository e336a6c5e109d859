"""A version as a task definition: one image by digest, its weights at the same path as on every target.

The task definition holds the version's whole settings too, in a label of its container, so that the way back
to an old version restores what belongs to the service (network, load balancer), not only what runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.core.json import canonical
from modelway.core.naming import role_arn
from modelway.core.version import Version
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.settings import CONTAINER, LOADER, MODEL_FOLDER, Mode, Settings

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        ContainerDefinitionOutputTypeDef,
        ContainerDefinitionTypeDef,
        HealthCheckTypeDef,
        KeyValuePairTypeDef,
        LogConfigurationTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
        SecretTypeDef,
        TaskDefinitionTypeDef,
    )

    from modelway.core.config import Environment

VOLUME = "model"
SETTINGS_LABEL = "modelway.settings"
ARCHITECTURES: Mapping[str, str] = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}
_FETCH = Path(__file__).with_name("fetch_model.py")


def definition(
    version: Version, family: str, place: Environment, *, platform: str, artifact_uri: str | None
) -> RegisterTaskDefinitionRequestTypeDef:
    """The request that registers the version, without its tags."""
    settings = settings_.parse(version.settings)
    request: RegisterTaskDefinitionRequestTypeDef = {
        "family": family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE" if settings.mode is Mode.FARGATE else "EC2"],
        "executionRoleArn": role_arn(settings.execution_role, place.account, place.region),
        "memory": str(settings.memory_mb),
        "containerDefinitions": [*_containers(version, settings, family, place, artifact_uri)],
        "runtimePlatform": {
            "cpuArchitecture": "ARM64" if platform == "linux/arm64" else "X86_64",
            "operatingSystemFamily": "LINUX",
        },
    }
    if settings.cpu:
        request["cpu"] = str(settings.cpu)
    if settings.task_role:
        request["taskRoleArn"] = role_arn(settings.task_role, place.account, place.region)
    if settings.ephemeral_storage_gb:
        request["ephemeralStorage"] = {"sizeInGiB": settings.ephemeral_storage_gb}
    if artifact_uri:
        request["volumes"] = [{"name": VOLUME, "host": {}}]
    return request


def settings_of(registered: TaskDefinitionTypeDef) -> Settings | None:
    """The settings of the version a task definition is; ``None`` where modelway did not make it."""
    label = next(
        (
            labels[SETTINGS_LABEL]
            for container in registered["containerDefinitions"]
            if SETTINGS_LABEL in (labels := container.get("dockerLabels", {}))
        ),
        None,
    )
    return settings_.parse(json.loads(label)) if label else None


def weights(container: ContainerDefinitionOutputTypeDef) -> str | None:
    """The SHA-256 of the weights a container fetches, 64 hex digits; ``None`` where it fetches none."""
    variables = {one.get("name"): one.get("value") for one in container.get("environment", [])}
    return variables.get("MODELWAY_MODEL_SHA256") if container.get("name") == LOADER else None


def log_group(settings: Settings, family: str) -> str:
    """Where the containers write their logs."""
    return settings.log_group or f"/ecs/{family}"


def _containers(
    version: Version, settings: Settings, family: str, place: Environment, artifact_uri: str | None
) -> Iterator[ContainerDefinitionTypeDef]:
    """The model's container, and before it the one that fetches its weights."""
    logs = _logs(version, log_group(settings, family), place)
    if artifact_uri and version.artifact:
        yield {
            "name": LOADER,
            "image": settings.loader_image or str(version.image),
            "essential": False,
            "entryPoint": ["python3", "-c", _FETCH.read_text("utf-8")],
            "command": [],
            "user": "0",  # the volume is root's, whoever the image's user is
            "environment": _pairs(
                {
                    "MODELWAY_MODEL_URI": artifact_uri,
                    "MODELWAY_MODEL_SHA256": version.artifact.sha256.hex,
                    "MODELWAY_MODEL_FOLDER": MODEL_FOLDER,
                    "MODELWAY_REGION": place.region,
                }
            ),
            "mountPoints": [{"sourceVolume": VOLUME, "containerPath": MODEL_FOLDER, "readOnly": False}],
            "logConfiguration": logs,
        }
    yield _model(version, settings, logs, weights=artifact_uri is not None)


def _model(
    version: Version, settings: Settings, logs: LogConfigurationTypeDef, *, weights: bool
) -> ContainerDefinitionTypeDef:
    """The container that answers."""
    container: ContainerDefinitionTypeDef = {
        "name": CONTAINER,
        "image": str(version.image),
        "essential": True,
        "portMappings": [{"containerPort": settings.port, "protocol": "tcp"}],
        "environment": _pairs(settings.environment),
        "secrets": _secrets(settings),
        "logConfiguration": logs,
        "dockerLabels": {SETTINGS_LABEL: canonical(version.settings)},
    }
    if settings.command:
        container["command"] = list(settings.command)
    if settings.health_check:
        container["healthCheck"] = _health(settings.health_check)
    if settings.stop_timeout:
        container["stopTimeout"] = settings.stop_timeout
    if settings.gpus:
        container["resourceRequirements"] = [{"type": "GPU", "value": str(settings.gpus)}]
    if settings.open_files:
        files = settings.open_files
        container["ulimits"] = [{"name": "nofile", "softLimit": files, "hardLimit": files}]
    if weights:
        container["dependsOn"] = [{"containerName": LOADER, "condition": "SUCCESS"}]
        container["mountPoints"] = [{"sourceVolume": VOLUME, "containerPath": MODEL_FOLDER, "readOnly": True}]
    return container


def _pairs(values: Mapping[str, str]) -> list[KeyValuePairTypeDef]:
    """Variables in the order of their names."""
    return [{"name": name, "value": values[name]} for name in sorted(values)]


def _secrets(settings: Settings) -> list[SecretTypeDef]:
    """Secrets, which the agent reads with the execution role when a task starts."""
    return [{"name": secret.name, "valueFrom": secret.value_from} for secret in settings.secrets]


def _health(check: settings_.HealthCheck) -> HealthCheckTypeDef:
    """The container's own health check."""
    return {
        "command": list(check.command),
        "interval": check.interval,
        "timeout": check.timeout,
        "retries": check.retries,
        "startPeriod": check.start_period,
    }


def _logs(version: Version, group: str, place: Environment) -> LogConfigurationTypeDef:
    """Streams are called ``<version id>/<container>/<task>``."""
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": group,
            "awslogs-region": place.region,
            "awslogs-stream-prefix": version.id,
        },
    }
