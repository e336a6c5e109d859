"""From a task definition to what its containers are started from, resolved as late as ECS does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import ecs_secrets
from modelway.rehearsal.bridge import bridge_of
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_images import Named, pull
from modelway.rehearsal.ecs_roles import TaskError, check_role
from modelway.rehearsal.parameters import object_of, objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Where the ``awslogs`` driver writes."""

    group: str
    region: str
    prefix: str
    create: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One container of a task."""

    name: str
    image: str
    """As the task definition names it."""
    pull: str
    """As this machine's Docker pulls it."""
    digest: str
    essential: bool
    command: Sequence[str] | None
    entry_point: Sequence[str] | None
    environment: Mapping[str, str]
    ports: Sequence[int]
    mounts: Mapping[str, Mapping[str, str]]
    """Path in the container (``bind``) and ``mode`` by name of the task's volume, as Docker takes them."""
    depends_on: Mapping[str, str]
    """Condition by name of the container."""
    check: JsonObject
    """``healthCheck``; empty where there is none."""
    memory: int | None
    """MiB the container is killed beyond."""
    user: str
    folder: str
    read_only: bool
    log: Log | None


def specs(
    context: Context, definition: JsonObject, pinned: Sequence[Named], place: tuple[str, str]
) -> tuple[Spec, ...]:
    """Every container, in the order of its dependencies; ``place`` is account and region.

    Raises ``TaskError`` with ECS's reason.
    """
    role = str(definition.get("executionRoleArn") or "")
    check_role(role)
    shared = _task_environment(context, definition, place)
    by_name = {str(each["name"]): each for each in objects(definition.get("containerDefinitions"))}
    digests = {each.container: each.digest for each in pinned}
    found = []
    for name in _in_order(by_name):
        asked = by_name[name]
        own = {str(each["name"]): str(each["value"]) for each in objects(asked.get("environment"))}
        environment = {**shared, **own, **_secrets(asked, place)}
        where = pull(context, str(asked["image"]), digests.get(name, ""), role)
        found.append(_spec(asked, where, digests.get(name, ""), environment))
    return tuple(found)


def _spec(asked: JsonObject, pull: str, digest: str, environment: Mapping[str, str]) -> Spec:
    depends = {str(d["containerName"]): str(d["condition"]) for d in objects(asked.get("dependsOn"))}
    mounts = {
        str(each["sourceVolume"]): {
            "bind": str(each["containerPath"]),
            "mode": "ro" if each.get("readOnly") else "rw",
        }
        for each in objects(asked.get("mountPoints"))
    }
    memory = asked.get("memory")
    return Spec(
        name=str(asked["name"]),
        image=str(asked["image"]),
        pull=pull,
        digest=digest,
        essential=asked.get("essential") is not False,
        command=_texts(asked.get("command")),
        entry_point=_texts(asked.get("entryPoint")),
        environment=environment,
        ports=[int(str(each["containerPort"])) for each in objects(asked.get("portMappings"))],
        mounts=mounts,
        depends_on=depends,
        check=object_of(asked, "healthCheck"),
        memory=memory if isinstance(memory, int) else None,
        user=str(asked.get("user") or ""),
        folder=str(asked.get("workingDirectory") or ""),
        read_only=bool(asked.get("readonlyRootFilesystem")),
        log=_log(object_of(asked, "logConfiguration")),
    )


def _log(asked: JsonObject) -> Log | None:
    if asked.get("logDriver") != "awslogs":
        return None
    options = object_of(asked, "options")
    return Log(
        group=str(options.get("awslogs-group", "")),
        region=str(options.get("awslogs-region", "")),
        prefix=str(options.get("awslogs-stream-prefix", "")),
        create=options.get("awslogs-create-group") == "true",
    )


def _secrets(asked: JsonObject, place: tuple[str, str]) -> Mapping[str, str]:
    try:
        return {
            str(each["name"]): ecs_secrets.value(str(each["valueFrom"]), *place)
            for each in objects(asked.get("secrets"))
        }
    except ecs_secrets.SecretError as error:
        msg = (
            "ResourceInitializationError: unable to pull secrets or registry auth: "
            f"execution resource retrieval failed: {error}"
        )
        raise TaskError(msg) from error


def _task_environment(context: Context, definition: JsonObject, place: tuple[str, str]) -> Mapping[str, str]:
    """What Fargate tells every container, and where this AWS and the task role's credentials are.

    AWS hands the credentials out at a link-local address, which a container here cannot have.
    """
    from moto.sts.models import sts_backends  # noqa: PLC0415 - only for tasks with a role

    account, region = place
    told = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}
    role = str(definition.get("taskRoleArn") or "")
    if not role:
        return told
    check_role(role)
    session = sts_backends[account]["aws"].assume_role(region, "task", role, "", 3600, "")
    return told | {
        "AWS_ENDPOINT_URL": f"http://{bridge_of(context).address}",
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def _in_order(containers: Mapping[str, JsonObject]) -> list[str]:
    """Containers after those they depend on; RegisterTaskDefinition has refused circles."""
    order: list[str] = []
    while len(order) < len(containers):
        for name, asked in containers.items():
            needed = {str(each["containerName"]) for each in objects(asked.get("dependsOn"))}
            if name not in order and needed <= set(order):
                order.append(name)
    return order


def _texts(value: Json) -> list[str] | None:
    return [str(each) for each in value] if isinstance(value, list) else None
