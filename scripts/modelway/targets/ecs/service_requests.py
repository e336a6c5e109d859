"""A service as ECS is asked for it: what a version's settings say beside its task definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from modelway.core.altered import Altered, altered
from modelway.core.config import Environment
from modelway.core.naming import role_arn
from modelway.core.plan import Obstacle
from modelway.targets.ecs.settings import CONTAINER, Mode, Settings

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        AwsVpcConfigurationOutputTypeDef,
        AwsVpcConfigurationTypeDef,
        CapacityProviderStrategyItemTypeDef,
        CreateServiceRequestTypeDef,
        LoadBalancerTypeDef,
        ServiceTypeDef,
        UpdateServiceRequestTypeDef,
    )

_OTHERS = {"load_balancer", "startup_timeout"}
"""What a service that was adopted has in its own way."""


def created(settings: Settings, place: Environment) -> CreateServiceRequestTypeDef:
    """What a new service is made with, its name and its task definition apart."""
    request: CreateServiceRequestTypeDef = {
        "serviceName": "",
        "cluster": settings.cluster,
        "desiredCount": place.capacity.instances,
        "networkConfiguration": {"awsvpcConfiguration": network(settings)},
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "propagateTags": "SERVICE",
        "enableECSManagedTags": True,
    }
    if settings.providers:
        request["capacityProviderStrategy"] = providers(settings)
    else:
        request["launchType"] = _launch_type(settings)
    if settings.balancer:
        request["loadBalancers"] = balancers(settings, place)
        request["healthCheckGracePeriodSeconds"] = settings.startup_timeout
    return request


def updated(settings: Settings, place: Environment, service: ServiceTypeDef) -> UpdateServiceRequestTypeDef:
    """What an update changes beside the task definition: only what differs from the service.

    The desired count is never sent: it belongs to the capacity, which autoscaling may have moved.
    """
    request: UpdateServiceRequestTypeDef = {"service": "", "cluster": settings.cluster}
    wanted = network(settings)
    if not _same_network(service, wanted):
        request["networkConfiguration"] = {"awsvpcConfiguration": wanted}
    own = {
        (one["capacityProvider"], one.get("weight", 0), one.get("base", 0))
        for one in service.get("capacityProviderStrategy", [])
    }
    if own != {(one.name, one.weight, one.base) for one in settings.providers}:
        request["capacityProviderStrategy"] = providers(settings)
        request["forceNewDeployment"] = True  # ECS takes a change of launch type no other way
    listed = balancers(settings, place)
    if _groups(service.get("loadBalancers", [])) != _groups(listed):
        request["loadBalancers"] = listed
    grace = settings.startup_timeout
    if settings.balancer and service.get("healthCheckGracePeriodSeconds") != grace:
        request["healthCheckGracePeriodSeconds"] = grace
    return request


def unlike(
    settings: Settings, place: Environment, service: ServiceTypeDef, *, adopted: bool
) -> tuple[Altered, ...]:
    """What the service keeps itself, its task definition apart, and has not as the settings say.

    What was adopted keeps its container's name and how long it may start, until a release replaces it.
    """
    wanted, seen = _kept(created(settings, place)), _kept(service)
    if adopted:
        wanted, seen = ({k: v for k, v in each.items() if k not in _OTHERS} for each in (wanted, seen))
    return altered(wanted, seen)


def _kept(told: CreateServiceRequestTypeDef | ServiceTypeDef) -> dict[str, str]:
    """A service's own settings, each as the config spells it, in words that do not depend on an order."""
    own = _network(told)
    shares = sorted(
        f"{one['capacityProvider']} (weight {one.get('weight', 0)}, base {one.get('base', 0)})"
        for one in told.get("capacityProviderStrategy", [])
    )
    grace = told.get("healthCheckGracePeriodSeconds")
    found = {
        "network.subnets": ", ".join(sorted(own["subnets"])),
        "network.security_groups": ", ".join(sorted(own.get("securityGroups", []))),
        "network.public_ip": str(own.get("assignPublicIp") == "ENABLED").lower(),
        "capacity_providers": ", ".join(shares),
        "load_balancer": "; ".join(
            ", ".join(filter(None, one)) for one in sorted(_groups(told.get("loadBalancers", [])))
        ),
        "startup_timeout": f"{grace}s" if grace else "",
    }
    return {name: text for name, text in found.items() if text}


