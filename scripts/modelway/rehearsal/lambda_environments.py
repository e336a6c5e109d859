"""The execution environments of all functions: which version has one, what its container is started from."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from moto.sts.models import sts_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.bridge import Bridge, bridge_of
from modelway.rehearsal.context import Context
from modelway.rehearsal.lambda_environment import Environment
from modelway.rehearsal.lambda_state import Function, Version
from modelway.rehearsal.streams import Source, Streams

if TYPE_CHECKING:
    from docker.models.containers import Container

_USER = "993:990"
"""Lambda runs every image as a user of its own who may write only /tmp (its guide, images-create)."""
_INIT_SECONDS = 60.0
"""On AWS ten; a laptop that runs everything else meanwhile takes longer."""
_HOUR = 3600


@dataclass(slots=True, kw_only=True)
class LambdaLimits:
    """What there is too little of, when somebody asks for it through ``/_rehearse/lambda``."""

    init_seconds: float = _INIT_SECONDS
    """How long a start may take before it counts against the timeout."""
    unreserved: dict[str, int] = field(default_factory=dict)
    """Executions that may run at once where none are provisioned, by account; ``""`` is any other."""

    def left(self, account: str) -> int | None:
        """How many may run at once in an account; ``None`` where they are not counted."""
        return self.unreserved.get(account, self.unreserved.get(""))

    def set(self, payload: JsonObject) -> Json:
        """Change ``init_seconds``, or ``unreserved`` of one ``account`` or of all; answer both."""
        match payload:
            case {"init_seconds": int() | float() as seconds}:
                self.init_seconds = float(seconds)
            case {"unreserved": int() as unreserved}:
                self.unreserved[str(payload.get("account", ""))] = unreserved
            case {"unreserved": None}:
                self.unreserved.pop(str(payload.get("account", "")), None)
            case _:
                msg = f"expected one of init_seconds, unreserved; got {sorted(payload)}"
                raise ValueError(msg)
        return {"init_seconds": self.init_seconds, "unreserved": {**self.unreserved}}


@dataclass(slots=True, kw_only=True)
class Environments:
    """Every environment of the run."""

    context: Context
    limits: LambdaLimits
    streams: Streams
    _running: dict[tuple[str, str], Environment] = field(default_factory=dict)
    """By the function's ARN and the version's number."""
    _lock: Lock = field(default_factory=Lock)

    def of(self, function: Function, version: Version) -> Environment:
        """The environment of a version; its container starts with the first event."""
        key = (function.arn, version.number)
        with self._lock:
            found = self._running.get(key)
            if found is None:
                found = self._new(function, version)
                self._running[key] = found
        return found

    def _new(self, function: Function, version: Version) -> Environment:
        stream = f"{time.strftime('%Y/%m/%d')}/[{version.number}]{secrets.token_hex(16)}"
        made = Environment(
            start=self._starter(function, version),
            arn=f"{function.arn}:{version.number}",
            stream=stream,
            init_seconds=self.limits.init_seconds,
            timeout=version.settings.timeout,
        )
        source = Source(
            account=function.account, region=function.region, group=f"/aws/lambda/{function.name}"
        )
        self.streams.add(source, made)
        return made

    def _starter(self, function: Function, version: Version) -> Callable[[Environment], Container]:
        def start(environment: Environment) -> Container:
            return _run(self.context, bridge_of(self.context), function, version, environment)

        return start

    def stop(self, function: Function, number: str | None = None) -> None:
        """Remove the environment of a version, or of all."""
        with self._lock:
            gone = [k for k in self._running if k[0] == function.arn and number in {None, k[1]}]
            stopped = [self._running.pop(key) for key in gone]
        for environment in stopped:
            environment.close()

    def close(self) -> None:
        """Remove all of them."""
        with self._lock:
            stopped, self._running = list(self._running.values()), {}
        for environment in stopped:
            environment.close()


def _run(
    context: Context, bridge: Bridge, function: Function, version: Version, environment: Environment
) -> Container:
    """Start the container as Lambda does: read-only but for /tmp, as its own user, told where events are."""
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 - only where containers are used

    settings, engine = version.settings, context.docker()
    try:
        engine.images.get(settings.pull)
    except ImageNotFound:
        engine.images.pull(settings.pull)
    overrides = settings.image_config
    entry: Json = overrides.get("EntryPoint")
    command: Json = overrides.get("Command")
    container = engine.containers.create(
        settings.pull,
        command=[str(each) for each in command] if isinstance(command, list) else None,
        entrypoint=[str(each) for each in entry] if isinstance(entry, list) else None,
        working_dir=str(overrides.get("WorkingDirectory") or "") or None,
        environment=_variables(bridge, function, version, environment),
        labels=dict(context.labels),
        network=bridge.network,
        read_only=True,
        tmpfs={"/tmp": f"rw,exec,nosuid,nodev,size={settings.storage}m,mode=1777"},  # noqa: S108 - in there
        user=_USER,
        mem_limit=f"{settings.memory}m",
    )
    with suppress(APIError):  # it stays "created": what is said of it is that it ended
        container.start()
    return container


def _variables(
    bridge: Bridge, function: Function, version: Version, environment: Environment
) -> dict[str, str]:
    """What Lambda sets, and the function's own (its guide, configuration-envvars)."""
    session = sts_backends[function.account]["aws"].assume_role(
        region_name=function.region,
        role_session_name=function.name,
        role_arn=version.settings.role,
        policy="",
        duration=_HOUR,
        external_id="",
    )
    return {
        "AWS_LAMBDA_RUNTIME_API": environment.listening(bridge),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.number,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.settings.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": environment.stream,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
        "AWS_ENDPOINT_URL": f"http://{bridge.address}",
        "TZ": ":UTC",
        **version.settings.variables,
    }
