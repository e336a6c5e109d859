"""The target ``sagemaker``: real-time and serverless endpoints of Amazon SageMaker."""

from __future__ import annotations

from modelway.adapters.aws import Accounts, later, once, patient
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import pointer_name
from modelway.ports import ArtifactStore, Clock
from modelway.targets.sagemaker.alarms import PLATFORM
from modelway.targets.sagemaker.inventory import Inventory
from modelway.targets.sagemaker.observation import Observer
from modelway.targets.sagemaker.runtime import Runtime
from modelway.targets.sagemaker.scaling import Scaling
from modelway.targets.sagemaker.target import SageMaker
from modelway.targets.sagemaker.versions import Versions
from modelway.targets.shared.rollout_alarms import RolloutAlarms


def open_target(
    config: ModelConfig,
    environment: Environment,
    accounts: Accounts,
    artifacts: ArtifactStore,
    clock: Clock,
) -> SageMaker:
    """The model's endpoint in the environment's account and region."""
    session = accounts.session(environment.account, environment.region, environment.deploy_role)
    client = session.client("sagemaker", config=patient())
    endpoint = pointer_name(config, environment)
    observer = Observer(
        environment=environment,
        inventory=Inventory(client=client, endpoint=endpoint),
        alarms=RolloutAlarms(
            client=later(lambda: session.client("cloudwatch", config=patient())),
            pointer=endpoint,
            platform=PLATFORM,
            wanted=environment.rollout.alarms,
        ),
        scaling=Scaling(
            client=later(lambda: session.client("application-autoscaling", config=patient())),
            endpoint=endpoint,
        ),
        artifacts=artifacts,
    )
    return SageMaker(
        environment=environment,
        client=client,
        observer=observer,
        versions=Versions(
            config=config, environment=environment, client=client, artifacts=artifacts, clock=clock
        ),
        runtime=Runtime(
            client=lambda: session.client("sagemaker-runtime", config=once()),
            logs_client=lambda: session.client("logs", config=patient()),
            endpoint=endpoint,
            clock=clock,
        ),
        artifacts=artifacts,
        clock=clock,
    )
