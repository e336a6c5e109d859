"""What ECS would refuse, found in the config: Fargate's sizes, names, accounts, and what a strategy needs.

Limits are botocore's where its model has them. Fargate's pairs of CPU and memory: RegisterTaskDefinition's
``cpu``. Strategies: DeploymentConfiguration, and the guide's page blue-green-deployment-implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from math import ceil

from modelway.core import duration
from modelway.core.checks import Keys, Subject
from modelway.core.config import CreatedAlarm, Environment, Rollout, RolloutStrategy
from modelway.core.duration import words
from modelway.core.json import Json
from modelway.core.limits import Limit
from modelway.core.problem import Flaw, Level

PAUSE, WEIGHT = "DeploymentLifecycleHookDuration", "CapacityProviderStrategyItemWeight"
SHAPES = (PAUSE, WEIGHT)
"""The shapes of botocore's model whose limits ``check`` needs."""

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
_LONGEST_NAME = 255
_LONGEST_BAKE = 1440
"""Minutes of ``stepBakeTimeInMinutes`` and ``canaryBakeTimeInMinutes`` at most."""
_SMALLEST_STEP = 3
_WHOLE = 100
_SHIFTING = {RolloutStrategy.CANARY, RolloutStrategy.LINEAR, RolloutStrategy.BLUE_GREEN}
_SECONDS: Mapping[tuple[str, ...], tuple[int, int]] = {
    ("stop_timeout",): (2, 120),
    ("health_check", "interval"): (5, 300),
    ("health_check", "timeout"): (2, 60),
    ("health_check", "start_period"): (0, 300),
}


