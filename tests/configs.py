"""A small valid config for tests that need one and do not care which."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from modelway.core.config import (
    Autoscaling,
    Byoc,
    Capacity,
    ContractTest,
    Environment,
    Expect,
    ModelConfig,
    RegistrySpec,
    Rollout,
    RolloutStrategy,
)
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.version import Artifact

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

SETTINGS: JsonObject = {
    "mode": "realtime",
    "instance_type": "ml.m5.large",
    "execution_role": "iris-endpoint",
    "environment": {"LOG_LEVEL": "info"},
}


def staging(**changes: object) -> Environment:
    """One SageMaker instance, everything at once."""
    bare = Environment(
        name="staging",
        target="sagemaker",
        account="111111111111",
        region="eu-west-1",
        settings=SETTINGS,
        capacity=Capacity(instances=1),
    )
    return replace(bare, **changes)  # type: ignore[arg-type] # the caller names fields, as with replace


def production(**changes: object) -> Environment:
    """Four SageMaker instances, a quarter of them as canary."""
    bare = Environment(
        name="production",
        target="sagemaker",
        account="222222222222",
        region="eu-west-1",
        settings=SETTINGS,
        capacity=Capacity(
            instances=4, autoscaling=Autoscaling(min=4, max=8, invocations_per_instance_per_minute=600)
        ),
        rollout=Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=timedelta(minutes=10)),
        promote_from="staging",
    )
    return replace(bare, **changes)  # type: ignore[arg-type] # the caller names fields, as with replace


def model_config(**changes: object) -> ModelConfig:
    """A valid config, staging and production on SageMaker; name the fields that shall differ."""
    bare = ModelConfig(
        name="iris-classifier",
        owner="ml-platform",
        image=Byoc(context="examples/iris", dockerfile="examples/iris/Dockerfile"),
        registry=RegistrySpec(account="333333333333", region="eu-west-1", repository="ml/iris-classifier"),
        environments={"staging": staging(), "production": production()},
        artifact=Artifact(
            uri="s3://my-models/iris/1.4.0/model.tar.gz", sha256=Digest.parse(f"sha256:{SHA256}")
        ),
        contract_tests=(
            ContractTest(
                name="setosa", body="[[5.1, 3.5, 1.4, 0.2]]", expect=Expect(json=[0], has_json=True)
            ),
        ),
        path="model-configs/iris-classifier.yaml",
    )
    return replace(bare, **changes)  # type: ignore[arg-type] # the caller names fields, as with replace
