"""The target ``ecs``: services of Amazon ECS on Fargate and on EC2 capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.adapters.aws import Accounts, later, patient
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import pointer_name
from modelway.ports import ArtifactStore, Clock
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.alarms import PLATFORM
from modelway.targets.ecs.balancer import Listeners
from modelway.targets.ecs.definition import log_group
from modelway.targets.ecs.inventory import Inventory
from modelway.targets.ecs.metrics import METRICS
from modelway.targets.ecs.observation import Observer
from modelway.targets.ecs.pointer import Pointer
from modelway.targets.ecs.releases import Releases
from modelway.targets.ecs.runtime import Runtime
from modelway.targets.ecs.scaling import Scaling, groups_of
from modelway.targets.ecs.services import Services
from modelway.targets.ecs.strategy import paused
from modelway.targets.ecs.surroundings import Surroundings
from modelway.targets.ecs.target import Ecs
from modelway.targets.ecs.versions import Versions
from modelway.targets.shared.metrics import Measurement
from modelway.targets.shared.rollout_alarms import RolloutAlarms

if TYPE_CHECKING:
    import boto3


def open_target(
    config: ModelConfig,
    environment: Environment,
    accounts: Accounts,
    artifacts: ArtifactStore,
    clock: Clock,
) -> Ecs:
    """The model's service in the environment's account and region."""
    session = accounts.session(environment.account, environment.region, environment.deploy_role)
    settings, name = settings_.parse(environment.settings), pointer_name(config, environment)
    client = session.client("ecs", config=patient())
    inventory = Inventory(client=client, family=name)
    services = Services(client=client, cluster=settings.cluster, name=name, region=environment.region)
    pointer = Pointer(services=services, inventory=inventory, shows=settings.shows)
    versions = Versions(
        config=config, environment=environment, client=client, inventory=inventory, artifacts=artifacts
    )
    return Ecs(
        environment=environment,
        client=client,
        observer=_observer(session, environment, pointer, artifacts, clock),
        versions=versions,
        releases=Releases(
            environment=environment,
            client=client,
            pointer=pointer,
            settings=settings,
            labels=versions.labels,
            clock=clock,
            walks=not paused(environment.rollout, settings),
        ),
        runtime=Runtime(logs_client=lambda: session.client("logs", config=patient()), clock=clock),
        listeners=Listeners(
            client=later(lambda: session.client("elbv2", config=patient())),
            region=environment.region,
        ),
        measurement=Measurement(
            client=later(lambda: session.client("cloudwatch", config=patient())), metrics=METRICS, clock=clock
        ),
        artifacts=artifacts,
        clock=clock,
    )


def _observer(
    session: boto3.Session, place: Environment, pointer: Pointer, artifacts: ArtifactStore, clock: Clock
) -> Observer:
    """What looks at the service and all around it."""
    settings, name = settings_.parse(place.settings), pointer.services.name
    alarms = RolloutAlarms(
        client=later(lambda: session.client("cloudwatch", config=patient())),
        pointer=name,
        wanted=place.rollout.alarms,
        platform=PLATFORM,
    )
    scaling = Scaling(
        client=later(lambda: session.client("application-autoscaling", config=patient())),
        cluster=settings.cluster,
        service=name,
        groups=groups_of(settings),
    )
    surroundings = Surroundings(
        logs=later(lambda: session.client("logs", config=patient())),
        parameters=session.client("ssm", config=patient()),
        log_group=log_group(settings, name),
    )
    return Observer(
        environment=place,
        settings=settings,
        pointer=pointer,
        alarms=alarms,
        scaling=scaling,
        surroundings=surroundings,
        artifacts=artifacts,
        clock=clock,
    )
