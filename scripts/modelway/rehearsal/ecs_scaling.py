"""Application Auto Scaling of ECS services: desired counts are kept in range, and traffic moves them.

Policies that track requests of target groups, or metrics the policy describes, move counts. Those that track
CPU or memory are kept and described, and move nothing: a container here stands for many tasks.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import floor
from typing import Protocol

from moto.applicationautoscaling.models import (
    FakeApplicationAutoscalingPolicy,
    applicationautoscaling_backends,
)
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.ecs.models import ecs_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.ecs_model import Service
from modelway.rehearsal.elb_metrics import NAMESPACE
from modelway.rehearsal.evaluation import Query, compute
from modelway.rehearsal.metric_math import Series, evaluate
from modelway.rehearsal.metrics import Metric, Store
from modelway.rehearsal.parameters import object_of, objects
from modelway.rehearsal.queries import metric_of
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.scaling import Bounds, Policy, desired
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.wire import not_rehearsed

COUNT = "ecs:service:DesiredCount"
_KEPT_MINUTES = 15
_ADDED_UP = frozenset({"Sum", "SampleCount"})
_MINUTE = 60


class Note(Protocol):
    """Remembers a scaling activity."""

    def __call__(self, place: tuple[str, str], resource: str, dimension: str, count: int, cause: str) -> None:
        """``place`` is account and region."""


@dataclass(frozen=True, slots=True)
class ServiceScaler:
    """Moves the desired counts of all accounts."""

    note: Note
    minutes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """What each policy's metric was, a value a minute."""

    def minute(self, account: str, region: str, seconds: float) -> None:
        """Look at every target once; ``seconds`` are a minute's on the wall."""
        backend = applicationautoscaling_backends[account][region]
        for target in list(backend.targets.get(COUNT, {}).values()):
            service = find(account, region, target.resource_id)
            if service is None or service.status != "ACTIVE":
                continue
            bounds = Bounds(low=target.min_capacity or 0, high=target.max_capacity or 0)
            self._move(service, bounds.clamp(service.desired), "minimum or maximum capacity was changed")
            for policy in list(backend.policies.values()):
                if policy.resource_id == target.resource_id:
                    self._track(service, bounds, policy, seconds)

    def _track(
        self, service: Service, bounds: Bounds, policy: FakeApplicationAutoscalingPolicy, seconds: float
    ) -> None:
        config: JsonObject = policy.target_tracking_scaling_policy_configuration or {}
        watched = list(_queries(config))
        target = config.get("TargetValue")
        if not watched or not isinstance(target, int | float):
            return
        minutes = self.minutes[policy.policy_arn]
        minutes.append(value(watched, store_of(service.account, service.region), time.time(), seconds))
        del minutes[:-_KEPT_MINUTES]
        tracked = Policy(target=float(target), can_scale_in=not config.get("DisableScaleIn"))
        wanted = desired(service.desired, bounds, tracked, minutes)
        if wanted != service.desired:
            self._move(service, wanted, f"target tracking of {policy.policy_name} at {target}")
            minutes.clear()

    def _move(self, service: Service, count: int, cause: str) -> None:
        if count != service.desired:
            service.scale(count)
            place = service.account, service.region
            self.note(place, resource(service), COUNT, count, cause)


def check(asked: ApplicationAutoScalingResponse) -> None:
    """Refuse a target that is no service, as AWS does."""
    name, dimension = str(asked._get_param("ResourceId")), asked._get_param("ScalableDimension")  # noqa: SLF001 - moto's only way
    if dimension != COUNT:
        raise not_rehearsed("application-autoscaling", "RegisterScalableTarget", str(dimension))
    service = find(asked.current_account, asked.region, name)
    if service is None or service.status != "ACTIVE":
        message = f"ECS service doesn't exist: {name}"
        raise refusal(message)


def find(account: str, region: str, name: str) -> Service | None:
    """The service of ``service/<cluster>/<service>``."""
    match name.split("/"):
        case ["service", cluster, service]:
            found: object = ecs_backends[account][region].services.get(f"{cluster}:{service}")
            return found if isinstance(found, Service) else None
        case _:
            return None


def resource(service: Service) -> str:
    """A service, as application-autoscaling names it."""
    return f"service/{service.cluster_name}/{service.name}"


def value(queries: Sequence[Query], store: Store, now: float, seconds: float) -> float:
    """What the returned query was in the last complete minute, of so many seconds of the wall's.

    Requests come at the wall's rate: sums of a compressed minute count as those of a whole one.
    """
    start = (floor(now / seconds) - 1) * seconds
    plain = [replace(query, period=seconds) for query in queries if query.metric is not None]
    series: dict[str, Series] = {}
    for query, (name, found) in zip(plain, compute(plain, store, [start], seconds).items(), strict=True):
        factor = _MINUTE / seconds if query.stat in _ADDED_UP else 1.0
        series[name] = {each: total * factor for each, total in found.items()}
    returned = next(query for query in queries if query.returned)
    if returned.expression:
        return next(iter(evaluate(returned.expression, series, [start]).values()), 0.0)
    return next(iter(series[returned.name].values()), 0.0)


def _queries(config: Mapping[str, Json]) -> Iterator[Query]:
    """What a policy tracks; nothing for what moves no count here."""
    predefined = object_of(config, "PredefinedMetricSpecification")
    if predefined.get("PredefinedMetricType") == "ALBRequestCountPerTarget":
        yield _requests(str(predefined.get("ResourceLabel") or ""))
    customized = object_of(config, "CustomizedMetricSpecification")
    if customized.get("MetricName"):
        yield Query(name="m1", metric=metric_of(customized), stat=str(customized["Statistic"]))
    for each in objects(customized.get("Metrics")):
        stat, returned = object_of(each, "MetricStat"), each.get("ReturnData") is not False
        if stat:
            named = metric_of(object_of(stat, "Metric"))
            yield Query(name=str(each["Id"]), returned=returned, metric=named, stat=str(stat["Stat"]))
        else:
            yield Query(name=str(each["Id"]), returned=returned, expression=str(each["Expression"]))


def _requests(label: str) -> Query:
    """``app/<name>/<id>/targetgroup/<name>/<id>``."""
    balancer, _, group = label.partition("/targetgroup/")
    dimensions = {("LoadBalancer", balancer), ("TargetGroup", f"targetgroup/{group}")}
    metric = Metric(namespace=NAMESPACE, name="RequestCountPerTarget", dimensions=frozenset(dimensions))
    return Query(name="m1", metric=metric, stat="Sum")
