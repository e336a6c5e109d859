"""What ECS refuses when a service is created or updated."""

from __future__ import annotations

from collections.abc import Mapping

from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend
from moto.elbv2.models import elbv2_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import ecs_traffic
from modelway.rehearsal.ecs_placement import launch_type
from modelway.rehearsal.ecs_refusals import invalid, unrehearsed
from modelway.rehearsal.ecs_roles import may_assume
from modelway.rehearsal.ecs_strategy import Strategy
from modelway.rehearsal.elb import find_rule
from modelway.rehearsal.parameters import object_of, objects

_UNREHEARSED = (
    *("serviceRegistries", "serviceConnectConfiguration", "volumeConfigurations"),
    *("vpcLatticeConfigurations", "gatewayConnectors"),
)


def check(
    operation: str, backend: EC2ContainerServiceBackend, request: Mapping[str, Json], definition: JsonObject
) -> None:
    """Refuse what the parameters name and is not there, and what this cloud does not do."""
    for name in _UNREHEARSED:
        if request.get(name):
            raise unrehearsed(operation, name)
    if (kind := object_of(request, "deploymentController").get("type")) not in {None, "ECS"}:
        raise unrehearsed(operation, f"deploymentController {kind}")
    if request.get("schedulingStrategy") not in {None, "REPLICA"}:
        raise unrehearsed(operation, "schedulingStrategy DAEMON")
    created = operation == "CreateService"  # an update may name capacity providers in place of a launch type
    if created and request.get("launchType") and request.get("capacityProviderStrategy"):
        raise invalid("Specifying both a launch type and capacity provider strategy is not supported.")
    fargate = launch_type(request) == "FARGATE"
    if fargate and "FARGATE" not in _texts(definition.get("compatibilities")):
        raise invalid("Task definition does not support launch_type FARGATE.")
    _check_network(backend, request, definition)


def check_balancers(
    backend: EC2ContainerServiceBackend,
    request: Mapping[str, Json],
    definition: JsonObject,
    strategy: Strategy,
) -> None:
    """Refuse load balancers that are not there, or not what the strategy needs."""
    entries = ecs_traffic.balanced(request)
    if strategy.shifts and not entries:
        raise invalid(f"The {strategy.kind} deployment strategy requires a load balancer or Service Connect.")
    groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
    for entry, asked in zip(entries, objects(request.get("loadBalancers")), strict=True):
        _check_container(asked, definition)
        for group in entry.groups:
            if group not in groups:
                raise invalid(f"The target group with targetGroupArn {group} does not exist.")
            if not groups[group].load_balancer_arns:
                message = (
                    f"The target group with targetGroupArn {group} does not have an associated load balancer."
                )
                raise invalid(message)
            if definition.get("networkMode") == "awsvpc" and groups[group].target_type != "ip":
                kind = groups[group].target_type
                message = (
                    f"The provided target group {group} has target type {kind}, which is incompatible with "
                    "the awsvpc network mode specified in the task definition."
                )
                raise invalid(message)
        if strategy.shifts:
            _check_shifting(backend, entry)


def _check_shifting(backend: EC2ContainerServiceBackend, entry: ecs_traffic.Balanced) -> None:
    needed = {
        "alternateTargetGroupArn": entry.alternate,
        "productionListenerRule": entry.production,
        "roleArn": entry.role,
    }
    for name, given in needed.items():
        if not given:
            raise invalid(f"advancedConfiguration.{name} is required for this deployment strategy.")
    for rule in (entry.production, entry.test):
        if rule and find_rule(backend.account_id, backend.region_name, rule) is None:
            raise invalid(f"The listener rule {rule} does not exist.")
    if not may_assume(entry.role, "ecs.amazonaws.com"):
        raise invalid(f"Unable to assume role {entry.role}: it has to exist and to trust ecs.amazonaws.com.")


def _check_container(asked: JsonObject, definition: JsonObject) -> None:
    name, port = str(asked.get("containerName")), asked.get("containerPort")
    containers = {str(each["name"]): each for each in objects(definition.get("containerDefinitions"))}
    if name not in containers:
        raise invalid(f"The container {name} does not exist in the task definition.")
    ports = {each.get("containerPort") for each in objects(containers[name].get("portMappings"))}
    if port not in ports:
        raise invalid(f"The container {name} did not have a container port {port} defined.")


def _check_network(
    backend: EC2ContainerServiceBackend, request: Mapping[str, Json], definition: JsonObject
) -> None:
    network = object_of(object_of(request, "networkConfiguration"), "awsvpcConfiguration")
    if definition.get("networkMode") != "awsvpc":
        return
    if not network:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if network.get("assignPublicIp") == "ENABLED" and launch_type(request) != "FARGATE":
        raise invalid("Assign public IP is not supported for this launch type.")
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    subnets = {subnet.id for zone in ec2.subnets.values() for subnet in zone.values()}
    for name in _texts(network.get("subnets")):
        if name not in subnets:
            message = (
                f"Error retrieving subnet information for [{name}]: The subnet ID '{name}' does not exist "
                "(ErrorCode: InvalidSubnetID.NotFound)"
            )
            raise invalid(message)
    for name in _texts(network.get("securityGroups")):
        if ec2.get_security_group_from_id(name) is None:
            message = (
                f"Error retrieving security group information for [{name}]: The security group '{name}' does "
                "not exist (ErrorCode: InvalidGroup.NotFound)"
            )
            raise invalid(message)


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
