"""What ECS is asked for: valid by botocore's model, and the same for the same version."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.core.config import Analysis, Capacity, Rollout, RolloutStrategy
from modelway.core.json import JsonObject
from modelway.targets.ecs.definition import definition, settings_of
from modelway.targets.ecs.service_requests import created, out_of_reach, unlike, updated
from modelway.targets.ecs.settings import Settings, parse
from modelway.targets.ecs.strategy import deployment, paused, urgently
from tests.targets.ecs_models import (
    CANARY,
    PLAIN,
    SHIFTING,
    SHOWING,
    TEST_RULE,
    A,
    B,
    production,
    refuse_invalid,
    version,
)

SECRET = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:iris-a1b2c3"
PARAMETER = "arn:aws:ssm:eu-west-1:222222222222:parameter/iris/other"
RICH: JsonObject = {
    **SHIFTING,
    "task_role": "task",
    "environment": {"LOG_LEVEL": "info"},
    "secrets": {
        "TOKEN": {"arn": SECRET, "version": "9d4cb84b", "key": "token"},
        "OTHER": {"arn": PARAMETER, "version": "3"},
    },
    "health_check": {"command": ["CMD-SHELL", "true"], "interval": "10s"},
    "open_files": 65536,
    "stop_timeout": "60s",
    "ephemeral_storage_gb": 40,
}


def registered(settings: JsonObject, *, platform: str = "linux/amd64", weights: bool = False) -> Any:  # noqa: ANN401 - JSON
    uri = "s3://ours/iris/b/model.tar.gz" if weights else None
    made = version(settings, weights=weights)
    request = definition(made, "iris-production", production(), platform=platform, artifact_uri=uri)
    refuse_invalid("RegisterTaskDefinition", request)
    return request


def test_the_images_own_command_is_not_written_over() -> None:
    (model,) = registered({**PLAIN, "command": []})["containerDefinitions"]
    assert "command" not in model


def test_a_service_whose_container_is_called_otherwise_learns_its_name() -> None:
    listed = created(parse(PLAIN), production())["loadBalancers"]
    service: Any = {**created(parse(PLAIN), production()), "loadBalancers": listed}
    assert "loadBalancers" not in updated(parse(PLAIN), production(), service)
    service["loadBalancers"] = [{**listed[0], "containerName": "app"}]
    assert updated(parse(PLAIN), production(), service)["loadBalancers"] == listed


NETWORK = {"subnets": ["subnet-b", "subnet-a"], "security_groups": ["sg-1"]}


def changed(**otherwise: object) -> list[tuple[str, str, str]]:
    """What is told of a service that somebody gave other values."""
    settings = parse({**PLAIN, "network": NETWORK})
    service: Any = {**created(settings, production()), **otherwise}
    found = unlike(settings, production(), service, adopted=False)
    return [(one.field, one.config, one.world) for one in found]


def test_a_service_as_it_was_made_is_not_altered_in_whatever_order_it_is_listed() -> None:
    network = {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}
    assert changed(networkConfiguration={"awsvpcConfiguration": network}, capacityProviderStrategy=[]) == []
    settings = parse(SHIFTING)
    listed = created(settings, production())["loadBalancers"]
    [pair] = listed
    more = {**pair["advancedConfiguration"], "alternateTargetGroupArn": A}  # as after every other release
    swapped = {**pair, "targetGroupArn": B, "advancedConfiguration": more}
    service: Any = {**created(settings, production()), "loadBalancers": [swapped]}
    assert unlike(settings, production(), service, adopted=False) == ()


def test_what_somebody_changed_of_a_service_is_told_field_by_field() -> None:
    network = {"subnets": ["subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    assert changed(
        networkConfiguration={"awsvpcConfiguration": network},
        capacityProviderStrategy=spot,
        healthCheckGracePeriodSeconds=5,
    ) == [
        ("settings.network.subnets", "subnet-a, subnet-b", "subnet-a"),
        ("settings.network.public_ip", "false", "true"),
        ("settings.startup_timeout", "300s", "5s"),
        ("settings.capacity_providers", "none", "FARGATE_SPOT (weight 1, base 0)"),
    ]
    (lost,) = changed(loadBalancers=[])
    assert (lost[0], lost[2]) == ("settings.load_balancer", "none")
    assert A in lost[1]


def test_what_was_adopted_keeps_its_container_and_its_grace_until_a_release() -> None:
    settings = parse(PLAIN)
    made = created(settings, production())
    service: Any = {**made, "loadBalancers": [{**made["loadBalancers"][0], "containerName": "app"}]}
    service["healthCheckGracePeriodSeconds"] = 0
    assert unlike(settings, production(), service, adopted=True) == ()
    assert len(unlike(settings, production(), service, adopted=False)) == 2


def test_a_version_is_registered_by_digest() -> None:
    request = registered(RICH)
    (model,) = request["containerDefinitions"]
    assert model["image"].endswith("@sha256:" + "a" * 64)
    assert model["command"] == ["serve"]
    assert (request["cpu"], request["memory"], request["networkMode"]) == ("1024", "2048", "awsvpc")
    assert request["executionRoleArn"] == "arn:aws:iam::222222222222:role/run"
    assert request["runtimePlatform"]["cpuArchitecture"] == "X86_64"


def test_an_image_for_arm_runs_on_arm() -> None:
    assert registered(PLAIN, platform="linux/arm64")["runtimePlatform"]["cpuArchitecture"] == "ARM64"


def test_a_secret_is_taken_at_its_version() -> None:
    (model,) = registered(RICH)["containerDefinitions"]
    secrets = {one["name"]: one["valueFrom"] for one in model["secrets"]}
    assert secrets == {"TOKEN": f"{SECRET}:token::9d4cb84b", "OTHER": PARAMETER}


def test_a_gpu_is_asked_for_on_ec2() -> None:
    (model,) = registered({**PLAIN, "mode": "ec2", "gpus": 2})["containerDefinitions"]
    assert model["resourceRequirements"] == [{"type": "GPU", "value": "2"}]


def test_weights_are_fetched_before_the_model_starts_and_cannot_be_changed_by_it() -> None:
    loader, model = registered(PLAIN, weights=True)["containerDefinitions"]
    assert (loader["name"], loader["essential"], loader["entryPoint"][:2]) == (
        "model-artifact",
        False,
        ["python3", "-c"],
    )
    assert {one["name"]: one["value"] for one in loader["environment"]}["MODELWAY_MODEL_SHA256"] == "b" * 64
    assert model["dependsOn"] == [{"containerName": "model-artifact", "condition": "SUCCESS"}]
    assert [(m["containerPath"], m["readOnly"]) for m in model["mountPoints"]] == [("/opt/ml/model", True)]


def test_a_task_definition_tells_the_settings_it_was_made_of() -> None:
    assert settings_of(registered(RICH, weights=True)) == parse(RICH)


def test_the_same_version_makes_the_same_definition() -> None:
    assert registered(RICH) == registered(dict(reversed([*RICH.items()])))


# --- how it is deployed ---


def configured(rollout: Rollout, settings: JsonObject) -> Any:  # noqa: ANN401 - JSON
    config = deployment(rollout, parse(settings), ["ring"] if rollout.alarms else [])
    refuse_invalid("UpdateService", {"service": "s", "deploymentConfiguration": config})
    return config


@pytest.mark.parametrize(
    ("strategy", "settings", "expected"),
    [
        (RolloutStrategy.ALL_AT_ONCE, PLAIN, "ROLLING"),
        (RolloutStrategy.ALL_AT_ONCE, SHIFTING, "BLUE_GREEN"),
        (RolloutStrategy.ROLLING, SHIFTING, "ROLLING"),
        (RolloutStrategy.BLUE_GREEN, SHIFTING, "BLUE_GREEN"),
        (RolloutStrategy.CANARY, SHIFTING, "CANARY"),
        (RolloutStrategy.LINEAR, SHIFTING, "LINEAR"),
    ],
)
def test_each_strategy_is_one_of_ecs_s_own(
    strategy: RolloutStrategy, settings: JsonObject, expected: str
) -> None:
    assert configured(Rollout(strategy=strategy), settings)["strategy"] == expected


def test_a_canary_bakes_alarmed_and_is_rolled_back_by_ecs() -> None:
    config = configured(CANARY, SHIFTING)
    assert config["canaryConfiguration"] == {"canaryPercent": 25, "canaryBakeTimeInMinutes": 10}
    assert config["bakeTimeInMinutes"] == 10
    assert config["alarms"] == {"alarmNames": ["ring"], "enable": True, "rollback": True}
    assert config["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert config["lifecycleHooks"] == []


@pytest.mark.parametrize(
    ("rollout", "settings", "minutes"),
    [
        (CANARY, SHOWING, 1450),
        (replace(CANARY, pause=True), SHIFTING, 1450),
        (replace(CANARY, analysis=Analysis(error_rate_increase=1)), SHIFTING, 1460),
        (replace(CANARY, bake_time=timedelta(days=1)), SHOWING, 2880),
        (replace(CANARY, pause=True, max_time=timedelta(hours=2)), SHIFTING, 120),
    ],
)
def test_ecs_stops_before_each_share_where_somebody_is_asked(
    rollout: Rollout, settings: JsonObject, minutes: int
) -> None:
    """Where the config does not say how long, a day longer than the share before is watched."""
    (hook,) = configured(rollout, settings)["lifecycleHooks"]
    assert hook["targetType"] == "PAUSE"
    assert hook["lifecycleStages"] == ["PRE_PRODUCTION_TRAFFIC_SHIFT"]
    assert hook["timeoutConfiguration"] == {"timeoutInMinutes": minutes, "action": "ROLLBACK"}


def test_where_modelway_keeps_the_clock_ecs_does_not_wait_twice() -> None:
    config = configured(replace(CANARY, pause=True), SHIFTING)
    assert config["canaryConfiguration"]["canaryBakeTimeInMinutes"] == 0
    assert config["bakeTimeInMinutes"] == 10


def test_rolling_is_never_stopped() -> None:
    assert not paused(Rollout(strategy=RolloutStrategy.ROLLING, pause=True), parse(SHOWING))


def test_rolling_replaces_in_batches() -> None:
    config = configured(Rollout(strategy=RolloutStrategy.ROLLING, step_percent=50), PLAIN)
    assert (config["maximumPercent"], config["minimumHealthyPercent"]) == (150, 100)


@pytest.mark.parametrize("settings", [PLAIN, SHIFTING])
def test_the_way_back_waits_for_nothing_and_never_returns_to_what_it_left(settings: JsonObject) -> None:
    config: Any = urgently(parse(settings))
    refuse_invalid("UpdateService", {"service": "s", "deploymentConfiguration": config})
    assert config["alarms"]["enable"] is False
    assert config["deploymentCircuitBreaker"]["rollback"] is False
    assert not config.get("bakeTimeInMinutes")


def test_a_part_of_a_minute_is_a_whole_one() -> None:
    config = configured(replace(CANARY, bake_time=timedelta(seconds=61)), SHIFTING)
    assert config["bakeTimeInMinutes"] == 2


# --- the service ---


def service(settings: JsonObject, **changes: object) -> Any:  # noqa: ANN401 - JSON
    """A service as ECS tells it after it was made with these settings."""
    made: Any = created(parse(settings), production())
    refuse_invalid("CreateService", {**made, "serviceName": "s"})
    return {**made, "serviceName": "s", **changes}


def wanted(settings: JsonObject, now: Any) -> Any:  # noqa: ANN401 - JSON
    request = updated(parse(settings), production(), now)
    refuse_invalid("UpdateService", request)
    return {name: value for name, value in request.items() if name not in {"service", "cluster"}}


def test_a_service_is_made_with_the_count_of_the_config() -> None:
    made = created(parse(SHOWING), production(capacity=Capacity(instances=3)))
    assert made["desiredCount"] == 3
    (balancer,) = made["loadBalancers"]
    assert balancer["advancedConfiguration"]["alternateTargetGroupArn"] == B
    assert balancer["advancedConfiguration"]["testListenerRule"] == TEST_RULE


@pytest.mark.parametrize("settings", [PLAIN, SHIFTING, SHOWING])
def test_an_update_sends_nothing_that_is_so_already(settings: JsonObject) -> None:
    assert wanted(settings, service(settings)) == {}


def test_which_group_has_the_traffic_is_no_difference() -> None:
    now = service(SHIFTING)
    now["loadBalancers"][0]["targetGroupArn"] = B
    now["loadBalancers"][0]["advancedConfiguration"]["alternateTargetGroupArn"] = A
    assert wanted(SHIFTING, now) == {}


def test_the_count_is_never_sent() -> None:
    assert "desiredCount" not in wanted(SHOWING, service(PLAIN, desiredCount=7))


def test_other_capacity_needs_a_new_deployment() -> None:
    spot = {**PLAIN, "capacity_providers": [{"name": "FARGATE_SPOT"}]}
    request = wanted(spot, service(PLAIN))
    assert request["forceNewDeployment"] is True
    assert request["capacityProviderStrategy"] == [
        {"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}
    ]


INSTANCES: JsonObject = {**PLAIN, "mode": "ec2"}


@pytest.mark.parametrize(
    ("now", "then", "cure"),
    [
        (PLAIN, INSTANCES, "[{name: <one of the cluster's>}], or keep mode: fargate"),
        (INSTANCES, PLAIN, "[{name: FARGATE}], or keep mode: ec2"),
    ],
)
def test_a_launch_type_ecs_cannot_change_to_is_in_the_way(
    now: JsonObject, then: JsonObject, cure: str
) -> None:
    obstacle = out_of_reach(parse(then), service(now))
    assert obstacle
    assert cure in obstacle.cure
    assert obstacle.by_config


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (PLAIN, PLAIN),
        (INSTANCES, INSTANCES),
        (PLAIN, {**INSTANCES, "capacity_providers": [{"name": "instances"}]}),
        ({**INSTANCES, "capacity_providers": [{"name": "instances"}]}, PLAIN),
    ],
)
def test_capacity_providers_lead_from_one_launch_type_to_the_other_and_back(
    now: JsonObject, then: JsonObject
) -> None:
    assert out_of_reach(parse(then), service(now)) is None


def test_settings_have_their_defaults() -> None:
    settings: Settings = parse(PLAIN)
    assert (settings.port, settings.path, settings.command) == (8080, "/invocations", ("serve",))
    assert not settings.shifts