def check(subject: Subject, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Every flaw of one ECS environment."""
    keys: Keys = ("environments", environment.name, "rollout")
    yield from _name(subject.model, environment)
    yield from _size(environment)
    yield from _times(environment)
    yield from _places(environment)
    yield from _tags(environment)
    yield from _asked(environment)
    yield from _weights_of_model(subject, environment)
    yield from _balancer(environment)
    yield from _weights(environment)
    yield from _strategy(environment, keys)
    yield from _waits(environment.rollout, keys, limits[PAUSE])


def _setting(environment: Environment, *path: str) -> Json:
    """A setting, or nothing."""
    value: Json = environment.settings
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _flaw(environment: Environment, path: Sequence[str | int], message: str, cure: str) -> Flaw:
    """A flaw of a setting."""
    return Flaw(path=("environments", environment.name, "settings", *path), message=message, cure=cure)


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _name(model: str, environment: Environment) -> Iterator[Flaw]:
    """``<model>-<environment>`` names service and task definitions."""
    name = f"{model}-{environment.name}"
    if len(name) > _LONGEST_NAME:
        message = f"the service would be named {name}: {len(name)} characters, ECS allows {_LONGEST_NAME}"
        cure = f"Shorten the environment's or the model's name by {len(name) - _LONGEST_NAME}."
        yield Flaw(path=("environments", environment.name), message=message, cure=cure, spot="key")


def _size(environment: Environment) -> Iterator[Flaw]:
    """Fargate has certain sizes; the nearest are named."""
    cpu, memory = _setting(environment, "cpu"), _setting(environment, "memory_mb")
    if (
        environment.settings.get("mode") != "fargate"
        or not isinstance(cpu, int)
        or not isinstance(memory, int)
    ):
        return
    if cpu not in SIZES:
        near = _nearest(cpu, tuple(SIZES))
        message = f"Fargate has no cpu {cpu}; it has {', '.join(str(size) for size in SIZES)}"
        yield _flaw(environment, ("cpu",), message, f"Write {' or '.join(str(size) for size in near)}.")
    elif memory not in SIZES[cpu]:
        near = _nearest(memory, SIZES[cpu])
        first, last = SIZES[cpu][0], SIZES[cpu][-1]
        message = f"Fargate has no {memory} MiB with cpu {cpu}; it has {first} to {last}{_steps(SIZES[cpu])}"
        others = [str(size) for size, memories in SIZES.items() if memory in memories]
        another = f", or cpu: {' or '.join(others)}" if others else ""
        cure = f"Write memory_mb: {' or '.join(str(size) for size in near)}{another}."
        yield _flaw(environment, ("memory_mb",), message, cure)


def _nearest(value: int, options: tuple[int, ...]) -> tuple[int, ...]:
    """The greatest below and the least above."""
    below = [option for option in options if option < value]
    above = [option for option in options if option > value]
    return (*below[-1:], *above[:1])


def _steps(options: tuple[int, ...]) -> str:
    """``in steps of 1024`` where they are equal."""
    gaps = {later - earlier for earlier, later in pairwise(options)}
    return f" in steps of {gaps.pop()}" if len(gaps) == 1 else f" ({', '.join(str(o) for o in options)})"


def _times(environment: Environment) -> Iterator[Flaw]:
    """Durations inside of ECS's limits."""
    for path, (least, most) in _SECONDS.items():
        value = _setting(environment, *path)
        if not isinstance(value, str) or least <= duration.parse(value).total_seconds() <= most:
            continue
        message = f"{'.'.join(path)} is {value}; ECS allows {least}s to {most}s"
        yield _flaw(environment, path, message, f"Write {least}s to {most}s.")


def _places(environment: Environment) -> Iterator[Flaw]:
    """Roles are the environment's account's own, the rest also of its region."""
    for key in ("execution_role", "task_role"):
        yield from _of_account(environment, (key,), str(_setting(environment, key) or ""))
    role = ("load_balancer", "infrastructure_role")
    yield from _of_account(environment, role, str(_setting(environment, *role) or ""))
    groups = _texts(_setting(environment, "load_balancer", "target_groups"))
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("load_balancer", "target_groups", index), group) for index, group in enumerate(groups)
    ]
    rules = ("listener_rule", "test_listener_rule")
    named += [
        (("load_balancer", key), str(_setting(environment, "load_balancer", key) or "")) for key in rules
    ]
    for path, arn in (*named, (("cluster",), str(_setting(environment, "cluster") or ""))):
        yield from _of_account(environment, path, arn)
        if arn.startswith("arn:") and arn.split(":")[3] != environment.region:
            message = f"it is in {arn.split(':')[3]}, the environment is in {environment.region}"
            yield _flaw(environment, path, message, f"Name one of {environment.region}.")


def _of_account(environment: Environment, path: Sequence[str | int], arn: str) -> Iterator[Flaw]:
    if arn.startswith("arn:") and arn.split(":")[4] != environment.account:
        message = f"it is of account {arn.split(':')[4]}, the environment is in {environment.account}"
        yield _flaw(environment, path, message, "Name one of the environment's own account.")


def _tags(environment: Environment) -> Iterator[Flaw]:
    """Tags that are not ours to set."""
    tags = environment.settings.get("tags")
    for key in tags if isinstance(tags, Mapping) else ():
        if key.lower().startswith(("aws:", "modelway:")) or key == "owner":
            message = f"tag {key!r} is set by {'AWS' if key.lower().startswith('aws:') else 'modelway'}"
            path = ("environments", environment.name, "settings", "tags", key)
            yield Flaw(path=path, message=message, cure="Use another name.", spot="key")


def _asked(environment: Environment) -> Iterator[Flaw]:
    """Somebody must be able to tell whether it is well, and to ask it."""
    settings = environment.settings
    keys: Keys = ("environments", environment.name, "settings")
    if "load_balancer" not in settings and "url" not in settings:
        message = "nobody can ask the service: it has neither a load_balancer nor a url"
        cure = "Write load_balancer, or the address the contract tests are to ask in url."
        yield Flaw(path=keys, message=message, cure=cure, spot="key")
    if "load_balancer" not in settings and "health_check" not in settings:
        message = (
            "ECS cannot tell whether a task is well: there is neither a load_balancer nor a health_check"
        )
        cure = "Write health_check: {command: [CMD-SHELL, curl -fs localhost:8080/ping]}, or load_balancer."
        yield Flaw(path=keys, message=message, cure=cure, spot="key")


