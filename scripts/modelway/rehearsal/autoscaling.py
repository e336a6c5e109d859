"""Application Auto Scaling of endpoint variants and services: capacity is kept in range, traffic scales it.

moto keeps targets and policies; it checks nothing, moves nothing, and has no activities. What it answers is
shown by ``tests/rehearsal/test_autoscaling.py``.
"""

from __future__ import annotations

import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from uuid import uuid4

from moto.applicationautoscaling.models import (
    FakeApplicationAutoscalingPolicy,
    applicationautoscaling_backends,
)
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.models import sagemaker_backends

from modelway.rehearsal import ecs_scaling
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecs_scaling import ServiceScaler
from modelway.rehearsal.endpoints import Answer, Endpoint, Variant
from modelway.rehearsal.metrics import Metric
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.runtime import NAMESPACE
from modelway.rehearsal.scalable import INSTANCES, resource
from modelway.rehearsal.scaling import Bounds, Policy, desired
from modelway.rehearsal.stores import store_of
from modelway.rehearsal.wire import not_rehearsed

_KEPT_MINUTES = 15
_TRACKED = "SageMakerVariantInvocationsPerInstance"


@dataclass(frozen=True, slots=True)
class Scaler:
    """What autoscaling remembers beside moto's targets and policies."""

    activities: list[tuple[str, str, Answer]] = field(default_factory=list)
    """Account, region and activity, oldest first."""
    minutes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Invocations an instance, by policy."""

    def move(self, endpoint: Endpoint, variant: Variant, count: int, cause: str) -> None:
        """Change the capacity of a variant, and remember why."""
        with endpoint.lock:
            if endpoint.endpoint_status != "InService" or variant.instances in {None, count}:
                return  # SageMaker does not scale an endpoint that is being updated
            variant.instances = count
        named = resource(endpoint.endpoint_name, variant.name)
        self.note((endpoint.account, endpoint.region), named, INSTANCES, count, cause)

    def note(self, place: tuple[str, str], resource: str, dimension: str, count: int, cause: str) -> None:
        """Remember an activity; ``place`` is account and region."""
        activity: Answer = {
            "ActivityId": str(uuid4()),
            "ServiceNamespace": dimension.partition(":")[0],
            "ResourceId": resource,
            "ScalableDimension": dimension,
            "Description": f"Setting desired instance count to {count}.",
            "Cause": cause,
            "StartTime": utcnow(),
            "EndTime": utcnow(),
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set desired instance count to {count}.",
        }
        self.activities.append((*place, activity))

    def minute(self, account: str, region: str, seconds: float) -> None:
        """Look at every target once; ``seconds`` are a minute's on the wall."""
        backend = applicationautoscaling_backends[account][region]
        for target in list(backend.targets.get(INSTANCES, {}).values()):
            found = _variant(account, region, target.resource_id)
            if found is None:
                continue
            bounds = Bounds(low=target.min_capacity or 0, high=target.max_capacity or 0)
            self.move(
                *found, bounds.clamp(found[1].instances or 1), "minimum or maximum capacity was changed"
            )
            for policy in list(backend.policies.values()):
                if policy.resource_id == target.resource_id and (wanted := _tracking(policy)):
                    self._track(found, bounds, wanted, policy.policy_arn, seconds)

    def _track(
        self, found: tuple[Endpoint, Variant], bounds: Bounds, policy: Policy, arn: str, seconds: float
    ) -> None:
        endpoint, variant = found
        dimensions = {("EndpointName", endpoint.endpoint_name), ("VariantName", variant.name)}
        metric = Metric(namespace=NAMESPACE, name="Invocations", dimensions=frozenset(dimensions))
        now, count = time.time(), variant.instances or 1
        asked = len(store_of(endpoint.account, endpoint.region).between(metric, now - seconds, now))
        minutes = self.minutes[arn]
        # Requests come at the wall's rate: a compressed minute counts as what a whole one would have had.
        minutes.append(asked * 60 / seconds / count)
        del minutes[:-_KEPT_MINUTES]
        wanted = desired(count, bounds, policy, minutes)
        if wanted != count:
            self.move(endpoint, variant, wanted, f"target tracking at {policy.target} invocations a minute")
            minutes.clear()


