"""What ``doctor`` looks at for a service: cluster, roles, network, load balancer, alarms, quota."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from modelway.adapters.aws import patient
from modelway.adapters.examine_aws import Look, read
from modelway.core.config import Environment, ModelConfig, RolloutStrategy
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.naming import role_arn
from modelway.errors import Unavailable
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.alarms import PLATFORM
from modelway.targets.ecs.settings import Balancer, Mode, Settings
from modelway.targets.shared import examination as shared
from modelway.targets.shared.examination import Looks

_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"
_UNITS = 1024
"""CPU units of a vCPU."""
_VCPUS = "L-3032A538"
"""Quota code of Fargate On-Demand vCPU resource count (ECS user guide, service-quotas)."""


def examinations(config: ModelConfig, place: Environment, look: Look) -> Iterator[Examination]:
    """One environment of one model."""
    yield from shared.examinations(place, _looks(config, place, settings_.parse(place.settings), look))


def _looks(config: ModelConfig, place: Environment, settings: Settings, look: Look) -> Looks:
    """What is looked at, and how."""
    yield f"cluster {settings.cluster}", partial(_cluster, look, place, settings)
    for what, name, service in _roles(settings):
        arn = role_arn(name, place.account, place.region)
        yield f"{what} of {config.name}", partial(shared.role, look, place, arn, service)
    yield f"subnets of {config.name}", partial(_subnets, look, place, settings)
    yield f"security groups of {config.name}", partial(_groups, look, place, settings)
    if settings.balancer:
        yield from _balancing(place, settings.balancer, look)
    yield from shared.alarms(look, place, PLATFORM.seen)
    if settings.mode is Mode.FARGATE:
        yield f"quota for {config.name}", partial(_quota, look, place, settings)


def _balancing(place: Environment, balancer: Balancer, look: Look) -> Looks:
    """Target groups and listener rules."""
    for group in balancer.target_groups:
        yield f"target group {group.split('/')[1]}", partial(_target_group, look, place, group)
    for rule in (balancer.listener_rule, balancer.test_listener_rule):
        if rule:
            examine = partial(_rule, look, place, rule, balancer.target_groups)
            yield f"listener rule {rule.rpartition('/')[2]}", examine


def _roles(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Every role the settings name, what it is for, and who must be able to assume it."""
    yield "execution role", settings.execution_role, _TASKS
    if settings.task_role:
        yield "task role", settings.task_role, _TASKS
    if settings.balancer and settings.balancer.infrastructure_role:
        yield "infrastructure role", settings.balancer.infrastructure_role, _ECS


def _cluster(look: Look, place: Environment, settings: Settings) -> Diagnosis:
    """There, active, and with the capacity providers the settings name."""
    session, name = look.place(place), settings.cluster
    client = look.making(lambda: session.client("ecs", config=patient()))
    answer = read(f"look at the cluster {name}", "ecs", lambda: client.describe_clusters(clusters=[name]))
    found = [one for one in (answer["clusters"] if answer else []) if one["status"] == "ACTIVE"]
    short = name.rpartition("/")[2]
    if not found:
        cure = f"aws ecs create-cluster --cluster-name {short} --region {place.region}"
        return missing(f"it does not exist in {place.account}, {place.region}", cure)
    lacking = {one.name for one in settings.providers} - set(found[0].get("capacityProviders", []))
    if lacking:
        cure = f"aws ecs put-cluster-capacity-providers --cluster {short} --region {place.region} ..."
        return missing(f"it has no capacity provider {', '.join(sorted(lacking))}", cure)
    return ok(found[0]["clusterArn"])


def _subnets(look: Look, place: Environment, settings: Settings) -> Diagnosis:
    """All there, and of one VPC."""
    session, wanted = look.place(place), settings.network.subnets
    client = look.making(lambda: session.client("ec2", config=patient()))
    answer = read(
        "look at the subnets",
        "ec2",
        lambda: client.describe_subnets(SubnetIds=list(wanted)),
        none=frozenset({"InvalidSubnetID.NotFound"}),
    )
    if answer is None:
        cure = f"aws ec2 describe-subnets --region {place.region} shows those there are"
        return missing(f"one of {', '.join(wanted)} does not exist in {place.region}", cure)
    networks = {one["VpcId"] for one in answer["Subnets"]}
    if len(networks) > 1:
        return missing(
            f"they are of {len(networks)} VPCs: {', '.join(sorted(networks))}", "name those of one"
        )
    zones = sorted({one["AvailabilityZone"] for one in answer["Subnets"]})
    return ok(f"{len(wanted)} in {', '.join(zones)}")


