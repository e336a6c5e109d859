"""Application Auto Scaling of endpoint variants, and what moto does by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.rehearsal.clients import REGION
from tests.rehearsal.models import VARIANT, Models

DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"


def resource(endpoint: str) -> str:
    return f"endpoint/{endpoint}/variant/{VARIANT}"


def register(models: Models, endpoint: str, low: int, high: int) -> None:
    models.autoscaling.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=resource(endpoint),
        ScalableDimension=DIMENSION,
        MinCapacity=low,
        MaxCapacity=high,
    )


def instances(models: Models, endpoint: str) -> int:
    return models.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0][
        "DesiredInstanceCount"
    ]


def wait_for_instances(models: Models, endpoint: str, count: int, *, asking: bool = False) -> None:
    end = time.monotonic() + 90
    while instances(models, endpoint) != count:
        assert time.monotonic() < end, f"{instances(models, endpoint)} instances, not {count}"
        if asking:
            models.ask(endpoint)


def test_moto_checks_and_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        client = boto3.client("application-autoscaling", region_name=REGION)
        client.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=resource("nobody"),
            ScalableDimension=DIMENSION,
            MinCapacity=2,
            MaxCapacity=4,
        )
        with pytest.raises(NotImplementedError):
            client.describe_scaling_activities(ServiceNamespace="sagemaker")


@pytest.fixture
def endpoint(models: Models) -> Iterator[str]:
    with models.endpoint(models.config(VERSION="1")) as name:
        yield name


@pytest.mark.docker
@pytest.mark.rehearsal
class TestAutoscaling:
    """Of a real endpoint."""

    def test_a_target_must_be_there(self, models: Models) -> None:
        with pytest.raises(ClientError, match="No variant of an endpoint exists"):
            register(models, "nobody", 1, 2)

    def test_capacity_is_brought_into_range(self, models: Models, endpoint: str) -> None:
        register(models, endpoint, 2, 4)
        wait_for_instances(models, endpoint, 2)
        activities = models.autoscaling.describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=resource(endpoint)
        )["ScalingActivities"]
        assert [each["Description"] for each in activities] == ["Setting desired instance count to 2."]

    def test_traffic_scales_out(self, models: Models, endpoint: str) -> None:
        register(models, endpoint, 1, 3)
        models.autoscaling.put_scaling_policy(
            PolicyName="invocations",
            ServiceNamespace="sagemaker",
            ResourceId=resource(endpoint),
            ScalableDimension=DIMENSION,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 60,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )
        wait_for_instances(models, endpoint, 3, asking=True)

    def test_a_scaled_variant_keeps_its_instance_type(self, models: Models, endpoint: str) -> None:
        register(models, endpoint, 1, 4)
        other = models.config(instance_type="ml.m5.xlarge")
        with pytest.raises(ClientError, match="must be deregistered as scalable targets"):
            models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
        models.autoscaling.deregister_scalable_target(
            ServiceNamespace="sagemaker", ResourceId=resource(endpoint), ScalableDimension=DIMENSION
        )
        models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
        assert models.settled(endpoint)["EndpointConfigName"] == other

    def test_a_model_may_change_and_capacity_survives(self, models: Models, endpoint: str) -> None:
        register(models, endpoint, 3, 4)
        wait_for_instances(models, endpoint, 3)
        models.sagemaker.update_endpoint(
            EndpointName=endpoint, EndpointConfigName=models.config(), RetainAllVariantProperties=True
        )
        assert models.settled(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"] == 3

    def test_targets_go_with_their_endpoint(self, models: Models) -> None:
        with models.endpoint(models.config()) as name:
            register(models, name, 1, 2)
        targets = models.autoscaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[resource(name)]
        )
        assert targets["ScalableTargets"] == []