def _weights_of_model(subject: Subject, environment: Environment) -> Iterator[Flaw]:
    """Each task fetches the model's weights itself, by its own role."""
    if subject.artifact and "task_role" not in environment.settings:
        message = "tasks fetch the model_artifact by their task_role, and there is none"
        cure = "Write task_role: a role that may s3:GetObject from the environment's bucket of artifacts."
        keys: Keys = ("environments", environment.name, "settings")
        yield Flaw(path=keys, message=message, cure=cure, spot="key")


def _balancer(environment: Environment) -> Iterator[Flaw]:
    """Two target groups, and the role that moves traffic between them; or neither."""
    groups = _texts(_setting(environment, "load_balancer", "target_groups"))
    role = _setting(environment, "load_balancer", "infrastructure_role")
    test = _setting(environment, "load_balancer", "test_listener_rule")
    if len(groups) > 1 and role is None:
        message = "two target groups need an infrastructure_role, with which ECS moves the traffic"
        cure = "Write infrastructure_role: a role with AmazonECSInfrastructureRolePolicyForLoadBalancers."
        yield _flaw(environment, ("load_balancer",), message, cure)
    if len(groups) == 1 and test is not None:
        message = "a test listener shows the second target group, and there is one"
        cure = "Name two target_groups, or remove test_listener_rule."
        yield _flaw(environment, ("load_balancer", "test_listener_rule"), message, cure)
    if test is not None and test == _setting(environment, "load_balancer", "listener_rule"):
        message = "the test listener's rule is the production traffic's"
        cure = "Name a rule of its own, on another port or for another host."
        yield _flaw(environment, ("load_balancer", "test_listener_rule"), message, cure)
    if environment.capacity.autoscaling and not groups:
        message = "autoscaling follows the load balancer's requests, and there is no load_balancer"
        path: Keys = ("environments", environment.name, "capacity", "autoscaling")
        cure = "Write settings.load_balancer, or remove autoscaling."
        yield Flaw(path=path, message=message, cure=cure, spot="key")


def _weights(environment: Environment) -> Iterator[Flaw]:
    """At least one capacity provider has a part, and at most one a base."""
    providers = environment.settings.get("capacity_providers")
    items = [one for one in providers if isinstance(one, Mapping)] if isinstance(providers, list) else []
    if items and not any(one.get("weight", 1) for one in items):
        message = "every capacity provider has weight 0: none would run a task"
        yield _flaw(environment, ("capacity_providers",), message, "Give one of them a weight.")
    if sum(1 for one in items if one.get("base")) > 1:
        message = "ECS takes a base of one capacity provider only"
        yield _flaw(environment, ("capacity_providers",), message, "Remove the others' base.")


