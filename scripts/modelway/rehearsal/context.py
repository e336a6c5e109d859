"""What every part of one running rehearsal cloud shares: its addresses, secrets, clock and hooks.

A part is a module with ``install(context: Context) -> None``, called once before the first request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from modelway.core.json import Json, JsonObject

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from docker import DockerClient
    from werkzeug.wrappers import Request, Response

LABEL = "modelway.rehearsal"
"""Label of every container a rehearsal starts; its value is the run."""

_AWS_NAME = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<rest>.+)")
_LOCAL_NAME = re.compile(r"\d{12}/[a-z0-9-]+/.+")

Control: TypeAlias = Callable[[JsonObject], Json]
"""Answers ``POST /_rehearse/<name>``; raise ``ValueError`` for a payload that makes no sense (HTTP 400)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS call, as read from its signature and its head."""

    number: int
    """Counts every AWS call of the run, from 1."""
    service: str
    """botocore's name of the client, as in ``sagemaker-runtime`` or ``cloudwatch``."""
    operation: str
    """The operation's name, as in ``DescribeImages``; empty where it cannot be told."""
    account: str
    region: str
    principal: str
    """ARN of the user or role session that signed it."""
    resource: str
    """What it is about, as far as the head and the top of the body say; ``*`` where they do not."""
    related: tuple[str, ...] = ()
    """What else it names that permission is needed for, as ``ExecutionRoleArn=...``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An AWS error to answer in the protocol of the call."""

    status: int
    code: str
    message: str


Hook: TypeAlias = Callable[[Call], "Refusal | None"]
"""Looks at a call before moto does; may wait; a ``Refusal`` is answered instead."""
Page: TypeAlias = "Callable[[Request], Response]"
"""Answers a request that is no AWS call: a function URL."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What parts register. Filled while installing, read while serving."""

    shutdown: list[Callable[[], None]] = field(default_factory=list)
    controls: dict[str, Control] = field(default_factory=dict)
    before: list[Hook] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)
    """What answers unsigned paths, by what they begin with."""
    application: list[WSGIApplication] = field(default_factory=list)
    """The cloud's own, once it is made: for parts that let containers reach it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One running rehearsal cloud."""

    run: str
    """Names this run; value of the ``modelway.rehearsal`` label."""
    host: str
    """The loopback address everything binds to."""
    port: int
    """Port of the AWS endpoint and of the ECR front."""
    registry: str
    """``host:port`` of the registry behind the front; no login, loopback only."""
    password: str
    """What GetAuthorizationToken hands out."""
    token: str
    """What ``/_rehearse/*`` asks for in ``X-Rehearse-Token``."""
    balancers: tuple[str, ...] = ()
    """Loopback addresses of this run's load balancers."""
    clock_factor: float
    """How many seconds pass in waits, bake times and alarm periods for one on the wall."""
    state: Path
    """Folder of this run's files."""
    hooks: Hooks = field(default_factory=Hooks)
    engine: Callable[[], DockerClient] | None = None
    """What runs containers instead of Docker: a sweep starts thousands, and asks nothing of them."""

    @property
    def address(self) -> str:
        """``host:port`` of the AWS endpoint and of the ECR front."""
        return f"{self.host}:{self.port}"

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels every container, network and volume started here must have: stopping goes by them."""
        return {LABEL: self.run}

    def docker(self) -> DockerClient:
        """The Docker engine, one client a process; raises ``docker.errors.DockerException`` without one."""
        return (self.engine or docker_client)()

    def resolve_image(self, image: str) -> str:
        """Turn an ECR name, real or rehearsed, into ``registry/...@sha256:...``, pulled here without login.

        Raises ``ValueError`` for an image of another registry and ``LookupError`` for one ECR does not have.
        """
        from modelway.rehearsal import images  # noqa: PLC0415 - moto's ECR, once it is configured

        if found := _AWS_NAME.fullmatch(image):
            path = f"{found['account']}/{found['region']}/{found['rest']}"
        else:
            path = image.removeprefix(f"{self.address}/")
        if path == image or not _LOCAL_NAME.fullmatch(path):
            msg = f"{image} is not an image of this ECR ({self.address}/<account>/<region>/<repository>)"
            raise ValueError(msg)
        return f"{self.registry}/{images.by_digest(path)}"

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Call this once when the cloud stops, last registered first, before containers are removed."""
        self.hooks.shutdown.append(callback)

    def control(self, name: str, handler: Control) -> None:
        """Answer ``POST /_rehearse/<name>`` with the handler's result as JSON."""
        if name in self.hooks.controls:
            msg = f"two parts want /_rehearse/{name}"
            raise ValueError(msg)
        self.hooks.controls[name] = handler

    def before(self, hook: Hook) -> None:
        """Look at every AWS call before moto does, after the injected faults."""
        self.hooks.before.append(hook)

    def shutdowns(self) -> Iterator[Callable[[], None]]:
        """The shutdown callbacks in the order they are to be called."""
        return reversed(self.hooks.shutdown)


@cache
def docker_client() -> DockerClient:
    """The Docker engine, one client a process."""
    import docker  # noqa: PLC0415 - 0.17 s, and a rehearsal of the control plane alone needs no engine

    return docker.from_env()
