"""What a config says of ECS, as values: what runs, on what, behind which load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from modelway.core import duration
from modelway.core.fields import Fields
from modelway.core.json import Json, JsonObject

CONTAINER, LOADER = "model", "model-artifact"
"""A task's containers: the one that answers, and the one that fetches the weights before that starts."""
PORT = 8080
PATH = "/invocations"
MODEL_FOLDER = "/opt/ml/model"
"""Where the weights are on every target."""


class Mode(StrEnum):
    """What the tasks run on."""

    FARGATE = "fargate"
    EC2 = "ec2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A capacity provider's share of the tasks."""

    name: str
    weight: int = 1
    base: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network interfaces of the tasks (``awsvpc``)."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    public_ip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancer:
    """How requests find the tasks: target groups and listener rules of an Application Load Balancer."""

    target_groups: tuple[str, ...]
    """One for rolling; two where traffic moves between them."""
    listener_rule: str
    test_listener_rule: str | None = None
    """Shows the new version to whoever asks it, before it has any traffic."""
    infrastructure_role: str | None = None
    """Role with which ECS moves the traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A command in the container; the Dockerfile's own ``HEALTHCHECK`` counts for nothing on ECS."""

    command: tuple[str, ...]
    interval: int = 30
    timeout: int = 5
    retries: int = 3
    start_period: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret as an environment variable, at one version."""

    name: str
    arn: str
    version: str
    """Secrets Manager's version id; the number of a parameter's version."""
    key: str = ""
    """A key inside a secret that is JSON."""

    @property
    def parameter(self) -> bool:
        """Whether it is one of Parameter Store, whose versions ECS cannot be told."""
        return ":ssm:" in self.arn

    @property
    def value_from(self) -> str:
        """As ECS takes it: ``arn:json-key:version-stage:version-id`` (specifying-sensitive-data-secrets)."""
        return self.arn if self.parameter else f"{self.arn}:{self.key}::{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of a version that ECS is told, beside image and weights."""

    mode: Mode
    cluster: str
    execution_role: str
    memory_mb: int
    network: Network
    cpu: int | None = None
    """In units of which a vCPU has 1024; on EC2 it may be left open."""
    task_role: str | None = None
    providers: tuple[Provider, ...] = ()
    balancer: Balancer | None = None
    command: tuple[str, ...] = ("serve",)
    """As SageMaker starts it, so that one image serves on both; empty: as the image says."""
    port: int = PORT
    path: str = PATH
    url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    health_check: HealthCheck | None = None
    startup_timeout: int = 300
    """Seconds a task may take until health checks count (``healthCheckGracePeriodSeconds``)."""
    stop_timeout: int | None = None
    ephemeral_storage_gb: int | None = None
    gpus: int = 0
    open_files: int | None = None
    log_group: str | None = None
    loader_image: str | None = None
    """Image that fetches the weights, where the model's own has no Python."""

    @property
    def shifts(self) -> bool:
        """Whether there are two target groups, between which traffic can be moved."""
        return self.balancer is not None and len(self.balancer.target_groups) > 1

    @property
    def shows(self) -> bool:
        """Whether a version can be asked before it has traffic."""
        return self.shifts and self.balancer is not None and self.balancer.test_listener_rule is not None


def parse(value: JsonObject) -> Settings:
    """Read settings that the schema has already accepted."""
    fields = Fields(value)
    return Settings(
        mode=Mode(fields.text("mode")),
        cluster=fields.text("cluster"),
        execution_role=fields.text("execution_role"),
        task_role=fields.maybe("task_role"),
        cpu=_whole(fields, "cpu"),
        memory_mb=fields.whole("memory_mb"),
        providers=tuple(_provider(one) for one in fields.items("capacity_providers")),
        network=_network(fields.raw("network")),
        balancer=_balancer(fields.raw("load_balancer")) if "load_balancer" in fields else None,
        command=fields.texts("command") if "command" in fields else ("serve",),
        port=fields.whole("port", PORT),
        path=fields.text("path", PATH),
        url=fields.maybe("url"),
        environment=fields.pairs("environment"),
        secrets=tuple(_secrets(fields.raw("secrets"))),
        tags=fields.pairs("tags"),
        health_check=_health_check(fields.raw("health_check")) if "health_check" in fields else None,
        startup_timeout=_seconds(fields, "startup_timeout") or 300,
        stop_timeout=_seconds(fields, "stop_timeout"),
        ephemeral_storage_gb=_whole(fields, "ephemeral_storage_gb"),
        gpus=fields.whole("gpus", 0),
        open_files=_whole(fields, "open_files"),
        log_group=fields.maybe("log_group"),
        loader_image=fields.maybe("loader_image"),
    )


def _whole(fields: Fields, key: str) -> int | None:
    return fields.whole(key) if key in fields else None


def _seconds(fields: Fields, key: str) -> int | None:
    return int(duration.parse(fields.text(key)).total_seconds()) if key in fields else None


def _provider(value: Json) -> Provider:
    fields = Fields(value)
    return Provider(name=fields.text("name"), weight=fields.whole("weight", 1), base=fields.whole("base", 0))


def _network(value: Json) -> Network:
    fields = Fields(value)
    return Network(
        subnets=fields.texts("subnets"),
        security_groups=fields.texts("security_groups"),
        public_ip=fields.flag("public_ip", default=False),
    )


def _balancer(value: Json) -> Balancer:
    fields = Fields(value)
    return Balancer(
        target_groups=fields.texts("target_groups"),
        listener_rule=fields.text("listener_rule"),
        test_listener_rule=fields.maybe("test_listener_rule"),
        infrastructure_role=fields.maybe("infrastructure_role"),
    )


def _health_check(value: Json) -> HealthCheck:
    fields = Fields(value)
    return HealthCheck(
        command=fields.texts("command"),
        interval=_seconds(fields, "interval") or 30,
        timeout=_seconds(fields, "timeout") or 5,
        retries=fields.whole("retries", 3),
        start_period=_seconds(fields, "start_period") or 0,
    )


def _secrets(value: Json) -> Iterator[Secret]:
    """In the order of their names: order means nothing, and the same settings make the same definition."""
    for name in sorted(value) if isinstance(value, Mapping) else ():
        fields = Fields(value[name] if isinstance(value, Mapping) else None)
        yield Secret(
            name=name,
            arn=fields.text("arn"),
            version=fields.text("version"),
            key=fields.text("key", ""),
        )
