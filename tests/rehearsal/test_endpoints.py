"""Endpoints are real containers: what serves, what is said of it, and what happens when it is updated."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import docker
import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.models import VARIANT, WEIGHTS, Models, unique

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

QUARTER = {"Type": "CAPACITY_PERCENT", "Value": 25}


def canary(seconds: int, *alarms: str) -> dict[str, object]:
    """A DeploymentConfig."""
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": seconds, "CanarySize": QUARTER}
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}, **(rollback if alarms else {})}


def containers(models: Models) -> set[str]:
    """The ids of those this cloud runs; an earlier test's may still be ending."""
    run = json.loads((models.cloud.state / "cloud.json").read_text())["run"]
    found = docker.from_env().containers.list(
        all=True, ignore_removed=True, filters={"label": f"modelway.rehearsal={run}"}
    )
    return {str(one.id) for one in found}


@pytest.fixture(scope="module")
def first(models: Models) -> str:
    """A healthy version of four instances."""
    return models.config(instances=4, VERSION="1")


@pytest.fixture(scope="module")
def standing(models: Models, first: str) -> Iterator[str]:
    """One endpoint for all tests that leave it as it is."""
    with models.endpoint(first) as name:
        yield name


@pytest.fixture
def endpoint(models: Models, first: str) -> Iterator[str]:
    """It serves."""
    with models.endpoint(first) as name:
        yield name


@pytest.fixture
def short_of_capacity(models: Models) -> Iterator[None]:
    """There are three ml.m6i.large."""
    models.cloud.control("endpoints", {"capacity": {"ml.m6i.large": 3}})
    yield
    models.cloud.control("endpoints", {"capacity": {}})


@pytest.fixture
def impatient(models: Models) -> Iterator[None]:
    """A container gets two seconds to become healthy."""
    models.cloud.control("endpoints", {"startup_seconds": 2})
    yield
    models.cloud.control("endpoints", {"startup_seconds": 60})


def test_an_endpoint_is_created_and_then_serves(models: Models, first: str) -> None:
    """moto is InService at once, and answers ``body``."""
    name = unique("new")
    models.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=first)
    assert models.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating"
    with pytest.raises(ClientError, match="not in service"):
        models.ask(name)
    assert models.settled(name)["EndpointStatus"] == "InService"
    assert models.ask(name)["version"] == "1"
    models.sagemaker.delete_endpoint(EndpointName=name)


def test_the_container_gets_environment_artifact_body_and_headers(models: Models, standing: str) -> None:
    told = models.ask(standing, b"\xff\x00", ContentType="application/x-thing")
    assert told == {"version": "1", "bytes": 2, "type": "application/x-thing", "model": WEIGHTS}


def test_describe_names_the_image_by_digest(models: Models, standing: str) -> None:
    """moto tells no images."""
    variant = models.sagemaker.describe_endpoint(EndpointName=standing)["ProductionVariants"][0]
    assert variant["DeployedImages"][0]["ResolvedImage"] == models.image
    assert variant["DeployedImages"][0]["SpecifiedImage"] == models.image
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (4, 4)


def test_a_name_is_taken_whatever_its_case(models: Models, standing: str, first: str) -> None:
    """moto replaces the endpoint."""
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        models.sagemaker.create_endpoint(EndpointName=standing.upper(), EndpointConfigName=first)


def test_a_container_that_dies_fails_the_endpoint_and_leaves_its_last_words(models: Models) -> None:
    """moto starts nothing."""
    with models.endpoint(models.config(BEHAVIOUR="dying")) as name:
        described = models.sagemaker.describe_endpoint(EndpointName=name)
        group = f"/aws/sagemaker/Endpoints/{name}"
        stream = models.logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
        events = models.logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert stream.startswith(f"{VARIANT}/i-")
    # Docker keeps the two output streams apart: which line is the last is not sure.
    assert "no weights, no life" in [event["message"] for event in events]


@pytest.mark.usefixtures("impatient")
def test_a_container_that_is_never_healthy_fails_the_endpoint(models: Models) -> None:
    with models.endpoint(models.config(BEHAVIOUR="unhealthy")) as name:
        described = models.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]


