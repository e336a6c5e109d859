"""Reading a service somebody else made, in a config's terms. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import translated
from modelway.core.adoption import Found, Site
from modelway.core.image import Digest, Image
from modelway.core.json import Json
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.targets.ecs import adopted_task as tasks
from modelway.targets.ecs.adopted_routes import balancing
from modelway.targets.ecs.adopted_secrets import Secrets
from modelway.targets.ecs.inventory import named
from modelway.targets.ecs.pointer import Sight
from modelway.targets.ecs.proof import digest_of
from modelway.targets.ecs.scaling import Scaling
from modelway.targets.ecs.services import Services

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecs.type_defs import (
        ContainerDefinitionOutputTypeDef,
        ServiceTypeDef,
        TaskDefinitionTypeDef,
    )

_FREE = frozenset({"loader_image", "log_group", "path", "tags", "url"})
"""Settings that say how it is asked and kept: nobody reads them off a service."""
_OF_SERVICE = (
    *("serviceConnectConfiguration", "serviceRegistries", "volumeConfigurations"),
    *("vpcLatticeConfigurations",),
)
_SERVERLESS = {"FARGATE", "FARGATE_SPOT"}
_BESIDE = "Release the model beside it under another name, and move the callers when it does as well."


def find(session: boto3.Session, site: Site) -> tuple[Found, str]:
    """What serves; it has no weights beside its image. Raises what keeps it from being adopted."""
    if not site.cluster:
        what = f"nobody said in which cluster the service {site.name} is"
        raise Malformed(what, cure="Name it: --cluster NAME")
    ecs = session.client("ecs", config=patient())
    services = Services(client=ecs, cluster=site.cluster, name=site.name, region=site.region)
    sight = _sight(services, site)
    service = cast("ServiceTypeDef", sight.service)
    arn = services.task_definition(sight.revision) or service.get("taskDefinition", "")
    with translated(f"read the task definition {arn}", service="ecs"):
        task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    container = _only_container(site.name, task)
    routes = balancing(session, site, service.get("loadBalancers", []))
    scaling = _scaling(session, site)
    _refuse(
        site.name,
        [
            *_unsaid(service),
            *tasks.unsaid(task, container, routes.port),
            *routes.unsaid,
            *(f"the autoscaling policy {name}" for name in scaling.unsaid()),
        ],
    )
    secrets = Secrets(session=session, site=site)
    settings = {
        **_running(service, site.cluster),
        **tasks.described(task, container, site, routes.port),
        **secrets.described(container.get("secrets", [])),
        **routes.settings,
        **_starting(service),
    }
    found = Found(
        name=named(arn),
        image=_image(services, sight, task, container),
        settings=settings,
        capacity=_capacity(service, scaling),
        alarms=_alarms(service),
        notes=(*routes.notes, *secrets.notes, *tasks.notes(container, settings), *_scaled(scaling)),
        platform=tasks.platform(task),
        free=_FREE,
        bakes=routes.shifts,
    )
    return found, ""


def _scaling(session: boto3.Session, site: Site) -> Scaling:
    """The service's autoscaling, whichever groups it follows."""
    client = session.client("application-autoscaling", config=patient())
    return Scaling(client=client, cluster=site.cluster, service=site.name, groups=())


def _sight(services: Services, site: Site) -> Sight:
    """The service, with nothing under way and tasks that run."""
    service = services.describe()
    cluster = site.cluster.rpartition("/")[2]
    if service is None:
        what = f"there is no service {site.name} in the cluster {cluster}"
        raise Malformed(what, cure="Correct the name, the cluster, the account or the region.")
    controller = service.get("deploymentController", {}).get("type", "ECS")
    if controller != "ECS":
        what = f"the service {site.name} cannot be adopted: it is deployed by {controller}"
        update = f"aws ecs update-service --cluster {cluster} --service {site.name}"
        cure = f"Let ECS deploy it first: {update} --deployment-controller type=ECS. Or: {_BESIDE}"
        raise NotAllowed(what, cure=cure)
    sight = Sight(service, services.latest())
    if service["status"] != "ACTIVE" or sight.under_way:
        state = sight.under_way.status if sight.under_way else service["status"]
        what = f"the service {site.name} is {state}"
        raise Differs(what, cure="Adopt it once that is over.")
    if not service.get("desiredCount"):
        what = f"the service {site.name} is scaled to zero: nothing serves"
        raise Differs(what, cure="Scale it up, or release the model: there is nothing to adopt.")
    if sight.revision is None:
        what = f"nobody knows which task definition the service {site.name} runs"
        seen = sight.deployment.reason if sight.deployment else "Several of its revisions have tasks."
        raise Differs(what, seen=seen, cure="Let its last deployment end well, then adopt it.")
    return sight


def _only_container(name: str, task: TaskDefinitionTypeDef) -> ContainerDefinitionOutputTypeDef:
    containers = task["containerDefinitions"]
    if len(containers) != 1:
        names = ", ".join(one.get("name", "") for one in containers)
        _refuse(name, [f"{len(containers)} containers ({names})"])
    return containers[0]


