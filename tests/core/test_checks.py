"""Checks beyond the schema, on values: each case names one thing wrong, and one that is just right."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from modelway.core import checks, checks_scan
from modelway.core.checks import Subject
from modelway.core.checks_scan import Demands
from modelway.core.config import (
    AlarmMetric,
    Analysis,
    Autoscaling,
    BuildSecret,
    Byoc,
    Capacity,
    ContractTest,
    CreatedAlarm,
    Environment,
    ExistingAlarm,
    Expect,
    Extended,
    Prebuilt,
    Rollout,
    RolloutStrategy,
)
from modelway.core.image import Digest, Image
from modelway.core.json import JsonObject
from modelway.core.limits import Limit
from modelway.core.parse import in_release_order
from modelway.core.problem import Flaw, Level
from modelway.targets import sagemaker_checks
from modelway.targets.sagemaker.guardrails import deployment
from tests.configs import SETTINGS, SHA256, model_config, production, staging

TODAY = date(2026, 6, 1)
LIMITS = {name: Limit() for name in sagemaker_checks.SHAPES} | {
    sagemaker_checks.INSTANCE_TYPE: Limit(options=("ml.m5.large", "ml.c7g.large", "ml.g5.xlarge")),
    sagemaker_checks.WAIT: Limit(minimum=0, maximum=3600),
    sagemaker_checks.UPDATE_TIME: Limit(minimum=600, maximum=28800),
    sagemaker_checks.POINTER_NAME: Limit(maximum=63),
}
SERVERLESS: JsonObject = {
    "mode": "serverless",
    "memory_mb": 2048,
    "max_concurrency": 5,
    "execution_role": "r",
}


def sagemaker(
    environment: Environment, model: str = "iris", platform: str | None = "linux/amd64"
) -> list[Flaw]:
    """SageMaker's flaws of an environment."""
    return list(sagemaker_checks.check(Subject(model=model, platform=platform), environment, LIMITS))


def rollout(strategy: RolloutStrategy, percent: int = 25, bake: int = 0, hours: int | None = None) -> Rollout:
    """A rollout by its numbers: percent of the canary or the step, seconds to bake, hours at most."""
    return Rollout(
        strategy=strategy,
        canary_percent=percent,
        step_percent=percent,
        bake_time=timedelta(seconds=bake),
        max_time=None if hours is None else timedelta(hours=hours),
    )


def instances(count: int, least: int | None = None) -> Capacity:
    """Instances, with autoscaling where it has a minimum."""
    if least is None:
        return Capacity(instances=count)
    scaling = Autoscaling(min=least, max=50, invocations_per_instance_per_minute=1)
    return Capacity(instances=count, autoscaling=scaling)


def test_the_shared_example_is_right() -> None:
    config = model_config()
    flaws = [flaw for environment in config.environments.values() for flaw in checks.environment(environment)]
    flaws += [flaw for environment in config.environments.values() for flaw in sagemaker(environment)]
    assert flaws == []


CANARY, LINEAR, ROLLING = RolloutStrategy.CANARY, RolloutStrategy.LINEAR, RolloutStrategy.ROLLING


@pytest.mark.parametrize(
    ("strategy", "percent", "count", "least", "right"),
    [
        (CANARY, 25, 4, None, True),
        (CANARY, 24, 4, None, False),
        (CANARY, 50, 2, None, True),
        (CANARY, 50, 1, None, False),
        (CANARY, 10, 10, 10, True),
        (CANARY, 10, 10, 9, False),  # what counts is the fleet at its smallest
        (CANARY, 51, 10, None, False),
        (LINEAR, 10, 10, None, True),
        (LINEAR, 9, 20, None, False),
        (LINEAR, 33, 3, None, False),
        (LINEAR, 34, 3, None, True),
        (ROLLING, 5, 20, None, True),
        (ROLLING, 5, 19, None, False),
        (ROLLING, 51, 4, None, False),
        (RolloutStrategy.ALL_AT_ONCE, 1, 1, None, True),
    ],
)
def test_shares_are_whole_instances(strategy, percent, count, least, right) -> None:
    environment = production(capacity=instances(count, least), rollout=rollout(strategy, percent))
    assert (sagemaker(environment) == []) is right


