"""What a config says of Lambda, as values, and the API requests that follow from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from modelway.core import duration
from modelway.core.json import Json, JsonObject
from modelway.core.version import Version

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import ImageConfigTypeDef, VpcConfigTypeDef

ALIAS = "live"
"""The alias traffic follows."""
MODEL_DIR = "/tmp/ml/model"  # noqa: S108 - in the container; nothing else can be written on Lambda
ARCHITECTURES: Mapping[str, str] = {"linux/amd64": "x86_64", "linux/arm64": "arm64"}
"""What Lambda calls an image's platform."""
MODEL_SHA256 = "MODELWAY_MODEL_SHA256"
RESERVED = ("MODELWAY_VERSION", "MODELWAY_MODEL_URI", MODEL_SHA256, "MODELWAY_SECRETS")
"""Variables modelway sets; and ``SM_MODEL_DIR``, where there is a model artifact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    """The network the function joins."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of a version that Lambda is told, beside image and weights."""

    execution_role: str
    memory_mb: int = 1024
    ephemeral_storage_mb: int = 512
    timeout: int = 30
    """Seconds."""
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: JsonObject = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    vpc: Vpc | None = None
    kms_key: str = ""
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""
    function_url: str = ""
    """``iam`` or ``public``; empty for none."""


def parse(settings: JsonObject) -> Settings:
    """Read settings that the schema has already accepted."""
    default, secrets = Settings(execution_role=""), settings.get("secrets")
    timeout = settings.get("timeout")
    return Settings(
        execution_role=str(settings["execution_role"]),
        memory_mb=_whole(settings.get("memory_mb"), default.memory_mb),
        ephemeral_storage_mb=_whole(settings.get("ephemeral_storage_mb"), default.ephemeral_storage_mb),
        timeout=int(duration.parse(str(timeout)).total_seconds()) if timeout else default.timeout,
        environment=_strings(settings.get("environment")),
        secrets=secrets if isinstance(secrets, Mapping) else {},
        tags=_strings(settings.get("tags")),
        vpc=_vpc(settings.get("vpc")),
        kms_key=_text(settings.get("kms_key")),
        entry_point=_texts(settings.get("entry_point")),
        command=_texts(settings.get("command")),
        working_directory=_text(settings.get("working_directory")),
        function_url=_text(settings.get("function_url")),
    )


def _text(value: Json) -> str:
    return "" if value is None else str(value)


def _whole(value: Json, default: int) -> int:
    return value if isinstance(value, int) else default


def _strings(value: Json) -> dict[str, str]:
    """A map of strings; numbers and booleans as YAML writes them were refused by the schema."""
    return {key: str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(item) for item in cast("Sequence[Json]", value)) if value else ()


def _vpc(value: Json) -> Vpc | None:
    if not isinstance(value, Mapping):
        return None
    return Vpc(subnets=_texts(value["subnets"]), security_groups=_texts(value["security_groups"]))


def variables(settings: Settings, version: Version, uri: str | None) -> dict[str, str]:
    """The function's environment: the config's, and what the container needs to bring model and secrets.

    The version's id is in it, so that two versions never are the same to Lambda, which publishes nothing
    where nothing changed.
    """
    given = {**settings.environment, "MODELWAY_VERSION": version.id}
    if version.artifact and uri:
        given["MODELWAY_MODEL_URI"] = uri
        given[MODEL_SHA256] = version.artifact.sha256.hex
        given["SM_MODEL_DIR"] = MODEL_DIR
    if settings.secrets:
        given["MODELWAY_SECRETS"] = json.dumps(settings.secrets, sort_keys=True)
    return given


def vpc(settings: Settings) -> VpcConfigTypeDef:
    """The network; empty lists take a function out of the one it is in."""
    wanted = settings.vpc
    return {
        "SubnetIds": list(wanted.subnets) if wanted else [],
        "SecurityGroupIds": list(wanted.security_groups) if wanted else [],
    }


def image_config(settings: Settings) -> ImageConfigTypeDef:
    """What runs instead of what the image says; nothing keeps the image's own."""
    request: ImageConfigTypeDef = {}
    if settings.entry_point:
        request["EntryPoint"] = list(settings.entry_point)
    if settings.command:
        request["Command"] = list(settings.command)
    if settings.working_directory:
        request["WorkingDirectory"] = settings.working_directory
    return request
