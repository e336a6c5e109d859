"""What ECS would refuse of a task: Fargate's sizes, the container's times, variables, secrets, health check.

Fargate's pairs of CPU and memory and the health check's times: RegisterTaskDefinition of the API reference.
Secrets: the guide's pages secrets-envvar-secrets-manager and secrets-envvar-ssm-paramstore. Public addresses:
https://github.com/aws/containers-roadmap/issues/450.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from modelway.core import checks_settings, duration
from modelway.core.checks_settings import setting, wrong, wrong_key
from modelway.core.config import Environment
from modelway.core.limits import instead, neighbours
from modelway.core.problem import Flaw

SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}
"""Memory in MiB for each CPU size of Fargate."""
_SECONDS: Mapping[tuple[str, ...], tuple[int, int]] = {
    ("stop_timeout",): (2, 120),
    ("health_check", "interval"): (5, 300),
    ("health_check", "timeout"): (2, 60),
    ("health_check", "start_period"): (0, 300),
}
_FARGATE = ("FARGATE", "FARGATE_SPOT")
_COMMANDS = ("CMD", "CMD-SHELL")


def check(environment: Environment) -> Iterator[Flaw]:
    """Every flaw of an environment's task."""
    yield from _size(environment)
    yield from _on_instances(environment)
    yield from _times(environment)
    yield from _health(environment)
    yield from checks_settings.secrets(environment)
    yield from _parameters(environment)


def _size(environment: Environment) -> Iterator[Flaw]:
    """Fargate has certain sizes; the nearest are named."""
    cpu, memory = setting(environment, "cpu"), setting(environment, "memory_mb")
    if (
        environment.settings.get("mode") != "fargate"
        or not isinstance(cpu, int)
        or not isinstance(memory, int)
    ):
        return
    if cpu not in SIZES:
        near = neighbours(cpu, tuple(SIZES))
        message = f"Fargate has no cpu {cpu}; it has {', '.join(str(size) for size in SIZES)}"
        yield wrong(environment, ("cpu",), message, f"Write {' or '.join(str(size) for size in near)}.")
    elif memory not in SIZES[cpu]:
        first, last = SIZES[cpu][0], SIZES[cpu][-1]
        message = f"Fargate has no {memory} MiB with cpu {cpu}; it has {first} to {last}{_steps(SIZES[cpu])}"
        yield wrong(environment, ("memory_mb",), message, _pair(cpu, memory))


def _pair(cpu: int, memory: int) -> str:
    """The nearest pairs: with this CPU, and with the nearest other one that has as much memory."""
    near = f"Write memory_mb: {' or '.join(str(size) for size in neighbours(memory, SIZES[cpu]))}"
    exact = [str(size) for size, memories in SIZES.items() if memory in memories]
    if exact:
        return f"{near}, or cpu: {' or '.join(exact)}."
    fitting = {
        size: min(above)
        for size, memories in SIZES.items()
        if memory >= memories[0] and (above := [one for one in memories if one > memory])
    }
    if not fitting or cpu in fitting:
        return f"{near}."
    other = min(fitting, key=lambda size: abs(size - cpu))
    return f"{near}, or cpu: {other} with memory_mb: {fitting[other]}."


def _steps(options: tuple[int, ...]) -> str:
    """``in steps of 1024`` where they are equal."""
    gaps = {later - earlier for earlier, later in pairwise(options)}
    return f" in steps of {gaps.pop()}" if len(gaps) == 1 else f" ({', '.join(str(o) for o in options)})"


def _on_instances(environment: Environment) -> Iterator[Flaw]:
    """On a cluster's own instances ECS gives tasks no public address, and Fargate has no part in them."""
    if environment.settings.get("mode") != "ec2":
        return
    if setting(environment, "network", "public_ip") is True:
        message = "ECS gives a public address to tasks on Fargate only"
        cure = "Remove public_ip and use subnets with a NAT gateway or VPC endpoints, or write mode: fargate."
        yield wrong(environment, ("network", "public_ip"), message, cure)
    providers = setting(environment, "capacity_providers")
    for index, one in enumerate(providers if isinstance(providers, list | tuple) else ()):
        name = one.get("name") if isinstance(one, Mapping) else None
        if name in _FARGATE:
            message = f"{name} runs no tasks of mode ec2"
            cure = "Name a capacity provider of the cluster's instances, or write mode: fargate."
            yield wrong(environment, ("capacity_providers", index, "name"), message, cure)


def _times(environment: Environment) -> Iterator[Flaw]:
    """Durations inside of ECS's limits."""
    for path, (least, most) in _SECONDS.items():
        value = setting(environment, *path)
        if not isinstance(value, str):
            continue
        seconds = duration.parse(value).total_seconds()
        if not least <= seconds <= most:
            message = f"{'.'.join(path)} is {value}; ECS allows {least}s to {most}s"
            yield wrong(environment, path, message, instead(seconds, least, most, "{:g}s".format))


def _health(environment: Environment) -> Iterator[Flaw]:
    """The first word of a health check says who runs it."""
    command = setting(environment, "health_check", "command")
    if isinstance(command, list | tuple) and command and command[0] not in _COMMANDS:
        message = f"a health check's command begins with {' or '.join(_COMMANDS)}, found {command[0]!r}"
        cure = "Write CMD before a program and its arguments, CMD-SHELL before a line for /bin/sh."
        yield wrong(environment, ("health_check", "command", 0), message, cure)


def _parameters(environment: Environment) -> Iterator[Flaw]:
    """ECS hands over a parameter whole."""
    secrets = setting(environment, "secrets")
    for name, secret in secrets.items() if isinstance(secrets, Mapping) else ():
        if isinstance(secret, Mapping) and ":ssm:" in str(secret.get("arn")) and "key" in secret:
            message = "ECS takes a key of a secret of Secrets Manager only: a parameter is handed over whole"
            cure = "Remove key and let the program read it, or keep the value in Secrets Manager."
            yield wrong_key(environment, ("secrets", name, "key"), message, cure)