@pytest.mark.parametrize(
    ("strategy", "percent", "bake", "hours", "right"),
    [
        (CANARY, 50, 3600, None, True),
        (CANARY, 50, 3601, None, False),
        (CANARY, 50, 3600, 2, False),  # two waits of an hour leave nothing of two hours
        (CANARY, 50, 3600, 3, True),
        (LINEAR, 10, 2879, None, True),
        (LINEAR, 10, 2880, None, False),
        (ROLLING, 50, 3600, 9, False),
        (RolloutStrategy.ALL_AT_ONCE, 1, 3600, None, True),
        (RolloutStrategy.ALL_AT_ONCE, 1, 0, 0, False),
    ],
)
def test_waits_end_before_sagemaker_gives_up(strategy, percent, bake, hours, right) -> None:
    environment = production(capacity=instances(20), rollout=rollout(strategy, percent, bake, hours))
    assert (sagemaker(environment) == []) is right


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        (production(settings=SERVERLESS, capacity=Capacity()), ("rollout", "strategy")),
        (staging(settings=SERVERLESS, rollout=Rollout(bake_time=timedelta(minutes=1))), ("rollout",)),
        (staging(settings=SERVERLESS, rollout=Rollout(alarms=(ExistingAlarm(name="a"),))), ("rollout",)),
        (staging(settings=SERVERLESS, capacity=instances(2)), ("capacity",)),
        (staging(settings=SERVERLESS, capacity=instances(1, 1)), ("capacity",)),
        (
            staging(settings={**SERVERLESS, "provisioned_concurrency": 6}),
            ("settings", "provisioned_concurrency"),
        ),
        (staging(settings={**SETTINGS, "instance_type": "ml.m5.larg"}), ("settings", "instance_type")),
        (staging(settings={**SETTINGS, "instance_type": "ml.c7g.large"}), ("settings", "instance_type")),
        (staging(settings={**SETTINGS, "tags": {"owner": "me"}}), ("settings", "tags", "owner")),
        (staging(settings={**SETTINGS, "tags": {"AWS:x": "me"}}), ("settings", "tags", "AWS:x")),
        (
            staging(settings={**SETTINGS, "execution_role": "arn:aws:iam::222222222222:role/r"}),
            ("settings", "execution_role"),
        ),
    ],
)
def test_what_sagemaker_refuses_has_its_place(environment: Environment, place: tuple[str, ...]) -> None:
    assert [flaw.path for flaw in sagemaker(environment)] == [("environments", environment.name, *place)]


@pytest.mark.parametrize("environment", [staging(settings=SERVERLESS), staging(), production()])
def test_what_sagemaker_takes_is_right(environment: Environment) -> None:
    assert sagemaker(environment) == []


@pytest.mark.parametrize(
    ("chosen", "platform", "right"),
    [
        ("ml.c7g.large", "linux/arm64", True),
        ("ml.c7g.large", None, True),
        ("ml.m5.large", "linux/arm64", False),
        ("ml.g5.xlarge", "linux/amd64", True),
    ],
)
def test_instances_run_what_was_built(chosen: str, platform: str | None, right: bool) -> None:  # noqa: FBT001 # a case
    environment = staging(settings={**SETTINGS, "instance_type": chosen})
    assert (sagemaker(environment, platform=platform) == []) is right


@pytest.mark.parametrize(("length", "right"), [(42, True), (43, False)])
def test_names_leave_room_for_the_id(length: int, right: bool) -> None:  # noqa: FBT001 # a case
    """42 + staging (7) + two hyphens + 12 digits are SageMaker's 63."""
    assert (sagemaker(staging(), model="a" * length) == []) is right