def out_of_reach(settings: Settings, service: ServiceTypeDef) -> Obstacle | None:
    """A launch type the service cannot get to: from one to the other leads a capacity provider only.

    UpdateService takes no launch type; the changes it knows are told of its ``capacityProviderStrategy``.
    """
    launched, wanted = service.get("launchType"), _launch_type(settings)
    if settings.providers or launched is None or launched == wanted:
        return None
    name = "FARGATE" if settings.mode is Mode.FARGATE else "<one of the cluster's>"
    what = (
        f"the service {service['serviceName']} has the launch type {launched}, the settings ask for {wanted}"
    )
    return Obstacle(
        what=what,
        seen="ECS changes that to a capacity provider, not to another launch type.",
        cure=f"Write settings.capacity_providers: [{{name: {name}}}], or keep mode: {launched.lower()}.",
    )


def _launch_type(settings: Settings) -> Literal["FARGATE", "EC2"]:
    """What tasks run on without capacity providers."""
    return "FARGATE" if settings.mode is Mode.FARGATE else "EC2"


def network(settings: Settings) -> AwsVpcConfigurationTypeDef:
    """The tasks' network interfaces."""
    own = settings.network
    return {
        "subnets": list(own.subnets),
        "securityGroups": list(own.security_groups),
        "assignPublicIp": "ENABLED" if own.public_ip else "DISABLED",
    }


def _network(
    told: CreateServiceRequestTypeDef | ServiceTypeDef,
) -> AwsVpcConfigurationTypeDef | AwsVpcConfigurationOutputTypeDef:
    """The network a service has, or is to have; a bridge of the host's tells none."""
    network = told.get("networkConfiguration")
    return (network.get("awsvpcConfiguration") if network else None) or {"subnets": []}


def _same_network(service: ServiceTypeDef, wanted: AwsVpcConfigurationTypeDef) -> bool:
    """Whether the service's tasks already have this network, in whatever order it is listed."""
    own = _network(service)
    return (
        set(own["subnets"]) == set(wanted["subnets"])
        and set(own.get("securityGroups", [])) == set(wanted.get("securityGroups", []))
        and own.get("assignPublicIp", "DISABLED") == wanted.get("assignPublicIp", "DISABLED")
    )


def providers(settings: Settings) -> list[CapacityProviderStrategyItemTypeDef]:
    """Capacity providers and their shares; none is the launch type's own capacity."""
    return [
        {"capacityProvider": one.name, "weight": one.weight, "base": one.base} for one in settings.providers
    ]


def balancers(settings: Settings, place: Environment) -> list[LoadBalancerTypeDef]:
    """Where the tasks are registered, and between what ECS moves the traffic.

    Which of the two groups has the traffic is ECS's to know: they change places with every release.
    """
    own = settings.balancer
    if own is None:
        return []
    first, *others = own.target_groups
    listed: LoadBalancerTypeDef = {
        "targetGroupArn": first,
        "containerName": CONTAINER,
        "containerPort": settings.port,
    }
    if others:
        listed["advancedConfiguration"] = {
            "alternateTargetGroupArn": others[0],
            "productionListenerRule": own.listener_rule,
            "roleArn": role_arn(own.infrastructure_role or "", place.account, place.region),
        }
        if own.test_listener_rule:
            listed["advancedConfiguration"]["testListenerRule"] = own.test_listener_rule
    return [listed]


def _groups(listed: Sequence[LoadBalancerTypeDef]) -> set[tuple[str, ...]]:
    """What of a load balancer's entry counts: the pair of groups, whichever is first, container and rules."""
    found = set()
    for one in listed:
        more = one.get("advancedConfiguration", {})
        pair = sorted((one.get("targetGroupArn", ""), more.get("alternateTargetGroupArn", "")))
        rules = (
            more.get("productionListenerRule", ""),
            more.get("testListenerRule", ""),
            more.get("roleArn", ""),
        )
        container = one.get("containerName", "")  # of what was adopted it may be another
        found.add((*pair, container, str(one.get("containerPort", "")), *rules))
    return found
