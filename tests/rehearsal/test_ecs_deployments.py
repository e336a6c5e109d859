"""ECS's service deployments, stage by stage: how each strategy goes, what ends it, and what serves then.

Containers are threads here; ``test_ecs.py`` has real ones. Where a deployment is looked at on its way, a
PAUSE hook holds it, so that nothing depends on how fast this machine is.
"""

from __future__ import annotations

import http.client
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from botocore.exceptions import ClientError

from modelway.core.json import Json, JsonObject
from tests.rehearsal.models import unique
from tests.rehearsal.services import CLUSTER, PORT, TEST_PORT, Balancer, Services
from tests.sweeps.ground import open_ground

pytestmark = pytest.mark.rehearsal
_DAY = 1440


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, _registry: str) -> Iterator[Services]:
    """A cloud of their own, where ten minutes pass each second."""
    if _registry and os.environ.get("CI") != "true":
        pytest.skip(_registry)
    with open_ground(tmp_path_factory.mktemp("deployments")) as ground:
        yield Services.of(ground.cloud, ground.clients, str(ground.push("any")))


@pytest.fixture(scope="module")
def good(services: Services) -> str:
    return services.definition(BEHAVIOUR="")


@pytest.fixture(scope="module")
def failing(services: Services) -> str:
    """Starts, and answers 500."""
    return services.definition(BEHAVIOUR="failing")


@pytest.fixture(scope="module")
def dying(services: Services) -> str:
    return services.definition(BEHAVIOUR="dying")


@pytest.fixture
def balancer(services: Services) -> Iterator[Balancer]:
    with services.balancer() as made:
        yield made


def pausing(*stages: str, minutes: int = _DAY, action: str = "ROLLBACK") -> JsonObject:
    """A deployment's configuration that waits for somebody at these stages."""
    timeout: JsonObject = {"timeoutInMinutes": minutes, "action": action}
    named: list[Json] = [*stages]
    return {
        "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": named, "timeoutConfiguration": timeout}]
    }


def blue_green(*stages: str, **timeout: object) -> JsonObject:
    """Everything at once, waiting at these stages; hooks of before stay where a request names none."""
    paused = pausing(*stages, **timeout) if stages else {"lifecycleHooks": []}  # type: ignore[arg-type] # passed on
    return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, **paused}


def update(services: Services, name: str, definition: str, **more: object) -> str:
    """UpdateService; the ARN of the revision that is deployed."""
    services.ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=definition, **more)  # type: ignore[arg-type]  # as JSON
    return services.deployment(name)["targetServiceRevision"]["arn"]


def held(services: Services, name: str, hooks: int = 1) -> str:
    """Wait until the so-manieth hook waits; its id."""
    told = services.seen(
        name,
        lambda d: (
            len(d["lifecycleHookDetails"]) == hooks
            and d["lifecycleHookDetails"][-1]["status"] == "AWAITING_ACTION"
        ),
    )
    return told["lifecycleHookDetails"][-1]["hookId"]


def go_on(services: Services, name: str, hook: str, action: str = "CONTINUE") -> None:
    """ContinueServiceDeployment of the newest deployment."""
    arn = services.deployment(name)["serviceDeploymentArn"]
    services.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action=action)  # type: ignore[arg-type]  # a test's own


def stop(services: Services, arn: str) -> None:
    """StopServiceDeployment, back to what served before."""
    services.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")


def answers(balancer: Balancer, port: int = PORT) -> Counter[int]:
    """The statuses of forty requests."""
    connection = http.client.HTTPConnection(balancer.address, port, timeout=20)
    with closing(connection):
        return Counter(_status(connection) for _ in range(40))


def _status(connection: http.client.HTTPConnection) -> int:
    connection.request("POST", "/invocations", b"[1]")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def running(services: Services, name: str) -> Sequence[str]:
    """The task definition of each running task."""
    arns = services.ecs.list_tasks(cluster=CLUSTER, serviceName=name)["taskArns"]
    tasks = services.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
    return [each["taskDefinitionArn"] for each in tasks if each["lastStatus"] == "RUNNING"]


def refused(code: str) -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, check=lambda error: error.response["Error"]["Code"] == code)


def test_a_rolling_update_replaces_every_task(services: Services, good: str, failing: str) -> None:
    with services.service(good, None) as name:
        update(services, name, failing)
        over = services.over(name)
        assert (over["status"], over["deploymentConfiguration"]["strategy"]) == ("SUCCESSFUL", "ROLLING")
        assert "lifecycleStage" not in over
        assert running(services, name) == [failing, failing]