def test_limits_count_seconds_characters_and_entries() -> None:
    limits = LIMITS | {
        "ProductionVariantContainerStartupHealthCheckTimeoutInSeconds": Limit(minimum=60, maximum=3600),
        "EnvironmentMap": Limit(maximum=1),
        "DestinationS3Uri": Limit(maximum=10),
    }
    settings = {
        **SETTINGS,
        "startup_timeout": "59s",
        "environment": {"A": "", "B": ""},
        "data_capture": {"percent": 5, "destination": "s3://bucket/long"},
    }
    flaws = sagemaker_checks.check(Subject(model="m", platform=None), staging(settings=settings), limits)
    assert [flaw.message for flaw in flaws] == [
        "startup_timeout is 59 seconds; SageMaker allows 60 to 3600 seconds",
        "environment is 2 entries; SageMaker allows at most 1 entries",
        "data_capture.destination is 16 characters; SageMaker allows at most 10 characters",
    ]


def alarm(period: int, datapoints: int) -> CreatedAlarm:
    """An alarm over so many periods of so many seconds."""
    metric = AlarmMetric.ERROR_RATE
    return CreatedAlarm(metric=metric, above=5, period=timedelta(seconds=period), datapoints=datapoints)


@pytest.mark.parametrize(
    ("watch", "bake", "levels"),
    [
        (alarm(60, 5), 300, []),
        (alarm(60, 5), 299, [Level.WARNING]),
        (alarm(90, 1), 600, [Level.ERROR]),
        (alarm(0, 1), 600, [Level.ERROR]),
        (alarm(3600, 24), 86400, []),
        (alarm(3600, 25), 90000, [Level.ERROR]),
        (ExistingAlarm(name="iris-5xx"), 0, []),  # nobody here knows its period
    ],
)
def test_alarms_can_react_while_the_release_bakes(watch, bake: int, levels: list[Level]) -> None:
    plan = Rollout(bake_time=timedelta(seconds=bake), alarms=(watch,))
    assert [flaw.level for flaw in checks.environment(staging(rollout=plan))] == levels


@pytest.mark.parametrize(
    ("least", "most", "start", "place"),
    [
        (1, 4, 1, None),
        (4, 4, 4, None),
        (5, 4, 4, ("autoscaling", "min")),
        (2, 4, 1, ("instances",)),
        (2, 4, 5, ("instances",)),
    ],
)
def test_capacity_starts_inside_autoscaling(
    least: int, most: int, start: int, place: tuple[str, ...] | None
) -> None:
    scaling = Autoscaling(min=least, max=most, invocations_per_instance_per_minute=1)
    environment = staging(capacity=Capacity(instances=start, autoscaling=scaling))
    expected = [] if place is None else [("environments", "staging", "capacity", *place)]
    assert [flaw.path for flaw in checks.environment(environment)] == expected


@pytest.mark.parametrize(
    ("sources", "wrong"),
    [
        ({"staging": None, "production": "staging"}, []),
        ({"staging": None, "production": "stagin"}, ["production"]),
        ({"a": "a"}, ["a"]),
        ({"a": "b", "b": "a"}, ["a"]),  # one circle, told once
        ({"a": "b", "b": "c", "c": "b"}, ["b"]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, ["a", "c"]),
    ],
)
def test_promotions_lead_somewhere(sources: dict[str, str | None], wrong: list[str]) -> None:
    assert [flaw.path[1] for flaw in checks.promotions(sources)] == wrong


@pytest.mark.parametrize(
    ("expires", "right"),
    [
        ("2026-06-01", True),
        ("2020-01-01", True),  # expired: the scan says so, not validate
        ((TODAY + timedelta(days=365)).isoformat(), True),
        ((TODAY + timedelta(days=365) + timedelta(days=1)).isoformat(), False),
        ("2026-02-30", False),
        ("2026-13-01", False),
        ("0000-01-01", False),
    ],
)
def test_waivers_end_on_a_day_that_is_near(expires: str, right: bool) -> None:  # noqa: FBT001 # a case
    demands = Demands(today=TODAY, environments=())
    flaws = list(checks_scan.waivers([{"expires": expires}], ("scan", "waivers"), demands))
    assert (flaws == []) is right
    assert all(flaw.path == ("scan", "waivers", 0, "expires") for flaw in flaws)