def test_a_failed_endpoint_can_only_be_deleted(models: Models, first: str) -> None:
    sick = models.config(BEHAVIOUR="dying")
    with models.endpoint(sick) as name, pytest.raises(ClientError, match="Cannot update endpoint"):
        models.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=first)


def test_an_update_moves_all_traffic(models: Models, endpoint: str) -> None:
    """moto has no UpdateEndpoint."""
    second = models.config(instances=2, VERSION="2")
    before = containers(models)
    models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    updating = models.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == second
    assert models.ask(endpoint)["version"] == "1"
    described = models.settled(endpoint)
    assert described["EndpointConfigName"] == second
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    assert described.get("PendingDeploymentSummary") is None
    assert models.ask(endpoint)["version"] == "2"
    end = time.monotonic() + 60
    while len(containers(models)) > len(before):
        assert time.monotonic() < end, "the old container is still there"
        time.sleep(0.05)


def test_one_change_at_a_time(models: Models, endpoint: str, first: str) -> None:
    models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=first)
    changes: tuple[Callable[[], object], ...] = (
        lambda: models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=first),
        lambda: models.sagemaker.delete_endpoint(EndpointName=endpoint),
        lambda: models.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredWeight": 1}]
        ),
    )
    for change in changes:
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            change()


def test_an_unhealthy_update_leaves_the_old_version_serving(
    models: Models, endpoint: str, first: str
) -> None:
    sick = models.config(BEHAVIOUR="dying")
    models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=sick)
    models.seen(endpoint, "RollingBack")
    described = models.settled(endpoint)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", first)
    assert "did not pass the ping health check" in described["FailureReason"]
    assert models.ask(endpoint)["version"] == "1"


@pytest.mark.usefixtures("short_of_capacity")
def test_without_capacity_the_old_version_serves(models: Models) -> None:
    small = models.config(instances=1, VERSION="small")
    with models.endpoint(small) as name:
        large = models.config(instances=4, VERSION="large")
        models.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=large)
        described = models.settled(name)
        assert models.ask(name)["version"] == "small"
    assert described["EndpointConfigName"] == small
    assert "InsufficientInstanceCapacity" in described["FailureReason"]


def test_a_canary_gets_its_instances_share_of_the_traffic(models: Models, endpoint: str) -> None:
    second = models.config(instances=4, VERSION="2")
    models.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=second,
        DeploymentConfig=canary(180),  # type: ignore[arg-type]  # as JSON
    )
    models.baking(endpoint)
    # Few, as the three minutes it bakes are three seconds here.
    answers = Counter(str(models.ask(endpoint)["version"]) for _ in range(8))
    assert answers == {"1": 6, "2": 2}
    described = models.settled(endpoint)
    assert described["EndpointConfigName"] == second
    policy = described["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == "CANARY"


def alarm(models: Models, endpoint: str) -> str:
    """An alarm on one server error in a minute."""
    name = unique("errors")
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": VARIANT}]
    models.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=dimensions,  # type: ignore[arg-type]  # as JSON
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def test_errors_under_traffic_ring_the_alarm_and_take_the_canary_back(
    models: Models, endpoint: str, first: str
) -> None:
    name, answers, over = alarm(models, endpoint), Counter[str](), threading.Event()

    def use() -> None:
        while not over.is_set():
            try:
                answers[str(models.ask(endpoint)["version"])] += 1
            except ClientError as error:
                answers[error.response["Error"]["Code"]] += 1

    user = threading.Thread(target=use)
    user.start()
    try:
        failing = models.config(instances=4, BEHAVIOUR="failing", VERSION="2")
        models.sagemaker.update_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=failing,
            DeploymentConfig=canary(1800, name),  # type: ignore[arg-type]  # as JSON
        )
        described = models.settled(endpoint)
    finally:
        over.set()
        user.join()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", first)
    assert name in described["FailureReason"]
    assert {models.ask(endpoint)["version"] for _ in range(8)} == {"1"}
    assert set(answers) == {"1", "ModelError"}
    assert 0 < answers["ModelError"] < answers["1"]
    history = models.cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    summaries = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert any(summary.endswith("to ALARM") for summary in summaries)


