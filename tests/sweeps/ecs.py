"""ECS's place in the sweeps: services on Fargate, each behind a load balancer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from modelway.core.config import (
    AlarmMetric,
    Autoscaling,
    Capacity,
    CreatedAlarm,
    Environment,
    Rollout,
    RolloutStrategy,
)
from modelway.core.json import Json, JsonObject
from tests.rehearsal.clients import REGION, STAGING
from tests.rehearsal.services import CLUSTER, PORT, Balancer, Services, role
from tests.sweeps.ground import KEPT, Ground

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient

_SCALED = Capacity(
    instances=2, autoscaling=Autoscaling(min=2, max=4, invocations_per_instance_per_minute=600)
)
_BAKE = timedelta(minutes=1)


@dataclass
class Ecs:
    """Services of two tasks."""

    name: str = "ecs"
    account: str = STAGING
    _services: dict[str, Services] = field(default_factory=dict)
    """By the cloud they are in."""
    _balancers: dict[str, tuple[Balancer, str]] = field(default_factory=dict)
    """By model: its load balancer, and a security group."""

    def environment(
        self, ground: Ground, model: str, rollout: Rollout, settings: Mapping[str, str]
    ) -> Environment:
        """Production, scaled by its load; shown to whoever asks beforehand where a person is waited for."""
        services = self._of(ground)
        if model not in self._balancers:
            ec2 = cast("EC2Client", ground.clients.other("ec2", STAGING))
            group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
            self._balancers[model] = services.balancer().__enter__(), group
        balancer, group = self._balancers[model]
        shown: JsonObject = {"test_listener_rule": balancer.test} if rollout.pause else {}
        variables: dict[str, Json] = dict(settings)
        return Environment(
            name="production",
            target=self.name,
            account=STAGING,
            region=REGION,
            settings={
                "mode": "fargate",
                "cluster": CLUSTER,
                "cpu": 256,
                "memory_mb": 512,
                "execution_role": role("execution"),
                "task_role": role("task"),
                "network": {"subnets": [*services.subnets], "security_groups": [group]},
                "load_balancer": {
                    "target_groups": [balancer.blue, balancer.green],
                    "listener_rule": balancer.production,
                    "infrastructure_role": role("infrastructure"),
                    **shown,
                },
                "environment": variables,
            },
            capacity=_SCALED,
            rollout=rollout,
            keep_versions=KEPT,
        )

    def _of(self, ground: Ground) -> Services:
        """Roles and a cluster, once a cloud."""
        if ground.cloud.endpoint not in self._services:
            made = Services.of(ground.cloud, ground.clients, str(ground.push("any")))
            self._services[ground.cloud.endpoint] = made
        return self._services[ground.cloud.endpoint]

    def url(self, model: str) -> str:
        """Where users ask a model that was released."""
        return f"http://{self._balancers[model][0].address}:{PORT}/invocations"

    def resources(self, ground: Ground, model: str) -> Mapping[str, object]:
        """Service, task definitions, running tasks, alarms, scaling, copies of artifacts."""
        ecs = cast("ECSClient", ground.clients.other("ecs", STAGING))
        watch = cast("CloudWatchClient", ground.clients.other("cloudwatch", STAGING))
        scaling = cast(
            "ApplicationAutoScalingClient", ground.clients.other("application-autoscaling", STAGING)
        )
        service, target = f"{model}-production", f"service/{CLUSTER}/{model}-production"
        definitions = _definitions(ecs, service)
        bucket = f"modelway-{STAGING}-{REGION}"
        keys = ground.clients.s3(STAGING).list_objects_v2(Bucket=bucket, Prefix=f"{model}/")
        return {
            "services": [
                {
                    "status": each["status"],
                    "runs": definitions[each["taskDefinition"]].get("modelway:version"),
                    "tasks": (each["desiredCount"], each["runningCount"]),
                }
                for each in ecs.describe_services(cluster=CLUSTER, services=[service])["services"]
            ],
            "task definitions": list(definitions.values()),
            "alarms": [
                each["AlarmName"]
                for each in watch.describe_alarms(AlarmNamePrefix=f"{model}-")["MetricAlarms"]
            ],
            "scaling": [
                (each["ResourceId"], each["MinCapacity"], each["MaxCapacity"])
                for each in scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[target])[
                    "ScalableTargets"
                ]
            ],
            "policies": [
                each["PolicyName"]
                for each in scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=target)[
                    "ScalingPolicies"
                ]
            ],
            "artifacts": len(keys.get("Contents", [])),
        }


def _definitions(client: ECSClient, family: str) -> Mapping[str, Mapping[str, str]]:
    """The tags of each active task definition of a family, by its ARN."""
    arns = client.list_task_definitions(familyPrefix=family, status="ACTIVE")["taskDefinitionArns"]
    told = {arn: client.describe_task_definition(taskDefinition=arn, include=["TAGS"]) for arn in arns}
    return {arn: {tag["key"]: tag["value"] for tag in each.get("tags", [])} for arn, each in told.items()}


_ALARM = CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5)
SITE = Ecs()
ROLLOUTS: Mapping[str, Rollout] = {
    "canary": Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=_BAKE, alarms=(_ALARM,)),
    "canary, walked by modelway": Rollout(
        strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=_BAKE, pause=True
    ),
    "all_at_once": Rollout(),
    "rolling": Rollout(strategy=RolloutStrategy.ROLLING, step_percent=50, bake_time=_BAKE),
    "linear": Rollout(strategy=RolloutStrategy.LINEAR, step_percent=50, bake_time=_BAKE),
    "blue_green": Rollout(strategy=RolloutStrategy.BLUE_GREEN, bake_time=_BAKE),
}
