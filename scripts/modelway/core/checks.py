"""What the schema cannot say about a config, found without looking at the world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Literal, TypeAlias

from modelway.core.config import (
    AlarmMetric,
    Byoc,
    Capacity,
    ContractTest,
    CreatedAlarm,
    Environment,
    Extended,
    Prebuilt,
    Rollout,
    RolloutStrategy,
    Strategy,
)
from modelway.core.duration import words
from modelway.core.problem import Flaw, Level

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

Keys: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a target's check may know of the model beside the environment."""

    model: str
    platform: str | None
    """``None`` while the image part of the config is wrong."""
    artifact: bool = False
    """Whether it has weights of its own, which something has to fetch."""


TargetCheck: TypeAlias = Callable[[Subject, Environment], Iterator[Flaw]]
"""Checks of one target; paths begin at the top of the config."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A path of the config that must be there."""

    keys: Keys
    path: str
    kind: Literal["file", "folder"]
    context: bool = False
    """Whether the folder is sent to a build, which follows no link out of it."""


def image_paths(image: Strategy) -> tuple[Wanted, ...]:
    """What the build reads from the repository."""
    match image:
        case Byoc():
            return (
                Wanted(keys=("image", "context"), path=image.context, kind="folder", context=True),
                Wanted(keys=("image", "dockerfile"), path=image.dockerfile, kind="file"),
            )
        case Extended():
            requirements = Wanted(keys=("image", "requirements"), path=image.requirements, kind="file")
            if image.source is None:
                return (requirements,)
            source = Wanted(keys=("image", "source"), path=image.source, kind="folder", context=True)
            return (requirements, source)
        case Prebuilt():
            return ()


def test_paths(tests: Sequence[ContractTest]) -> tuple[Wanted, ...]:
    """What the contract tests read from the repository."""
    return tuple(
        Wanted(keys=("contract_tests", index, "body_file"), path=test.body_file, kind="file")
        for index, test in enumerate(tests)
        if test.body_file is not None
    )


def secrets(image: Strategy) -> Iterator[Flaw]:
    """Build secrets must be told apart."""
    if not isinstance(image, Prebuilt):
        ids = [secret.id for secret in image.secrets]
        yield from _repeated(ids, ("image", "build_secrets"), "id")


def tests(tests: Sequence[ContractTest]) -> Iterator[Flaw]:
    """Contract tests must be told apart, and a tolerance needs numbers to compare."""
    yield from _repeated([test.name for test in tests], ("contract_tests",), "name")
    for index, test in enumerate(tests):
        if test.expect.tolerance and not test.expect.has_json:
            yield Flaw(
                path=("contract_tests", index, "expect", "tolerance"),
                message="tolerance without json compares nothing",
                cure="Add json, or remove tolerance.",
                level=Level.WARNING,
            )


def _repeated(names: Sequence[str], keys: Keys, field: str) -> Iterator[Flaw]:
    """Names used before in the same list."""
    for index, name in enumerate(names):
        if name in names[:index]:
            message = f"{field} {name!r} is used twice; first by item {names.index(name) + 1}"
            yield Flaw(path=(*keys, index, field), message=message, cure="Give each its own.")


def promotions(sources: Mapping[str, str | None]) -> Iterator[Flaw]:
    """Every environment is promoted from one that exists, and none from itself by any way round."""
    told: set[str] = set()
    for name, source in sources.items():
        path: Keys = ("environments", name, "promote_from")
        if source is None:
            continue
        if source not in sources:
            others = [other for other in sources if other != name]
            near = get_close_matches(source, others, 1)
            names = (
                f"Name one of {', '.join(others)}." if others else "Remove promote_from: there is no other."
            )
            cure = f"Did you mean {near[0]}?" if near else names
            yield Flaw(path=path, message=f"there is no environment {source!r}", cure=cure)
        elif name not in told and name in (circle := _way_back(name, sources)):
            told.update(circle)
            message = f"{' is promoted from '.join((name, *circle))}: nothing could ever come here"
            yield Flaw(path=path, message=message, cure="Remove promote_from where releases begin.")


def _way_back(name: str, sources: Mapping[str, str | None]) -> tuple[str, ...]:
    """The environments before this one, nearest first, until one comes again."""
    way: list[str] = []
    source = sources.get(name)
    while source is not None and source not in way:
        way.append(source)
        source = sources.get(source)
    return tuple(way)


