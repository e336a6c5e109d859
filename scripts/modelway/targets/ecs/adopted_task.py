"""Somebody else's task definition in a config's terms, and what of it no config describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from modelway.core.adoption import Site
from modelway.core.json import Json
from modelway.core.naming import role_name
from modelway.targets.ecs.definition import ARCHITECTURES, SETTINGS_LABEL

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef, TaskDefinitionTypeDef

_OF_TASK = (
    *("enableFaultInjection", "inferenceAccelerators", "ipcMode", "pidMode", "placementConstraints"),
    *("proxyConfiguration", "volumes"),
)
_OF_CONTAINER = (
    *("credentialSpecs", "dependsOn", "disableNetworking", "dnsSearchDomains", "dnsServers"),
    *("dockerSecurityOptions", "entryPoint", "environmentFiles", "extraHosts", "firelensConfiguration"),
    *("hostname", "interactive", "links", "linuxParameters", "mountPoints", "privileged"),
    *("pseudoTerminal", "readonlyRootFilesystem", "repositoryCredentials", "systemControls", "user"),
    *("volumesFrom", "workingDirectory"),
)
"""What a config has no words for: a service with one of these would lose it with its first release."""
_LOG_OPTIONS = {"awslogs-create-group", "awslogs-group", "awslogs-region", "awslogs-stream-prefix"}


def unsaid(
    task: TaskDefinitionTypeDef, container: ContainerDefinitionOutputTypeDef, port: int | None
) -> Iterator[str]:
    """What would be lost."""
    whole, part = cast("Mapping[str, object]", task), cast("Mapping[str, object]", container)
    yield from (key for key in _OF_TASK if whole.get(key))
    yield from (f"the container's {key}" for key in _OF_CONTAINER if part.get(key))
    if (mode := task.get("networkMode", "bridge")) != "awsvpc":
        yield f"networkMode {mode}"
    system = task.get("runtimePlatform", {}).get("operatingSystemFamily", "LINUX")
    if system != "LINUX":
        yield f"operatingSystemFamily {system}"
    if not task.get("executionRoleArn"):
        yield "a task without an execution role"
    restarts = container.get("restartPolicy")
    if restarts and restarts["enabled"]:
        yield "the container's restartPolicy"
    ports = container.get("portMappings", [])
    if port is None and len(ports) > 1:
        yield f"{len(ports)} port mappings without a load balancer"
    yield from _sizes(task, container)
    yield from _limits(container)
    if (driver := _logs(container)[0]) != "awslogs":
        yield f"the log driver {driver}"


def _logs(container: ContainerDefinitionOutputTypeDef) -> tuple[str, Mapping[str, str]]:
    """The driver of its log, and the driver's options."""
    logs = container.get("logConfiguration")
    return (logs["logDriver"], logs.get("options") or {}) if logs else ("awslogs", {})


def _sizes(task: TaskDefinitionTypeDef, container: ContainerDefinitionOutputTypeDef) -> Iterator[str]:
    """A config sizes the task; limits of its container beside that are others."""
    whole, part = task.get("memory"), container.get("memory")
    if whole and part and int(whole) != part:
        yield f"the container's memory {part} in a task of {whole}"
    if not whole and not part:
        yield "a task without a limit of its memory"
    if not _serverless(task) and container.get("memoryReservation") and not whole:
        yield "the container's memoryReservation"
    if container.get("cpu") and (not task.get("cpu") or int(task["cpu"]) != container.get("cpu")):
        yield f"the container's cpu {container.get('cpu')}"


def _serverless(task: TaskDefinitionTypeDef) -> bool:
    return "FARGATE" in task.get("requiresCompatibilities", [])


def _limits(container: ContainerDefinitionOutputTypeDef) -> Iterator[str]:
    """Open files, one number; GPUs."""
    for limit in container.get("ulimits", []):
        if limit["name"] != "nofile" or limit["softLimit"] != limit["hardLimit"]:
            yield f"the container's ulimit {limit['name']} {limit['softLimit']}/{limit['hardLimit']}"
    for need in container.get("resourceRequirements", []):
        if need["type"] != "GPU":
            yield f"the container's {need['type']}"


def described(
    task: TaskDefinitionTypeDef, container: ContainerDefinitionOutputTypeDef, site: Site, port: int | None
) -> dict[str, Json]:
    """Its settings; what starts the container is what the image says unless it is told otherwise."""
    told: dict[str, Json] = {
        "memory_mb": int(task.get("memory") or container.get("memory", 0)),
        "execution_role": role_name(task.get("executionRoleArn", ""), site.account),
        "command": list(container.get("command", [])),
    }
    if cpu := task.get("cpu"):
        told["cpu"] = int(cpu)
    if role := task.get("taskRoleArn"):
        told["task_role"] = role_name(role, site.account)
    if storage := task.get("ephemeralStorage"):
        told["ephemeral_storage_gb"] = storage["sizeInGiB"]
    mapped = [one.get("containerPort", 0) for one in container.get("portMappings", [])]
    if heard := port or next(iter(mapped), None):
        told["port"] = heard
    if variables := container.get("environment"):
        told["environment"] = {one.get("name", ""): one.get("value", "") for one in variables}
    return told | _container(container)


def _container(container: ContainerDefinitionOutputTypeDef) -> dict[str, Json]:
    """What its container is given and watched by."""
    told: dict[str, Json] = {}
    if check := container.get("healthCheck"):
        seconds = {"interval": check.get("interval"), "timeout": check.get("timeout")}
        seconds["start_period"] = check.get("startPeriod")
        times: dict[str, Json] = {key: f"{value}s" for key, value in seconds.items() if value}
        retries: dict[str, Json] = {"retries": check["retries"]} if check.get("retries") else {}
        told["health_check"] = {"command": list(check["command"]), **times, **retries}
    if stop := container.get("stopTimeout"):
        told["stop_timeout"] = f"{stop}s"
    for limit in container.get("ulimits", []):
        told["open_files"] = limit["hardLimit"]
    for need in container.get("resourceRequirements", []):
        told["gpus"] = int(need["value"])
    if group := _logs(container)[1].get("awslogs-group"):
        told["log_group"] = group
    return told


def platform(task: TaskDefinitionTypeDef) -> str:
    """What its image is built for."""
    told = task.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
    return next(name for name, architecture in ARCHITECTURES.items() if architecture == told)


def notes(container: ContainerDefinitionOutputTypeDef, settings: Mapping[str, Json]) -> Iterator[str]:
    """What a person should know beside the config."""
    name = container.get("name", "")
    if name != "model":
        yield f"Its container is called {name}; from the first release on it is model."
    if "log_group" not in settings:
        yield "It writes no log to CloudWatch; from the first release on it does (settings.log_group)."
    if lost := sorted(set(_logs(container)[1]) - _LOG_OPTIONS):
        yield f"The options of its log that no config says end with the first release: {', '.join(lost)}."
    if lost := sorted(set(container.get("dockerLabels", {})) - {SETTINGS_LABEL}):
        yield f"Its docker labels end with the first release: {', '.join(lost)}."
    if "environment" in settings:
        yield "The environment's values were copied into the config: look for secrets before you commit it."