def test_blue_green_shows_the_new_revision_before_anybody_is_sent_to_it(
    services: Services, balancer: Balancer, good: str, failing: str
) -> None:
    config = blue_green("POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=config)
        hook = held(services, name)
        assert services.deployment(name)["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
        assert (answers(balancer), answers(balancer, port=TEST_PORT)) == ({200: 40}, {500: 40})
        go_on(services, name, hook)
        hook = held(services, name, 2)
        assert answers(balancer) == {500: 40}
        assert sorted(running(services, name)) == sorted([good, good, failing, failing])
        go_on(services, name, hook)
        assert services.over(name)["status"] == "SUCCESSFUL"
        assert running(services, name) == [failing, failing]


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 25.0}}, [25, 100]),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}, [40, 80, 100]),
    ],
    ids=["canary", "linear"],
)
def test_the_new_revision_gets_its_share_at_each_step(
    services: Services, balancer: Balancer, good: str, failing: str, config: JsonObject, shares: list[int]
) -> None:
    config = {**config, **pausing("PRE_PRODUCTION_TRAFFIC_SHIFT")}
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=config)
        for step, share in enumerate([0, *shares[:-1]], 1):
            hook = held(services, name, step)
            weight = services.deployment(name)["targetServiceRevision"].get(
                "requestedProductionTrafficWeight"
            )
            assert (weight or 0) == share
            assert answers(balancer)[500] == 40 * share // 100
            go_on(services, name, hook)
        assert services.over(name)["status"] == "SUCCESSFUL"
        assert answers(balancer) == {500: 40}


@pytest.mark.parametrize(
    ("action", "end", "serves"),
    [("CONTINUE", "SUCCESSFUL", 500), ("ROLLBACK", "ROLLBACK_SUCCESSFUL", 200)],
)
def test_a_hook_nobody_answers_does_what_it_was_told_to(
    services: Services, balancer: Balancer, good: str, failing: str, action: str, end: str, serves: int
) -> None:
    config = blue_green("POST_TEST_TRAFFIC_SHIFT", minutes=1, action=action)
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=config)
        over = services.over(name)
        assert (over["status"], over["lifecycleHookDetails"][0]["status"]) == (end, "TIMED_OUT")
        assert answers(balancer) == {serves: 40}


def test_a_hook_answered_with_rollback_goes_back(
    services: Services, balancer: Balancer, good: str, failing: str
) -> None:
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=blue_green("POST_PRODUCTION_TRAFFIC_SHIFT"))
        hook = held(services, name)
        go_on(services, name, hook, "ROLLBACK")
        over = services.over(name)
        assert (over["status"], over["lifecycleHookDetails"][0]["status"]) == (
            "ROLLBACK_SUCCESSFUL",
            "FAILED",
        )
        assert "hook failed" in over["rollback"]["reason"]
        assert answers(balancer) == {200: 40}
        assert running(services, name) == [good, good]
        with refused("InvalidParameterException"):
            go_on(services, name, hook)


def test_a_stopped_canary_takes_its_traffic_with_it(
    services: Services, balancer: Balancer, good: str, failing: str
) -> None:
    half: JsonObject = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 50.0}}
    config = {**half, **pausing("PRE_PRODUCTION_TRAFFIC_SHIFT")}
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=config)
        go_on(services, name, held(services, name))
        held(services, name, 2)
        arn = services.deployment(name)["serviceDeploymentArn"]
        stop(services, arn)
        over = services.over(name)
        assert over["status"] == "ROLLBACK_SUCCESSFUL"
        assert over["rollback"]["serviceRevisionArn"] == over["sourceServiceRevisions"][0]["arn"]
        assert (answers(balancer), answers(balancer, port=TEST_PORT)) == ({200: 40}, {200: 40})
        assert running(services, name) == [good, good]
        with refused("ConflictException"):
            stop(services, arn)


def test_a_deployment_nobody_knows_cannot_be_stopped(services: Services) -> None:
    with refused("ServiceDeploymentNotFoundException"):
        stop(services, f"arn:aws:ecs:eu-west-1:111111111111:service-deployment/{CLUSTER}/none/abc")


def breaker(*, rollback: bool) -> JsonObject:
    """A circuit breaker that trips at the fourth task."""
    threshold: JsonObject = {"type": "COUNT", "value": 4}
    return {
        "deploymentCircuitBreaker": {
            "enable": True,
            "rollback": rollback,
            "thresholdConfiguration": threshold,
        }
    }