def test_names_in_a_list_are_told_apart() -> None:
    image = Byoc(
        context="a", dockerfile="b", secrets=(BuildSecret(id="a"), BuildSecret(id="b"), BuildSecret(id="a"))
    )
    tests = (ContractTest(name="x", body=""), ContractTest(name="x", body=""))
    assert [flaw.path for flaw in checks.secrets(image)] == [("image", "build_secrets", 2, "id")]
    assert [flaw.path for flaw in checks.tests(tests)] == [("contract_tests", 1, "name")]


def test_a_tolerance_without_json_is_a_warning() -> None:
    (flaw,) = checks.tests((ContractTest(name="x", body="", expect=Expect(tolerance=1)),))
    assert flaw.level is Level.WARNING


def test_every_path_of_a_config_is_wanted() -> None:
    extended = Extended(base="b", requirements="r.txt", source="src")
    files = checks.image_paths(extended) + checks.image_paths(Byoc(context="c", dockerfile="d"))
    files += checks.test_paths((ContractTest(name="x", body=""), ContractTest(name="y", body_file="f")))
    assert [(wanted.path, wanted.kind, wanted.context) for wanted in files] == [
        ("r.txt", "file", False),
        ("src", "folder", True),
        ("c", "folder", True),
        ("d", "file", False),
        ("f", "file", False),
    ]
    assert files[-1].keys == ("contract_tests", 1, "body_file")


def test_a_prebuilt_image_reads_nothing() -> None:
    source = Image("registry.example.com/model", Digest.parse(f"sha256:{SHA256}"))
    assert checks.image_paths(Prebuilt(source=source)) == ()


def test_release_order_follows_promotions() -> None:
    written = {
        "c": staging(name="c", promote_from="b"),
        "b": staging(name="b", promote_from="a"),
        "a": staging(name="a"),
    }
    assert list(in_release_order(written)) == ["a", "b", "c"]
    lost = {"x": staging(name="x", promote_from="x"), "y": staging(name="y")}
    assert list(in_release_order(lost)) == ["y", "x"]


@pytest.mark.parametrize(
    ("analysis", "wrong"),
    [
        (Analysis(min_requests=5), True),
        (Analysis(error_rate_increase=0), False),
        (Analysis(latency_p95_ratio=1.5), False),
    ],
)
def test_an_analysis_compares_something(analysis: Analysis, *, wrong: bool) -> None:
    place = production(rollout=Rollout(strategy=CANARY, analysis=analysis))
    assert [flaw.message for flaw in checks.environment(place)] == ["analysis compares nothing"] * wrong


@pytest.mark.parametrize("settings", [SETTINGS, SERVERLESS])
def test_sagemaker_says_who_can_pause_and_compare(settings: JsonObject) -> None:
    watched = Rollout(strategy=CANARY, pause=True, analysis=Analysis(error_rate_increase=1))
    flaws = sagemaker(production(settings=settings, rollout=watched, capacity=instances(10)))
    told = [flaw for flaw in flaws if "cannot" in flaw.message]
    assert [flaw.path[-1] for flaw in told] == ["pause", "analysis"]
    assert all("lambda, ecs" in flaw.cure for flaw in told)


def test_blue_green_on_sagemaker_is_its_second_fleet_with_a_bake() -> None:
    rollout = Rollout(strategy=RolloutStrategy.BLUE_GREEN, bake_time=timedelta(minutes=5))
    assert sagemaker(production(rollout=rollout)) == []
    routing = deployment(rollout, (), urgent=False)["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300}
