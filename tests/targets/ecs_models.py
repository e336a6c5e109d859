"""Settings and environments of ECS for tests that need some, and botocore's judgement of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import botocore.session
from botocore.validate import validate_parameters

from modelway.core.config import AlarmMetric, Capacity, CreatedAlarm, Environment, Rollout, RolloutStrategy
from modelway.core.image import Digest, Image
from modelway.core.json import Json, JsonObject
from modelway.core.version import Artifact, Version

ELB = "arn:aws:elasticloadbalancing:eu-west-1:222222222222"
A, B = f"{ELB}:targetgroup/a/00000000000000aa", f"{ELB}:targetgroup/b/00000000000000bb"
RULE = f"{ELB}:listener-rule/app/models/00000000000000cc/00000000000000dd/00000000000000ee"
TEST_RULE = f"{ELB}:listener-rule/app/models/00000000000000cc/00000000000000df/00000000000000ef"
PLAIN: JsonObject = {
    "mode": "fargate",
    "cluster": "models",
    "cpu": 1024,
    "memory_mb": 2048,
    "execution_role": "run",
    "network": {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]},
    "load_balancer": {"target_groups": [A], "listener_rule": RULE},
}
SHIFTING: JsonObject = {
    **PLAIN,
    "load_balancer": {"target_groups": [A, B], "listener_rule": RULE, "infrastructure_role": "traffic"},
}
SHOWING: JsonObject = {
    **PLAIN,
    "load_balancer": {
        "target_groups": [A, B],
        "listener_rule": RULE,
        "test_listener_rule": TEST_RULE,
        "infrastructure_role": "traffic",
    },
}
CANARY = Rollout(
    strategy=RolloutStrategy.CANARY,
    canary_percent=25,
    bake_time=timedelta(minutes=10),
    alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5),),
)


def production(settings: JsonObject = PLAIN, **changes: object) -> Environment:
    """Two tasks on Fargate."""
    bare = Environment(
        name="production",
        target="ecs",
        account="222222222222",
        region="eu-west-1",
        settings=settings,
        capacity=Capacity(instances=2),
    )
    return replace(bare, **changes)  # type: ignore[arg-type] # the caller names fields, as with replace


def version(settings: JsonObject = PLAIN, *, weights: bool = False, **more: Json) -> Version:
    """A version of some image."""
    artifact = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "b" * 64))
    image = Image("333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris", Digest.parse("sha256:" + "a" * 64))
    return Version(image=image, settings={**settings, **more}, artifact=artifact if weights else None)


def refuse_invalid(operation: str, request: Mapping[str, Any], service: str = "ecs") -> None:
    """Raise what botocore finds wrong with a request."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert model.input_shape
    validate_parameters(request, model.input_shape)