def _strategy(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """What a strategy needs of the load balancer, and steps that ECS takes."""
    rollout = environment.rollout
    groups = _texts(_setting(environment, "load_balancer", "target_groups"))
    shifts = rollout.strategy in _SHIFTING
    if shifts and len(groups) < 2:  # noqa: PLR2004 - between two groups
        message = (
            f"{rollout.strategy} moves traffic between two target groups; the settings name {len(groups)}"
        )
        cure = "Name two in settings.load_balancer.target_groups, or write strategy: rolling."
        yield Flaw(path=(*keys, "strategy"), message=message, cure=cure)
    yield from _rolling(environment, keys, shifts=shifts or len(groups) > 1)
    yield from _watching(environment, keys)
    if rollout.strategy is RolloutStrategy.LINEAR and rollout.step_percent < _SMALLEST_STEP:
        message = f"step_percent {rollout.step_percent} is less than the {_SMALLEST_STEP} ECS takes"
        yield Flaw(path=(*keys, "step_percent"), message=message, cure=f"Write {_SMALLEST_STEP} or more.")


def _rolling(environment: Environment, keys: Keys, *, shifts: bool) -> Iterator[Flaw]:
    """Rolling replaces whole tasks, knows no bake time, and cannot be stopped on its way."""
    rollout = environment.rollout
    if rollout.strategy is RolloutStrategy.ROLLING or not shifts:
        if rollout.bake_time:
            message = f"bake_time {words(rollout.bake_time)} has no effect: ECS bakes only what it shifts"
            cure = "Remove bake_time, or name two target groups and write canary, linear or blue_green."
            yield Flaw(path=(*keys, "bake_time"), message=message, cure=cure)
        if rollout.pause or rollout.analysis:
            what = "pause" if rollout.pause else "analysis"
            message = (
                f"a rolling deployment cannot be stopped on its way: {what} needs traffic that is shifted"
            )
            cure = "Name two target groups and write strategy: canary or linear, or remove it."
            yield Flaw(path=(*keys, what), message=message, cure=cure, spot="key")
    if rollout.strategy is RolloutStrategy.ROLLING:
        scaling = environment.capacity.autoscaling
        tasks = scaling.min if scaling else environment.capacity.instances
        if tasks * rollout.step_percent < _WHOLE:
            least = min(_WHOLE, ceil(_WHOLE / tasks))
            message = f"{rollout.step_percent} % of {tasks} task{'s' * (tasks > 1)} is less than one task"
            cure = (
                f"Write step_percent: {least} or more, or run at least {ceil(_WHOLE / rollout.step_percent)}."
            )
            yield Flaw(path=(*keys, "step_percent"), message=message, cure=cure)


def _watching(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """Before any traffic there is nothing to look at without a test listener; alarms need metrics."""
    rollout = environment.rollout
    test = _setting(environment, "load_balancer", "test_listener_rule")
    if rollout.pause and rollout.strategy is RolloutStrategy.BLUE_GREEN and test is None:
        message = "blue_green pauses before any traffic, where nobody can look at the new version"
        cure = "Write settings.load_balancer.test_listener_rule, or strategy: canary."
        yield Flaw(path=(*keys, "pause"), message=message, cure=cure, spot="key")
    if "load_balancer" not in environment.settings:
        for index, alarm in enumerate(rollout.alarms):
            if isinstance(alarm, CreatedAlarm):
                message = "the alarm would watch the load balancer's metrics, and there is no load_balancer"
                cure = "Name an alarm of yours, or write settings.load_balancer."
                yield Flaw(path=(*keys, "alarms", index), message=message, cure=cure)


def _waits(rollout: Rollout, keys: Keys, pause: Limit) -> Iterator[Flaw]:
    """Waits are whole minutes, and end some day."""
    minute = timedelta(minutes=1)
    if rollout.bake_time % minute:
        message = f"bake_time {words(rollout.bake_time)} is no whole number of minutes, in which ECS counts"
        cure = f"Write {rollout.bake_time // minute + 1}m, say."
        yield Flaw(path=(*keys, "bake_time"), message=message, cure=cure)
    if rollout.bake_time > timedelta(minutes=_LONGEST_BAKE):
        message = f"bake_time {words(rollout.bake_time)} is longer than the day ECS allows"
        yield Flaw(path=(*keys, "bake_time"), message=message, cure="Write 1d or less, or pause: true.")
    given = rollout.max_time
    if given is not None and not pause.allows(given / minute):
        message = f"max_time {words(given)} is outside of ECS's {pause.words()} minutes"
        yield Flaw(path=(*keys, "max_time"), message=message, cure="Write 1m to 14d.")
    elif given is not None and (rollout.pause or rollout.analysis) and given < rollout.bake_time + minute:
        message = f"max_time {words(given)} is over before bake_time {words(rollout.bake_time)}"
        cure = "Write a longer one: it is how long ECS waits at each stop before it takes the release back."
        yield Flaw(path=(*keys, "max_time"), message=message, cure=cure, level=Level.WARNING)