def test_an_alarm_that_does_not_exist_is_refused(models: Models, standing: str, first: str) -> None:
    with pytest.raises(ClientError, match="nobody"):
        models.sagemaker.update_endpoint(
            EndpointName=standing,
            EndpointConfigName=first,
            DeploymentConfig=canary(0, "nobody"),  # type: ignore[arg-type]  # as JSON
        )


def test_capacity_and_weight_change_without_a_new_config(models: Models, endpoint: str, first: str) -> None:
    """moto wipes what is not named."""
    models.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredInstanceCount": 7}],
    )
    described = models.settled(endpoint)
    variant = described["ProductionVariants"][0]
    assert (variant["DesiredInstanceCount"], variant["DesiredWeight"]) == (7, 1.0)
    assert described["EndpointConfigName"] == first


@pytest.mark.parametrize(("retain", "instances"), [(True, 7), (False, 1)])
def test_capacity_is_retained_on_request(
    models: Models,
    endpoint: str,
    retain: bool,  # noqa: FBT001 - the API's own
    instances: int,
) -> None:
    models.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": VARIANT, "DesiredInstanceCount": 7}],
    )
    models.settled(endpoint)
    models.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=models.config(), RetainAllVariantProperties=retain
    )
    assert models.settled(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"] == instances


def test_no_request_is_lost_in_an_update(models: Models, endpoint: str) -> None:
    """The old container ends only when its last request was answered."""
    answers, over = Counter[str](), threading.Event()

    def use() -> None:
        while not over.is_set():
            try:
                answers[str(models.ask(endpoint)["version"])] += 1
            except ClientError:
                answers["lost"] += 1

    users = [threading.Thread(target=use) for _ in range(4)]
    for user in users:
        user.start()
    slow = models.config(VERSION="2", BEHAVIOUR="slow")
    models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=slow)
    models.settled(endpoint)
    models.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=models.config(VERSION="3"))
    models.settled(endpoint)
    over.set()
    for user in users:
        user.join()
    assert {"1", "2"} <= set(answers) <= {"1", "2", "3"}


def test_a_deleted_endpoint_is_gone_with_its_containers(models: Models, first: str) -> None:
    before = containers(models)
    with models.endpoint(first) as name:
        [its_own] = containers(models) - before
    with pytest.raises(ClientError, match="Could not find endpoint"):
        models.seen(name, "InService")
    assert its_own not in containers(models)


def test_a_config_in_use_can_be_deleted(models: Models) -> None:
    """AWS accepts it too, and regrets it at the next patch: terraform-provider-aws#48997."""
    config = models.config(VERSION="1")
    with models.endpoint(config) as name:
        models.sagemaker.delete_endpoint_config(EndpointConfigName=config)
        models.sagemaker.delete_model(ModelName=config)
        assert models.ask(name)["version"] == "1"


def test_a_serverless_endpoint_is_a_container_too(models: Models) -> None:
    name = models.config(VERSION="s")
    models.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-s",
        ProductionVariants=[
            {
                "VariantName": VARIANT,
                "ModelName": name,
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            }
        ],
    )
    with models.endpoint(f"{name}-s") as serving:
        assert models.ask(serving)["version"] == "s"
        variant = models.sagemaker.describe_endpoint(EndpointName=serving)["ProductionVariants"][0]
        assert variant["CurrentServerlessConfig"]["MemorySizeInMB"] == 2048


def test_a_real_time_endpoint_cannot_become_serverless(models: Models, standing: str, first: str) -> None:
    models.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{first}-s",
        ProductionVariants=[
            {
                "VariantName": VARIANT,
                "ModelName": first,
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            }
        ],
    )
    with pytest.raises(ClientError, match="serverless"):
        models.sagemaker.update_endpoint(EndpointName=standing, EndpointConfigName=f"{first}-s")