def install(context: Context) -> None:
    """Check targets, add activities, and scale until the cloud stops."""
    scaler = Scaler()
    services = ServiceScaler(scaler.note)
    _check_targets()

    def describe_scaling_activities(self: ApplicationAutoScalingResponse) -> ActionResult:
        wanted, namespace = self._get_param("ResourceId"), self._get_param("ServiceNamespace")
        found = [
            activity
            for account, region, activity in reversed(scaler.activities)
            if (account, region) == (self.current_account, self.region)
            and namespace == activity["ServiceNamespace"]
            and wanted in {None, activity["ResourceId"]}
        ]
        return ActionResult({"ScalingActivities": found})

    ApplicationAutoScalingResponse.describe_scaling_activities = describe_scaling_activities  # type: ignore[attr-defined]  # moto has none
    stopped = Event()
    context.on_shutdown(stopped.set)
    looks = (scaler.minute, services.minute)
    run = Thread(target=_run, args=(looks, stopped, 60 / context.clock_factor), name="scaling", daemon=True)
    run.start()


def _run(looks: Sequence[Callable[[str, str, float], None]], stopped: Event, seconds: float) -> None:
    while not stopped.wait(seconds):
        for account, backends in list(applicationautoscaling_backends.items()):
            for region in list(backends):
                for look in looks:
                    try:
                        look(account, region, seconds)
                    except Exception:  # noqa: BLE001 - a bug met by one account must not stop the others
                        traceback.print_exc()


def _check_targets() -> None:
    """Refuse a target that is no variant of an endpoint; deregister takes its policies away, as on AWS."""
    register = ApplicationAutoScalingResponse.register_scalable_target
    deregister = ApplicationAutoScalingResponse.deregister_scalable_target

    def register_scalable_target(self: ApplicationAutoScalingResponse) -> str:
        if self._get_param("ServiceNamespace") == "sagemaker":
            _check_target(self)
        if self._get_param("ServiceNamespace") == "ecs":
            ecs_scaling.check(self)
        return register(self)

    def deregister_scalable_target(self: ApplicationAutoScalingResponse) -> str:
        answer = deregister(self)
        policies = self.applicationautoscaling_backend.policies
        for key, policy in list(policies.items()):
            if policy.resource_id == self._get_param("ResourceId"):
                del policies[key]
        return answer

    ApplicationAutoScalingResponse.register_scalable_target = register_scalable_target  # type: ignore[method-assign]
    ApplicationAutoScalingResponse.deregister_scalable_target = deregister_scalable_target  # type: ignore[method-assign]


def _check_target(asked: ApplicationAutoScalingResponse) -> None:
    name, dimension = str(asked._get_param("ResourceId")), asked._get_param("ScalableDimension")  # noqa: SLF001
    if dimension != INSTANCES:
        raise not_rehearsed("application-autoscaling", "RegisterScalableTarget", str(dimension))
    found = _variant(asked.current_account, asked.region, name)
    if found is None:
        message = f"No variant of an endpoint exists for resource ID: {name}"
        raise refusal(message)
    if (status := found[0].endpoint_status) not in {"InService", "Updating"}:
        message = f"The endpoint of {name} is {status}, not InService."
        raise refusal(message)


def _variant(account: str, region: str, name: str) -> tuple[Endpoint, Variant] | None:
    """The variant of ``endpoint/<endpoint>/variant/<variant>``."""
    match name.split("/"):
        case ["endpoint", endpoint_name, "variant", variant_name]:
            endpoint: object = sagemaker_backends[account][region].endpoints.get(endpoint_name)
            if isinstance(endpoint, Endpoint):
                named = (variant for variant in endpoint.variants if variant.name == variant_name)
                variant = next(named, None)
                return None if variant is None or variant.serverless is not None else (endpoint, variant)
        case _:
            pass
    return None


def _tracking(policy: FakeApplicationAutoscalingPolicy) -> Policy | None:
    """A policy that tracks invocations; others are kept and described, and scale nothing."""
    config: Mapping[str, object] = policy.target_tracking_scaling_policy_configuration or {}
    match config:
        case {
            "TargetValue": int() | float() as target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": kind},
        }:
            if kind == _TRACKED:
                return Policy(target=float(target), can_scale_in=not config.get("DisableScaleIn"))
        case _:
            pass
    return None