def _refuse(name: str, found: list[str]) -> None:
    """Stop where something would be lost."""
    if found:
        what = f"the service {name} cannot be adopted: no config describes {', '.join(found)}"
        raise NotAllowed(what, cure=_BESIDE)


def _unsaid(service: ServiceTypeDef) -> Iterator[str]:
    """What a config has no words for about the service itself."""
    if (way := service.get("schedulingStrategy", "REPLICA")) != "REPLICA":
        yield f"schedulingStrategy {way}"
    if (launched := service.get("launchType", "EC2")) not in {"EC2", "FARGATE"}:
        yield f"launchType {launched}"
    everything = cast("Mapping[str, object]", service)
    deployments = [one for one in service.get("deployments", []) if one.get("status") == "PRIMARY"]
    deployed = cast("Mapping[str, object]", deployments[0] if deployments else {})
    for key in _OF_SERVICE:
        value = everything.get(key) or deployed.get(key)
        off = isinstance(value, Mapping) and value.get("enabled") is False
        if value and not off:
            yield key
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network and not network.get("securityGroups"):
        yield "a network without security groups (the VPC's own counts then; name it in the service first)"


def _running(service: ServiceTypeDef, cluster: str) -> dict[str, Json]:
    """Where and on what it runs."""
    providers = service.get("capacityProviderStrategy", [])
    names = {one["capacityProvider"] for one in providers}
    fargate = names <= _SERVERLESS if names else service.get("launchType") == "FARGATE"
    told: dict[str, Json] = {"mode": "fargate" if fargate else "ec2", "cluster": cluster}
    if providers:
        told["capacity_providers"] = [
            {"name": one["capacityProvider"], "weight": one.get("weight", 0), "base": one.get("base", 0)}
            for one in providers
        ]
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        public: dict[str, Json] = {"public_ip": True} if network.get("assignPublicIp") == "ENABLED" else {}
        groups = list(network.get("securityGroups", []))
        told["network"] = {"subnets": list(network["subnets"]), "security_groups": groups, **public}
    return told


def _starting(service: ServiceTypeDef) -> dict[str, Json]:
    """How long its tasks may take until they are asked how they are."""
    grace = service.get("healthCheckGracePeriodSeconds")
    return {"startup_timeout": f"{grace}s"} if grace else {}


def _image(
    services: Services,
    sight: Sight,
    task: TaskDefinitionTypeDef,
    container: ContainerDefinitionOutputTypeDef,
) -> Image:
    """The image its tasks run: what the task definition names may be a tag that moved since."""
    name, written = container.get("name", ""), container.get("image", "")
    revision = services.revision(sight.revision) if sight.revision else None
    images = revision.get("containerImages", []) if revision else []
    digests = {one.get("imageDigest", "") for one in images if one.get("containerName") == name}
    for each in services.tasks("RUNNING"):
        if each.get("taskDefinitionArn") == task.get("taskDefinitionArn"):
            digests.add(digest_of(each, name) or "")
    repository, _, digest = written.partition("@")
    seen = sorted(digests - {""}) or [digest]
    if len(seen) > 1:
        what = f"the tasks of the service {services.name} run different images"
        cure = "Have all started from one (aws ecs update-service --force-new-deployment), then adopt it."
        raise Differs(what, seen=f"{written} is {' and '.join(seen)}.", cure=cure)
    if not seen[0]:
        what = f"nobody knows which digest the service {services.name} runs"
        cure = "Have it run an image that is named by digest first."
        raise NotAllowed(what, seen=f"It names {written}, and its tasks tell no digest.", cure=cure)
    return Image(_untagged(repository), Digest.parse(seen[0]))


def _untagged(repository: str) -> str:
    """Without the tag: a port before the last slash is none."""
    folder, slash, last = repository.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _capacity(service: ServiceTypeDef, scaling: Scaling) -> dict[str, Json]:
    """How many tasks are wanted now, and their bounds."""
    told: dict[str, Json] = {"instances": service.get("desiredCount", 0)}
    if bounds := scaling.found():
        told["autoscaling"] = {
            "min": bounds.min,
            "max": bounds.max,
            "invocations_per_instance_per_minute": bounds.invocations_per_instance_per_minute,
            "scale_in_cooldown": f"{bounds.scale_in_cooldown.total_seconds():g}s",
            "scale_out_cooldown": f"{bounds.scale_out_cooldown.total_seconds():g}s",
        }
    return told


def _scaled(scaling: Scaling) -> Iterator[str]:
    """Somebody else's policy is theirs."""
    if scaling.found():
        yield (
            "It is autoscaled by somebody's policy, which is left alone. The first release adds modelway's, "
            "which follows the same requests: delete the old policy then."
        )


def _alarms(service: ServiceTypeDef) -> tuple[str, ...]:
    """The alarms that watch its deployments."""
    watched = service.get("deploymentConfiguration", {}).get("alarms")
    return tuple(watched["alarmNames"]) if watched and watched.get("enable") else ()
