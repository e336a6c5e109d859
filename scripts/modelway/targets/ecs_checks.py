"""What ECS would refuse, found in the config: names, accounts, and what a strategy needs.

Limits are botocore's where its model has them. Strategies: DeploymentConfiguration, and the guide's page
blue-green-deployment-implementation. What a task may be is in ``ecs_task_checks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import ceil

from modelway.core import checks_settings
from modelway.core.checks import Keys, Subject
from modelway.core.checks_settings import setting, wrong
from modelway.core.config import CreatedAlarm, Environment, Rollout, RolloutStrategy
from modelway.core.duration import words
from modelway.core.json import Json
from modelway.core.limits import Limit
from modelway.core.problem import Flaw, Level
from modelway.targets import ecs_task_checks

PAUSE, WEIGHT = "DeploymentLifecycleHookDuration", "CapacityProviderStrategyItemWeight"
SHAPES = (PAUSE, WEIGHT)
"""The shapes of botocore's model whose limits ``check`` needs."""

_LONGEST_NAME = 255
_LONGEST_BAKE = 1440
"""Minutes of ``stepBakeTimeInMinutes`` and ``canaryBakeTimeInMinutes`` at most."""
_SMALLEST_STEP = 3
_WHOLE = 100
_SHARING = {RolloutStrategy.CANARY, RolloutStrategy.LINEAR}
_SHIFTING = {*_SHARING, RolloutStrategy.BLUE_GREEN}


def check(subject: Subject, environment: Environment, limits: Mapping[str, Limit]) -> Iterator[Flaw]:
    """Every flaw of one ECS environment."""
    keys: Keys = ("environments", environment.name, "rollout")
    yield from _name(subject.model, environment)
    yield from ecs_task_checks.check(environment)
    yield from _places(environment)
    yield from checks_settings.tags(environment)
    yield from _asked(environment)
    yield from _weights_of_model(subject, environment)
    yield from _balancer(environment)
    yield from _weights(environment)
    yield from _strategy(environment, keys)
    yield from _waits(environment.rollout, keys, limits[PAUSE])
    yield from _stops(environment, keys)


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def _name(model: str, environment: Environment) -> Iterator[Flaw]:
    """``<model>-<environment>`` names service and task definitions."""
    name = f"{model}-{environment.name}"
    if len(name) > _LONGEST_NAME:
        message = f"the service would be named {name}: {len(name)} characters, ECS allows {_LONGEST_NAME}"
        cure = f"Shorten the environment's or the model's name by {len(name) - _LONGEST_NAME}."
        yield Flaw(path=("environments", environment.name), message=message, cure=cure, spot="key")


def _places(environment: Environment) -> Iterator[Flaw]:
    """Roles are the environment's account's own, the rest also of its region."""
    for key in ("execution_role", "task_role"):
        yield from _of_account(environment, (key,), str(setting(environment, key) or ""))
    role = ("load_balancer", "infrastructure_role")
    yield from _of_account(environment, role, str(setting(environment, *role) or ""))
    groups = _texts(setting(environment, "load_balancer", "target_groups"))
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("load_balancer", "target_groups", index), group) for index, group in enumerate(groups)
    ]
    rules = ("listener_rule", "test_listener_rule")
    named += [
        (("load_balancer", key), str(setting(environment, "load_balancer", key) or "")) for key in rules
    ]
    for path, arn in (*named, (("cluster",), str(setting(environment, "cluster") or ""))):
        yield from _of_account(environment, path, arn)
        if arn.startswith("arn:") and arn.split(":")[3] != environment.region:
            message = f"it is in {arn.split(':')[3]}, the environment is in {environment.region}"
            yield wrong(environment, path, message, f"Name one of {environment.region}.")


def _of_account(environment: Environment, path: Sequence[str | int], arn: str) -> Iterator[Flaw]:
    if arn.startswith("arn:") and arn.split(":")[4] != environment.account:
        message = f"it is of account {arn.split(':')[4]}, the environment is in {environment.account}"
        yield wrong(environment, path, message, "Name one of the environment's own account.")


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
    groups = _texts(setting(environment, "load_balancer", "target_groups"))
    role = setting(environment, "load_balancer", "infrastructure_role")
    test = setting(environment, "load_balancer", "test_listener_rule")
    if len(groups) > 1 and role is None:
        message = "two target groups need an infrastructure_role, with which ECS moves the traffic"
        cure = "Write infrastructure_role: a role with AmazonECSInfrastructureRolePolicyForLoadBalancers."
        yield wrong(environment, ("load_balancer",), message, cure)
    if len(groups) == 1 and test is not None:
        message = "a test listener shows the second target group, and there is one"
        cure = "Name two target_groups, or remove test_listener_rule."
        yield wrong(environment, ("load_balancer", "test_listener_rule"), message, cure)
    if test is not None and test == setting(environment, "load_balancer", "listener_rule"):
        message = "the test listener's rule is the production traffic's"
        cure = "Name a rule of its own, on another port or for another host."
        yield wrong(environment, ("load_balancer", "test_listener_rule"), message, cure)
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
        yield wrong(environment, ("capacity_providers",), message, "Give one of them a weight.")
    if sum(1 for one in items if one.get("base")) > 1:
        message = "ECS takes a base of one capacity provider only"
        yield wrong(environment, ("capacity_providers",), message, "Remove the others' base.")


def _strategy(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """What a strategy needs of the load balancer, and steps that ECS takes."""
    rollout = environment.rollout
    groups = _texts(setting(environment, "load_balancer", "target_groups"))
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
    test = setting(environment, "load_balancer", "test_listener_rule")
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
        cure = pause.instead(given / minute, lambda minutes: words(minutes * minute))
        yield Flaw(path=(*keys, "max_time"), message=message, cure=cure)


def _stops(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """Where ECS stops before each share, what has the share before it is watched meanwhile."""
    rollout, longest = environment.rollout, environment.rollout.max_time
    asked = rollout.pause or rollout.analysis or setting(environment, "load_balancer", "test_listener_rule")
    if longest is None or not asked or rollout.strategy not in _SHARING:
        return
    watched = rollout.bake_time + (rollout.analysis.max_wait if rollout.analysis else timedelta(0))
    if longest > watched:
        return
    waits = f"bake_time {words(rollout.bake_time)}"
    if rollout.analysis:
        waits += f" and analysis.max_wait {words(rollout.analysis.max_wait)}"
    message = f"max_time {words(longest)} is over before {waits}: ECS would take the release back meanwhile"
    cure = f"Write more than {words(watched)}: it is how long ECS waits at each stop. Or leave it out."
    certain = longest <= rollout.bake_time
    level = Level.ERROR if certain else Level.WARNING
    yield Flaw(path=(*keys, "max_time"), message=message, cure=cure, level=level)
