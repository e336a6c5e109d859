"""SageMaker's place in the sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from modelway.core.config import (
    AlarmMetric,
    Autoscaling,
    Capacity,
    CreatedAlarm,
    Environment,
    Rollout,
    RolloutStrategy,
)
from modelway.core.naming import bucket_name
from modelway.targets.sagemaker.settings import VARIANT
from tests.configs import SETTINGS, production
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.ground import KEPT, Ground

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

_SCALED = Capacity(
    instances=4, autoscaling=Autoscaling(min=4, max=8, invocations_per_instance_per_minute=600)
)


class SageMaker:
    """Real-time endpoints of four instances."""

    name = "sagemaker"
    account = PRODUCTION

    def environment(
        self, ground: Ground, model: str, rollout: Rollout, settings: Mapping[str, str]
    ) -> Environment:
        """Production, scaled by its load."""
        del ground, model
        return production(
            settings={**SETTINGS, "environment": settings},
            rollout=rollout,
            promote_from=None,
            capacity=_SCALED,
            keep_versions=KEPT,
        )

    def resources(self, ground: Ground, model: str) -> Mapping[str, object]:
        """Endpoint, configs, models, alarms, scaling, copies of artifacts."""
        sagemaker = cast("SageMakerClient", ground.clients.other("sagemaker", PRODUCTION))
        watch = cast("CloudWatchClient", ground.clients.other("cloudwatch", PRODUCTION))
        scaling = cast(
            "ApplicationAutoScalingClient", ground.clients.other("application-autoscaling", PRODUCTION)
        )
        configs = sagemaker.list_endpoint_configs(NameContains=f"{model}-", MaxResults=100)["EndpointConfigs"]
        target = f"endpoint/{model}-production/variant/{VARIANT}"
        keys = ground.clients.s3(PRODUCTION).list_objects_v2(
            Bucket=bucket_name(production()), Prefix=f"{model}/"
        )
        return {
            "endpoints": [
                _endpoint(sagemaker, each["EndpointName"])
                for each in sagemaker.list_endpoints(NameContains=f"{model}-")["Endpoints"]
            ],
            "endpoint configs": sorted(
                (
                    _config(sagemaker, each["EndpointConfigName"], each["EndpointConfigArn"])
                    for each in configs
                ),
                key=str,
            ),
            "models": sorted(
                each["ModelName"]
                for each in sagemaker.list_models(NameContains=f"{model}-", MaxResults=100)["Models"]
            ),
            "alarms": [
                each["AlarmName"]
                for each in watch.describe_alarms(AlarmNamePrefix=f"{model}-")["MetricAlarms"]
            ],
            "scaling": [
                (each["ResourceId"], each["MinCapacity"], each["MaxCapacity"])
                for each in scaling.describe_scalable_targets(
                    ServiceNamespace="sagemaker", ResourceIds=[target]
                )["ScalableTargets"]
            ],
            "policies": [
                each["PolicyName"]
                for each in scaling.describe_scaling_policies(
                    ServiceNamespace="sagemaker", ResourceId=target
                )["ScalingPolicies"]
            ],
            "artifacts": len(keys.get("Contents", [])),
        }


def _endpoint(client: SageMakerClient, name: str) -> Mapping[str, Any]:
    told = client.describe_endpoint(EndpointName=name)
    return {
        "name": name,
        "config": told["EndpointConfigName"],
        "status": told["EndpointStatus"],
        "reason": told.get("FailureReason"),
        "instances": [each.get("DesiredInstanceCount") for each in told["ProductionVariants"]],
        "images": [
            image["ResolvedImage"]
            for each in told["ProductionVariants"]
            for image in each.get("DeployedImages", [])
        ],
    }


def _config(client: SageMakerClient, name: str, arn: str) -> Mapping[str, Any]:
    tags = {each["Key"]: each["Value"] for each in client.list_tags(ResourceArn=arn)["Tags"]}
    return {"name": name, "tags": tags}


_ALARM = CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5)
_BAKE = timedelta(seconds=30)
SITE = SageMaker()
ROLLOUTS: Mapping[str, Rollout] = {
    "canary": Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=_BAKE, alarms=(_ALARM,)),
    "all_at_once": Rollout(),
    "linear": Rollout(strategy=RolloutStrategy.LINEAR, step_percent=50, bake_time=_BAKE),
    "rolling": Rollout(strategy=RolloutStrategy.ROLLING, step_percent=50, bake_time=_BAKE),
    "blue_green": Rollout(strategy=RolloutStrategy.BLUE_GREEN, bake_time=_BAKE),
}
