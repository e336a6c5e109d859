"""A version and a rollout as SageMaker is told them: all that the config says, and valid to botocore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from modelway.core.config import Capacity, Rollout, RolloutStrategy
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject
from modelway.core.version import Artifact, Version
from modelway.targets.sagemaker.guardrails import deployment
from modelway.targets.sagemaker.versions import Versions
from tests.configs import model_config, production
from tests.fakes import FakeClock
from tests.targets.ecs_models import refuse_invalid

IMAGE = Image.parse(f"333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris@sha256:{'a' * 64}")
WEIGHTS = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "b" * 64))
COPY = "s3://ours/iris/model.tar.gz"
REALTIME: JsonObject = {
    "mode": "realtime",
    "execution_role": "iris",
    "instance_type": "ml.g5.xlarge",
    "environment": {"LOG_LEVEL": "info"},
    "tags": {"team": "ml"},
    "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    "kms_key": "arn:aws:kms:eu-west-1:222222222222:key/0a1b",
    "data_capture": {"percent": 10, "destination": "s3://ours/captured", "capture": "input"},
    "startup_timeout": "15m",
    "download_timeout": "20m",
    "network_isolation": True,
    "volume_gb": 30,
    "inference_ami_version": "al2-ami-sagemaker-inference-gpu-2",
}
SERVERLESS: JsonObject = {
    "mode": "serverless",
    "execution_role": "iris",
    "memory_mb": 4096,
    "max_concurrency": 20,
    "provisioned_concurrency": 2,
}


class Recorded:
    """SageMaker that keeps what it is asked, after botocore has looked at it."""

    def __init__(self) -> None:
        self.model: dict[str, Any] = {}
        self.config: dict[str, Any] = {}

    def create_model(self, **asked: Any) -> None:  # noqa: ANN401 - as SageMaker takes it
        refuse_invalid("CreateModel", asked, "sagemaker")
        self.model = asked

    def create_endpoint_config(self, **asked: Any) -> None:  # noqa: ANN401 - as above
        refuse_invalid("CreateEndpointConfig", asked, "sagemaker")
        self.config = asked


class Shelf:
    """Knows where the copy of the weights lies."""

    def target_uri(self, _: Artifact) -> str:
        return COPY


def made(settings: JsonObject, artifact: Artifact | None = None) -> Recorded:
    """The requests that make a version."""
    client, shelf = Recorded(), Shelf()
    Versions(
        config=model_config(),
        environment=production(capacity=Capacity(instances=4)),
        client=client,  # type: ignore[arg-type] # as little of a client as is needed
        artifacts=shelf,  # type: ignore[arg-type] # likewise
        clock=FakeClock(),
    ).make(Version(image=IMAGE, settings=settings, artifact=artifact), "iris-production-0a1b", "r1")
    return client


def test_a_model_is_the_image_by_its_digest_with_its_weights() -> None:
    model = made(REALTIME, WEIGHTS).model
    assert model["PrimaryContainer"] == {
        "Image": str(IMAGE),
        "Environment": {"LOG_LEVEL": "info"},
        "ModelDataUrl": COPY,
    }
    assert model["ExecutionRoleArn"] == "arn:aws:iam::222222222222:role/iris"
    assert model["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert model["EnableNetworkIsolation"] is True
    assert {"Key": "team", "Value": "ml"} in model["Tags"]


def test_an_endpoint_config_says_what_it_runs_on() -> None:
    config = made(REALTIME).config
    [variant] = config["ProductionVariants"]
    expected = {
        "InstanceType": "ml.g5.xlarge",
        "InitialInstanceCount": 4,
        "ContainerStartupHealthCheckTimeoutInSeconds": 900,
        "ModelDataDownloadTimeoutInSeconds": 1200,
        "VolumeSizeInGB": 30,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
    }
    assert {name: variant[name] for name in expected} == expected
    assert config["KmsKeyId"] == REALTIME["kms_key"]
    captured = config["DataCaptureConfig"]
    assert (captured["InitialSamplingPercentage"], captured["DestinationS3Uri"]) == (10, "s3://ours/captured")
    assert captured["CaptureOptions"] == [{"CaptureMode": "Input"}]


def test_serverless_has_memory_and_concurrency_and_no_instances() -> None:
    made_ = made(SERVERLESS)
    [variant] = made_.config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {
        "MemorySizeInMB": 4096,
        "MaxConcurrency": 20,
        "ProvisionedConcurrency": 2,
    }
    assert not {"InstanceType", "InitialInstanceCount"} & {*variant}
    assert not {"KmsKeyId", "DataCaptureConfig"} & {*made_.config}
    assert "VpcConfig" not in made_.model


PERCENT = {"Type": "CAPACITY_PERCENT", "Value": 25}


@pytest.mark.parametrize(
    ("strategy", "policy", "told"),
    [
        (RolloutStrategy.ALL_AT_ONCE, "BlueGreenUpdatePolicy", {"Type": "ALL_AT_ONCE"}),
        (RolloutStrategy.BLUE_GREEN, "BlueGreenUpdatePolicy", {"Type": "ALL_AT_ONCE"}),
        (RolloutStrategy.CANARY, "BlueGreenUpdatePolicy", {"Type": "CANARY", "CanarySize": PERCENT}),
        (RolloutStrategy.LINEAR, "BlueGreenUpdatePolicy", {"Type": "LINEAR", "LinearStepSize": PERCENT}),
        (RolloutStrategy.ROLLING, "RollingUpdatePolicy", {"MaximumBatchSize": PERCENT}),
    ],
)
def test_each_strategy_is_one_of_sagemakers_own(
    strategy: RolloutStrategy, policy: str, told: dict[str, object]
) -> None:
    rollout = Rollout(strategy=strategy, canary_percent=25, step_percent=25, bake_time=timedelta(minutes=10))
    config: Any = deployment(rollout, ("slow",), urgent=False)
    refuse_invalid("UpdateEndpoint", _update(config), "sagemaker")
    assert {*config} == {policy, "AutoRollbackConfiguration"}
    assert config["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "slow"}]}
    shifting = config[policy].get("TrafficRoutingConfiguration", config[policy])
    assert shifting.items() >= {**told, "WaitIntervalInSeconds": 600}.items()
    most = {RolloutStrategy.CANARY: 2, RolloutStrategy.LINEAR: 4, RolloutStrategy.ROLLING: 4}
    assert config[policy]["MaximumExecutionTimeoutInSeconds"] == 600 * most.get(strategy, 1) + 3600


def test_the_way_back_waits_for_nothing_and_trusts_no_alarm() -> None:
    rollout = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=timedelta(minutes=10))
    config: Any = deployment(rollout, ("slow",), urgent=True)
    refuse_invalid("UpdateEndpoint", _update(config), "sagemaker")
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    assert config == {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    }


def _update(config: object) -> dict[str, object]:
    return {"EndpointName": "iris", "EndpointConfigName": "iris-1", "DeploymentConfig": config}
