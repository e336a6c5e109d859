"""The target ``lambda``: functions of AWS Lambda that run an image, behind an alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelway.adapters.aws import Accounts, later, once, patient
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import pointer_name
from modelway.ports import ArtifactStore, Clock
from modelway.targets.aws_lambda.alarms import PLATFORM
from modelway.targets.aws_lambda.alias import Alias
from modelway.targets.aws_lambda.concurrency import Concurrency
from modelway.targets.aws_lambda.inventory import Inventory
from modelway.targets.aws_lambda.metrics import METRICS
from modelway.targets.aws_lambda.observation import Observer
from modelway.targets.aws_lambda.records import Records
from modelway.targets.aws_lambda.runtime import Runtime
from modelway.targets.aws_lambda.target import Lambda
from modelway.targets.aws_lambda.url import Url
from modelway.targets.aws_lambda.versions import Versions
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
) -> Lambda:
    """The model's function in the environment's account and region."""
    session = accounts.session(environment.account, environment.region, environment.deploy_role)
    client, function = session.client("lambda", config=patient()), pointer_name(config, environment)
    records = Records(client=session.client("ssm", config=patient()), function=function)
    inventory = Inventory(client=client, function=function, records=records)
    observer = _observer(environment, session, (inventory, records), artifacts, clock)
    return Lambda(
        environment=environment,
        observer=observer,
        versions=Versions(
            config=config,
            environment=environment,
            client=client,
            inventory=observer.inventory,
            artifacts=artifacts,
            clock=clock,
        ),
        alias=Alias(client=client, inventory=observer.inventory, clock=clock),
        runtime=Runtime(
            client=lambda: session.client("lambda", config=once()),
            logs_client=lambda: session.client("logs", config=patient()),
            function=function,
            where=f"account {environment.account} in {environment.region}",
            clock=clock,
        ),
        measurement=Measurement(client=observer.alarms.client, metrics=METRICS, clock=clock),
        artifacts=artifacts,
    )


def _observer(
    environment: Environment,
    session: boto3.Session,
    known: tuple[Inventory, Records],
    artifacts: ArtifactStore,
    clock: Clock,
) -> Observer:
    """What looks at the function and all around it."""
    inventory, records = known
    client, function = inventory.client, inventory.function
    scaling = later(lambda: session.client("application-autoscaling", config=patient()))
    return Observer(
        environment=environment,
        inventory=inventory,
        records=records,
        alarms=RolloutAlarms(
            client=later(lambda: session.client("cloudwatch", config=patient())),
            pointer=function,
            platform=PLATFORM,
            wanted=environment.rollout.alarms,
        ),
        concurrency=Concurrency(client=client, scaling=scaling, function=function, clock=clock),
        url=Url(client=client, function=function),
        artifacts=artifacts,
        clock=clock,
    )
