"""Lambda's place in the sweeps: functions behind an alias that modelway moves from share to share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from modelway.core.json import Json
from modelway.core.naming import bucket_name
from tests.configs import production
from tests.rehearsal.clients import PRODUCTION
from tests.sweeps.ground import KEPT, Ground

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef
    from mypy_boto3_ssm import SSMClient

_SCALED = Capacity(
    instances=1, autoscaling=Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)
)
_REVISION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROLE = "sweep-function"
_BAKE = timedelta(minutes=1)


@dataclass
class Function:
    """Functions with an environment kept ready, and a URL."""

    name: str = "lambda"
    account: str = PRODUCTION
    _ready: set[str] = field(default_factory=set)
    """Clouds that have the role."""

    def environment(
        self, ground: Ground, model: str, rollout: Rollout, settings: Mapping[str, str]
    ) -> Environment:
        """Production, scaled by its load."""
        del model
        self._role(ground)
        variables: dict[str, Json] = dict(settings)
        return production(
            target=self.name,
            settings={
                "memory_mb": 256,
                "timeout": "5s",
                "execution_role": _ROLE,
                "function_url": "iam",
                "environment": variables,
            },
            rollout=rollout,
            promote_from=None,
            capacity=_SCALED,
            keep_versions=KEPT,
        )

    def _role(self, ground: Ground) -> None:
        """What Lambda assumes, once a cloud."""
        if ground.cloud.endpoint in self._ready:
            return
        principal = {"Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        iam = cast("IAMClient", ground.clients.other("iam", PRODUCTION))
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=document)
        self._ready.add(ground.cloud.endpoint)

    def resources(self, ground: Ground, model: str) -> Mapping[str, object]:
        """Function, versions, alias, URL, marks, alarms, provisioning, scaling, copies of artifacts."""
        client = cast("LambdaClient", ground.clients.other("lambda", PRODUCTION))
        watch = cast("CloudWatchClient", ground.clients.other("cloudwatch", PRODUCTION))
        scaling = cast(
            "ApplicationAutoScalingClient", ground.clients.other("application-autoscaling", PRODUCTION)
        )
        function = f"{model}-production"
        versions = client.list_versions_by_function(FunctionName=function)["Versions"]
        told = {each["Version"]: each.get("Description", "") for each in versions}
        alias = client.get_alias(FunctionName=function, Name="live")
        routing = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        kept = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier="live")
        target = f"function:{function}:live"
        keys = ground.clients.s3(PRODUCTION).list_objects_v2(
            Bucket=bucket_name(production()), Prefix=f"{model}/"
        )
        return {
            "tags": client.list_tags(Resource=versions[0]["FunctionArn"].removesuffix(":$LATEST"))["Tags"],
            "versions": [_version(each) for each in versions],
            "alias": {
                "runs": told[alias["FunctionVersion"]],
                "beside": {told[number]: weight for number, weight in routing.items()},
                "says": alias["Description"],
            },
            "url": client.get_function_url_config(FunctionName=function, Qualifier="live")["AuthType"],
            "provisioned": (kept["RequestedProvisionedConcurrentExecutions"], kept["Status"]),
            "marks": _marks(cast("SSMClient", ground.clients.other("ssm", PRODUCTION)), function),
            "alarms": [
                each["AlarmName"]
                for each in watch.describe_alarms(AlarmNamePrefix=f"{model}-")["MetricAlarms"]
            ],
            "scaling": [
                (each["ResourceId"], each["MinCapacity"], each["MaxCapacity"])
                for each in scaling.describe_scalable_targets(
                    ServiceNamespace="lambda", ResourceIds=[target]
                )["ScalableTargets"]
            ],
            "policies": [
                each["PolicyName"]
                for each in scaling.describe_scaling_policies(ServiceNamespace="lambda", ResourceId=target)[
                    "ScalingPolicies"
                ]
            ],
            "artifacts": len(keys.get("Contents", [])),
        }


def _version(told: FunctionConfigurationTypeDef) -> Mapping[str, Any]:
    """A version but for its number: Lambda counts on where one was published and deleted."""
    variables = dict(told.get("Environment", {}).get("Variables", {}))
    variables.pop("RELEASE", None)
    return {
        "latest": told["Version"] == "$LATEST",
        "description": told.get("Description"),
        "image": f"sha256:{told['CodeSha256']}",
        "variables": variables,
        "state": (told.get("State"), told.get("LastUpdateStatus")),
    }


def _marks(client: SSMClient, function: str) -> Mapping[str, str]:
    """What is remembered, but for the revision of the alias an attempt began with."""
    found: list[Any] = []
    for page in client.get_paginator("get_parameters_by_path").paginate(
        Path=f"/modelway/{function}", Recursive=True
    ):
        found += page["Parameters"]
    return {each["Name"]: _REVISION.sub("REVISION", each["Value"]) for each in found}


_ALARM = CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5)
SITE = Function()
ROLLOUTS: Mapping[str, Rollout] = {
    "canary": Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=_BAKE, alarms=(_ALARM,)),
    "all_at_once": Rollout(),
    "linear": Rollout(strategy=RolloutStrategy.LINEAR, step_percent=50, bake_time=_BAKE),
    "blue_green": Rollout(strategy=RolloutStrategy.BLUE_GREEN, bake_time=_BAKE),
}