def _groups(look: Look, place: Environment, settings: Settings) -> Diagnosis:
    """All there."""
    session, wanted = look.place(place), settings.network.security_groups
    client = look.making(lambda: session.client("ec2", config=patient()))
    answer = read(
        "look at the security groups",
        "ec2",
        lambda: client.describe_security_groups(GroupIds=list(wanted)),
        none=frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed"}),
    )
    if answer is None:
        cure = f"aws ec2 describe-security-groups --region {place.region} shows those there are"
        return missing(f"one of {', '.join(wanted)} does not exist in {place.region}", cure)
    return ok(", ".join(wanted))


def _target_group(look: Look, place: Environment, arn: str) -> Diagnosis:
    """There, for addresses, and behind a load balancer."""
    session = look.place(place)
    client = look.making(lambda: session.client("elbv2", config=patient()))
    answer = read(
        f"look at the target group {arn}",
        "elasticloadbalancing",
        lambda: client.describe_target_groups(TargetGroupArns=[arn]),
        none=frozenset({"TargetGroupNotFound"}),
    )
    if answer is None:
        cure = "aws elbv2 create-target-group --target-type ip --protocol HTTP --port 8080 ..."
        return missing(f"{arn} does not exist in {place.region}", cure)
    found = answer["TargetGroups"][0]
    if found.get("TargetType") != "ip":
        return missing(
            f"its target type is {found.get('TargetType')}, tasks need ip", "create another: --target-type ip"
        )
    path = found.get("HealthCheckPath", "")
    if not found.get("LoadBalancerArns"):
        return missing("no listener's rule names it", "aws elbv2 create-rule ..., which forwards to it")
    return ok(f"asks {path or 'the port'} whether a task is well")


def _rule(look: Look, place: Environment, arn: str, groups: tuple[str, ...]) -> Diagnosis:
    """There, and forwarding to the service's own target groups."""
    session = look.place(place)
    client = look.making(lambda: session.client("elbv2", config=patient()))
    answer = read(
        f"look at the listener rule {arn}",
        "elasticloadbalancing",
        lambda: client.describe_rules(RuleArns=[arn]),
        none=frozenset({"RuleNotFound"}),
    )
    if answer is None:
        cure = "aws elbv2 create-rule --listener-arn ... --actions Type=forward,TargetGroupArn=..."
        return missing(f"{arn} does not exist in {place.region}", cure)
    forwarded = {
        group.get("TargetGroupArn", "")
        for action in answer["Rules"][0].get("Actions", [])
        for group in (action.get("ForwardConfig") or {}).get("TargetGroups", [])
    } | {action.get("TargetGroupArn", "") for action in answer["Rules"][0].get("Actions", [])}
    others = forwarded - {""} - set(groups)
    if others:
        seen = f"it forwards to {', '.join(sorted(others))}"
        return missing(seen, "name that target group in the settings, or let it forward to one of theirs")
    return ok(arn)


def _quota(look: Look, place: Environment, settings: Settings) -> Diagnosis:
    """Room for the tasks, those of a release included."""
    session = look.place(place)
    client = look.making(lambda: session.client("service-quotas", config=patient()))
    answer = read(
        "read Fargate's quota",
        "servicequotas",
        lambda: client.get_service_quota(ServiceCode="fargate", QuotaCode=_VCPUS),
        none=frozenset({"NoSuchResourceException"}),
    )
    if answer is None:
        raise Unavailable(f"there is no quota {_VCPUS}", cure="look at AWS Fargate in Service Quotas")
    value, needed = answer["Quota"].get("Value", 0), _needed(place, settings)
    if value >= needed:
        return ok(f"Fargate On-Demand vCPUs: {value:g}, a release needs {needed:g}")
    cure = (
        f"aws service-quotas request-service-quota-increase --service-code fargate --quota-code {_VCPUS}"
        f" --desired-value {needed:g} --region {place.region}"
    )
    return missing(f"Fargate On-Demand vCPUs: {value:g}, a release needs {needed:g}", cure)


def _needed(place: Environment, settings: Settings) -> float:
    """vCPUs at the most: two whole fleets, or a batch more where tasks are replaced in batches."""
    scaling = place.capacity.autoscaling
    tasks = scaling.max if scaling else place.capacity.instances
    rolling = place.rollout.strategy is RolloutStrategy.ROLLING
    factor = 1 + place.rollout.step_percent / 100 if rolling else 2
    return tasks * factor * (settings.cpu or _UNITS) / _UNITS