def environment(environment: Environment) -> Iterator[Flaw]:
    """What holds for every target."""
    keys: Keys = ("environments", environment.name)
    yield from _capacity(environment.capacity, (*keys, "capacity"))
    yield from _rollout(environment.rollout, (*keys, "rollout"), bakes=not _replaces_in_place(environment))
    yield from _glass(environment, (*keys, "break_glass_role"))


def _glass(environment: Environment, keys: Keys) -> Iterator[Flaw]:
    """An emergency's role that an ordinary job has makes every release an emergency."""
    for key in ("deploy_role", "plan_role", "retire_role"):
        if environment.break_glass_role == getattr(environment, key):
            message = f"break_glass_role is the {key}, too: every job that has it could break the glass"
            cure = "Name a role of its own: scripts/run iam prints it, and nobody else may assume it."
            yield Flaw(path=keys, message=message, cure=cure)


def _replaces_in_place(environment: Environment) -> bool:
    """Whether ECS does: it then reckons the bake from the alarms (its guide, deployment-alarm-failure)."""
    if environment.target != "ecs":
        return False
    balancer = environment.settings.get("load_balancer")
    groups = balancer.get("target_groups") if isinstance(balancer, Mapping) else None
    two = isinstance(groups, Sequence) and len(groups) > 1
    return environment.rollout.strategy is RolloutStrategy.ROLLING or not two


def _capacity(capacity: Capacity, keys: Keys) -> Iterator[Flaw]:
    """Autoscaling has room, and starts inside it."""
    scaling = capacity.autoscaling
    if scaling is None:
        return
    if scaling.min > scaling.max:
        message = f"autoscaling.min {scaling.min} is more than autoscaling.max {scaling.max}"
        yield Flaw(path=(*keys, "autoscaling", "min"), message=message, cure="Exchange them, or raise max.")
    elif not scaling.min <= capacity.instances <= scaling.max:
        message = f"instances {capacity.instances} is outside of autoscaling {scaling.min} to {scaling.max}"
        cure = f"Write {scaling.min} to {scaling.max}, or widen autoscaling."
        yield Flaw(path=(*keys, "instances"), message=message, cure=cure)


def _rollout(rollout: Rollout, keys: Keys, *, bakes: bool) -> Iterator[Flaw]:
    """Alarms that CloudWatch takes, and that can fire while somebody watches; limits that limit."""
    analysis = rollout.analysis
    if analysis and analysis.error_rate_increase is None and analysis.latency_p95_ratio is None:
        cure = "Write error_rate: {max_increase: 1}, or latency_p95: {max_ratio: 1.5}, or both."
        yield Flaw(path=(*keys, "analysis"), message="analysis compares nothing", cure=cure, spot="key")
    metrics: set[AlarmMetric] = set()
    for index, alarm in enumerate(rollout.alarms):
        if isinstance(alarm, CreatedAlarm):
            if alarm.metric in metrics:
                message = f"{alarm.metric} has an alarm already: of each metric a version has one"
                yield Flaw(path=(*keys, "alarms", index), message=message, cure="Keep one of the two.")
            metrics.add(alarm.metric)
            watched = rollout.bake_time if bakes else None
            yield from _alarm(alarm, watched, (*keys, "alarms", index))


def _alarm(alarm: CreatedAlarm, bake_time: timedelta | None, keys: Keys) -> Iterator[Flaw]:
    """CloudWatch: periods of whole minutes here, a day at most in all (PutMetricAlarm)."""
    span = alarm.period * alarm.datapoints
    if alarm.period % _MINUTE or not alarm.period:
        message = f"period {words(alarm.period)} is not a whole number of minutes"
        yield Flaw(
            path=(*keys, "period"),
            message=message,
            cure="Write 1m, 2m, 5m: metrics come once a minute.",
        )
    elif span > _DAY:
        watched = f"{alarm.datapoints} x {words(alarm.period)} is {words(span)}"
        message = f"{watched}; CloudWatch looks back one day at most"
        yield Flaw(path=keys, message=message, cure="Write fewer datapoints or a shorter period.")
    elif bake_time is not None and bake_time < span:
        message = f"bake_time {words(bake_time)} is shorter than the {words(span)} the alarm needs to react"
        cure = f"Write bake_time: {words(span)} or more."
        yield Flaw(path=keys, message=message, cure=cure, level=Level.WARNING)
