"""What an endpoint is described as, and what keeps one from being adopted; SageMaker's answers are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from modelway.core.adoption import Site
from modelway.errors import Differs, NotAllowed
from modelway.targets.sagemaker.adoption import find

ROLE = "arn:aws:iam::222222222222:role/{}"
DIGEST = "sha256:" + "a" * 64


@dataclass
class Answers:
    """A session whose one client answers what it was given."""

    endpoint: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    variant: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **_: object) -> Answers:
        del service
        return self

    def describe_endpoint(self, **_: object) -> dict[str, Any]:
        running = {"VariantName": "model", "DesiredInstanceCount": 2, "DeployedImages": []}
        bare = {
            "EndpointStatus": "InService",
            "EndpointConfigName": "theirs",
            "ProductionVariants": [running],
        }
        return {**bare, **self.endpoint}

    def describe_endpoint_config(self, **_: object) -> dict[str, Any]:
        variant = {"VariantName": "model", "ModelName": "m", "InstanceType": "ml.m5.large", **self.variant}
        return {"ProductionVariants": [variant], **self.config}

    def describe_model(self, **_: object) -> dict[str, Any]:
        container = {"Image": f"repo@{DIGEST}", **self.container}
        return {"ExecutionRoleArn": ROLE.format("serve"), "PrimaryContainer": container, **self.model}

    def describe_scalable_targets(self, **_: object) -> dict[str, Any]:
        return {"ScalableTargets": []}

    def describe_scaling_policies(self, **_: object) -> dict[str, Any]:
        return {"ScalingPolicies": []}


SITE = Site(
    target="sagemaker", account="222222222222", region="eu-west-1", name="iris-production", role="look"
)


def test_everything_a_config_has_words_for_is_described():
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 10,
        "DestinationS3Uri": "s3://kept",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "too-slow"}]}}
    answers = Answers(
        endpoint={"LastDeploymentConfig": alarms},
        config={"KmsKeyId": "key", "DataCaptureConfig": capture},
        variant={"VolumeSizeInGB": 30, "ContainerStartupHealthCheckTimeoutInSeconds": 900},
        model={
            "ExecutionRoleArn": ROLE.format("team/serve"),
            "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            "EnableNetworkIsolation": True,
        },
        container={"Environment": {"A": "b"}, "ModelDataUrl": "s3://weights/model.tar.gz"},
    )
    found, weights = find(answers, SITE)  # type: ignore[arg-type]  # as much of a session as it asks
    assert found.settings == {
        "mode": "realtime",
        "instance_type": "ml.m5.large",
        "startup_timeout": "900s",
        "volume_gb": 30,
        "execution_role": ROLE.format("team/serve"),
        "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        "kms_key": "key",
        "network_isolation": True,
        "data_capture": {"percent": 10, "destination": "s3://kept", "capture": "input_and_output"},
        "environment": {"A": "b"},
    }
    assert (found.capacity, found.alarms, weights) == (
        {"instances": 2},
        ("too-slow",),
        "s3://weights/model.tar.gz",
    )


def test_a_serverless_endpoint_counts_no_instances():
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 3}
    answers = Answers(
        endpoint={"ProductionVariants": [{"VariantName": "model"}]},
        config={
            "ProductionVariants": [{"VariantName": "v", "ModelName": "m", "ServerlessConfig": serverless}]
        },
    )
    found, _ = find(answers, SITE)  # type: ignore[arg-type]  # as above
    assert found.settings["mode"] == "serverless"
    assert found.settings["memory_mb"] == 1024
    assert found.capacity == {}


def test_the_digest_that_was_resolved_counts_and_not_the_tag():
    resolved = [{"ResolvedImage": f"repo@{DIGEST}"}]
    running = {"VariantName": "model", "DesiredInstanceCount": 1, "DeployedImages": resolved}
    answers = Answers(endpoint={"ProductionVariants": [running]}, container={"Image": "repo:latest"})
    found, _ = find(answers, SITE)  # type: ignore[arg-type]  # as above
    assert str(found.image) == f"repo@{DIGEST}"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(config={"AsyncInferenceConfig": {"OutputConfig": {}}}), "AsyncInferenceConfig"),
        (Answers(config={"ProductionVariants": [{}, {}]}), "2 production variants"),
        (Answers(variant={"ManagedInstanceScaling": {"Status": "ENABLED"}}), "ManagedInstanceScaling"),
        (Answers(model={"Containers": [{}]}), "Containers"),
        (Answers(container={"ModelPackageName": "p"}), r"PrimaryContainer\.ModelPackageName"),
        (Answers(container={"Image": "repo:latest"}), "nobody knows which digest"),
    ],
)
def test_what_would_be_lost_keeps_it_from_being_adopted(answers, words):
    with pytest.raises(NotAllowed, match=words):
        find(answers, SITE)


def test_an_endpoint_that_changes_is_not_adopted():
    with pytest.raises(Differs, match="is Updating"):
        find(Answers(endpoint={"EndpointStatus": "Updating"}), SITE)  # type: ignore[arg-type]  # as above