@pytest.mark.parametrize(("rollback", "end"), [(True, "ROLLBACK_SUCCESSFUL"), (False, "STOPPED")])
def test_the_circuit_breaker_ends_what_cannot_start(
    services: Services, good: str, dying: str, end: str, *, rollback: bool
) -> None:
    with services.service(good, None) as name:
        update(services, name, dying, deploymentConfiguration=breaker(rollback=rollback))
        over = services.over(name)
        tripped = {"status": "TRIGGERED", "failureCount": 4, "threshold": 4}
        assert (over["status"], over["deploymentCircuitBreaker"]) == (end, tripped)
        assert "circuit breaker threshold was exceeded" in over["statusReason"]
        assert running(services, name) == [good, good]


def test_the_first_deployment_has_nothing_to_go_back_to(services: Services, dying: str) -> None:
    with services.service(dying, None, deploymentConfiguration=breaker(rollback=True)) as name:
        over = services.deployment(name)
        assert over["status"] == "STOPPED"
        assert "rollback" not in over
        assert running(services, name) == []


def test_without_a_circuit_breaker_it_tries_until_it_is_stopped(
    services: Services, good: str, dying: str
) -> None:
    with services.service(good, None) as name:
        update(services, name, dying)
        trying = services.seen(name, lambda d: d["deploymentCircuitBreaker"]["failureCount"] > 4)
        assert (trying["status"], trying["deploymentCircuitBreaker"]["status"]) == ("IN_PROGRESS", "DISABLED")
        stop(services, trying["serviceDeploymentArn"])
        assert services.over(name)["status"] == "ROLLBACK_SUCCESSFUL"
        assert running(services, name) == [good, good]


def alarm(services: Services, state: str) -> str:
    """An alarm that stays in a state it is set to; its name."""
    name = unique("alarm")
    services.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Tests",
        MetricName="Nothing",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    ring(services, name, state)
    return name


def ring(services: Services, name: str, state: str = "ALARM") -> None:
    """SetAlarmState."""
    services.cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")  # type: ignore[arg-type]  # a test's own


def watched(name: str, *, rollback: bool = True) -> JsonObject:
    """An alarm that ends a deployment."""
    return {"alarms": {"alarmNames": [name], "enable": True, "rollback": rollback}}


@pytest.mark.parametrize(("rollback", "end"), [(True, "ROLLBACK_SUCCESSFUL"), (False, "STOPPED")])
def test_an_alarm_ends_a_deployment(
    services: Services, balancer: Balancer, good: str, failing: str, end: str, *, rollback: bool
) -> None:
    bell = alarm(services, "OK")
    config = {**blue_green("POST_TEST_TRAFFIC_SHIFT"), **watched(bell, rollback=rollback)}
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=config)
        held(services, name)
        assert services.deployment(name)["alarms"]["status"] == "MONITORING"
        ring(services, bell)
        over = services.over(name)
        assert over["status"] == end
        assert (over["alarms"]["status"], over["alarms"]["triggeredAlarmNames"]) == ("TRIGGERED", [bell])
        assert answers(balancer) == {200: 40}


def test_an_alarm_that_rings_at_the_start_is_not_listened_to(
    services: Services, good: str, failing: str
) -> None:
    """As ECS does it, which is why modelway looks first: deployment-alarm-failure.html of its guide."""
    bell = alarm(services, "ALARM")
    with services.service(good, None) as name:
        update(services, name, failing, deploymentConfiguration=watched(bell))
        over = services.over(name)
        assert (over["status"], over["alarms"]["status"]) == ("SUCCESSFUL", "DISABLED")


def test_a_newer_deployment_takes_over(
    services: Services, balancer: Balancer, good: str, failing: str
) -> None:
    with services.service(good, balancer, deploymentConfiguration=blue_green()) as name:
        update(services, name, failing, deploymentConfiguration=blue_green("POST_PRODUCTION_TRAFFIC_SHIFT"))
        held(services, name)
        first = services.deployment(name)["serviceDeploymentArn"]
        revision = update(services, name, good, deploymentConfiguration=blue_green("PRE_SCALE_UP"))
        hook = held(services, name)
        assert answers(balancer) == {200: 40}  # what served before both of them
        go_on(services, name, hook)
        over = services.over(name)
        assert (over["status"], over["targetServiceRevision"]["arn"]) == ("SUCCESSFUL", revision)
        [before] = services.ecs.describe_service_deployments(serviceDeploymentArns=[first])[
            "serviceDeployments"
        ]
        assert before["status"] == "STOPPED"
        assert "newer service deployment" in before["statusReason"]
        assert answers(balancer) == {200: 40}


def test_a_deleted_service_ends_its_deployment(services: Services, good: str, dying: str) -> None:
    with services.service(good, None) as name:
        update(services, name, dying)
        services.seen(name, lambda d: d["deploymentCircuitBreaker"]["failureCount"] > 0)
    assert running(services, name) == []
