"""Scalable targets of endpoints: which variants application-autoscaling holds."""

from __future__ import annotations

from moto.applicationautoscaling.models import applicationautoscaling_backends

from modelway.rehearsal.endpoints import Endpoint

INSTANCES = "sagemaker:variant:DesiredInstanceCount"


def resource(endpoint: str, variant: str) -> str:
    """A variant, as application-autoscaling names it."""
    return f"endpoint/{endpoint}/variant/{variant}"


def scaled_variants(endpoint: Endpoint) -> frozenset[str]:
    """The variants with a scalable target of instances."""
    targets = applicationautoscaling_backends[endpoint.account][endpoint.region].targets.get(INSTANCES, {})
    return frozenset(v.name for v in endpoint.variants if resource(endpoint.endpoint_name, v.name) in targets)


def forget_targets(endpoint: Endpoint) -> None:
    """Deregister what belongs to an endpoint that goes, with its policies, as DeleteEndpoint does."""
    backend = applicationautoscaling_backends[endpoint.account][endpoint.region]
    mine = {resource(endpoint.endpoint_name, variant.name) for variant in endpoint.variants}
    for targets in backend.targets.values():
        for name in mine & targets.keys():
            del targets[name]
    for key, policy in list(backend.policies.items()):
        if policy.resource_id in mine:
            del backend.policies[key]
