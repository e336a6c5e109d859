"""What a service deployment means: who serves, who has how much, and why it did not stay."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from modelway.core.plan import FULL, Blame
from modelway.core.version import VersionId
from modelway.errors import Differs
from modelway.targets.ecs.deployments import Deployment, Hook, Side, progress, read
from modelway.targets.ecs.pointer import Pointer, Sight
from modelway.targets.ecs.reasons import of_trouble, setback
from modelway.targets.ecs.releases import Releases
from modelway.targets.ecs.services import Services
from modelway.targets.sagemaker.reasons import setback as by_sagemaker
from tests.fakes import FakeClock

AT = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW = "arn:old", "arn:new"


def deployment(status: str = "SUCCESSFUL", **changes: object) -> Deployment:
    bare: dict[str, Any] = {
        "arn": "arn:deployment",
        "created": AT,
        "target": Side(revision=NEW, weight=100, running=2, requested=2),
        "sources": (Side(revision=OLD),),
    }
    bare.update(changes)
    return Deployment(status=status, **bare)


def service(*revisions: str, **changes: object) -> Any:  # noqa: ANN401 - as ECS tells it
    current = [{"arn": arn, "runningTaskCount": 2} for arn in revisions]
    return {"serviceName": "iris", "createdAt": AT, "currentServiceRevisions": current, **changes}


@pytest.mark.parametrize(
    ("status", "serving"),
    [
        ("SUCCESSFUL", NEW),
        ("ROLLBACK_SUCCESSFUL", OLD),
        ("ROLLBACK_FAILED", None),
        ("STOPPED", None),
    ],
)
def test_what_serves_is_what_the_last_deployment_left(status: str, serving: str | None) -> None:
    assert Sight(service(OLD, NEW), deployment(status)).revision == serving


def test_a_rollback_serves_the_revision_ecs_names() -> None:
    ended = deployment("ROLLBACK_SUCCESSFUL", restored="arn:older", sources=())
    assert Sight(service("arn:older"), ended).revision == "arn:older"


def test_a_revision_without_tasks_serves_nothing() -> None:
    """Scaled to zero, a deployment is SUCCESSFUL and the service stable."""
    empty = service(currentServiceRevisions=[{"arn": NEW, "runningTaskCount": 0}])
    assert Sight(empty, deployment()).revision is None


def test_a_deployment_that_ends_while_it_is_looked_at_has_not_been_taken_back() -> None:
    """The service was read before its tasks ran, the deployment after it succeeded."""
    before = service(currentServiceRevisions=[{"arn": NEW, "runningTaskCount": 0}])
    services = MagicMock(spec=Services)
    services.describe.side_effect = [before, service(NEW)]
    services.latest.return_value = deployment()
    sight = Pointer(services=services, inventory=MagicMock(), shows=False).look()
    assert sight.revision == NEW


def test_what_serves_is_read_once() -> None:
    services = MagicMock(spec=Services)
    services.describe.return_value = service(NEW)
    services.latest.return_value = deployment()
    assert Pointer(services=services, inventory=MagicMock(), shows=False).look().revision == NEW
    assert services.describe.call_count == 1


def test_a_service_whose_deployments_are_forgotten_serves_what_it_runs() -> None:
    assert Sight(service(OLD), None).revision == OLD
    assert Sight(service(OLD, NEW), None).revision is None


def test_a_deployment_taken_back_is_another_moment_than_its_beginning() -> None:
    """Otherwise a shift after a pause would look as if it had never been made."""
    ended = AT + timedelta(minutes=5)
    assert deployment("IN_PROGRESS").modified != deployment("ROLLBACK_SUCCESSFUL", finished=ended).modified


def test_only_a_stop_that_awaits_an_answer_waits() -> None:
    assert deployment("IN_PROGRESS", hooks=(Hook(id="h", status="SUCCEEDED"),)).waiting is None
    assert deployment("ROLLBACK_REQUESTED", hooks=(Hook(id="h", status="AWAITING_ACTION"),)).waiting is None
    assert deployment("IN_PROGRESS", hooks=(Hook(id="h", status="AWAITING_ACTION"),)).waiting


def test_what_ecs_leaves_out_is_not_there() -> None:
    raw: Any = {"serviceDeploymentArn": "arn:deployment", "status": "PENDING", "createdAt": AT}
    assert read(raw) == Deployment(arn="arn:deployment", status="PENDING", created=AT)


def test_progress_is_told_in_ecs_s_own_words() -> None:
    starting = deployment("IN_PROGRESS", stage="SCALE_UP", target=Side(revision=NEW, requested=2))
    told = progress("iris", starting)
    assert told == "service iris: IN_PROGRESS (SCALE_UP, 0 of 2 new tasks run)"


def test_an_alarm_watches_the_group_the_version_will_have() -> None:
    """Rolled tasks stay in the target group the service has, also where the settings name two."""
    services = MagicMock(spec=Services)
    services.target_group.return_value = "green"
    pointer = Pointer(services=services, inventory=MagicMock(), shows=False)
    sight = Sight(service(OLD), None)
    groups = ("blue", "green")
    assert pointer.group(VERSION, sight, groups, moves=True) == "blue"
    assert pointer.group(VERSION, sight, groups, moves=False) == "green"
    services.target_group.return_value = None  # nothing serves yet: both begin in the first
    assert pointer.group(VERSION, sight, groups, moves=True) == "blue"
    assert pointer.group(VERSION, sight, groups, moves=False) == "blue"


# --- the same version anew ---


def seeing(*, same: bool) -> Pointer:
    """A pointer that shows versions before they have traffic; the new revision runs the old one's, or not."""
    services, inventory = MagicMock(spec=Services), MagicMock()
    services.task_definition.side_effect = lambda revision: "one" if same or revision == OLD else "two"
    ids = {"one": VersionId("a1b2c3d4e5f6"), "two": VersionId("b1b2c3d4e5f6")}
    inventory.version_of.side_effect = lambda definition: ids[definition]
    return Pointer(services=services, inventory=inventory, shows=True)


@pytest.mark.parametrize("share", [0, 25])
def test_the_same_version_started_anew_has_all_the_traffic(share: int) -> None:
    """By hand, ``update-service --force-new-deployment`` say: it stops where a release of ours would."""
    stop = deployment("IN_PROGRESS", hooks=(WAITS,), target=Side(revision=NEW, weight=share))
    sight = Sight(service(OLD, NEW, desiredCount=2, runningCount=4), stop)
    anew, ours = seeing(same=True), seeing(same=False)
    assert anew.traffic(sight) == {VERSION: 100}
    assert anew.settled(sight), "so that a rollback does not wait for it"
    assert ours.traffic(sight) == {VERSION: 100 - share, VersionId("b1b2c3d4e5f6"): share}
    assert ours.settled(sight)


# --- letting it go on ---

WAITS = Hook(id="h", status="AWAITING_ACTION")
STOPS = deployment("IN_PROGRESS", hooks=(WAITS,), target=Side(revision=NEW, weight=10))
VERSION = VersionId("a1b2c3d4e5f6")


def waiting_at(stop: Deployment, client: MagicMock, now: Deployment | None = None) -> Releases:
    """A service whose deployment waits, and what is told of it later."""
    services = MagicMock(spec=Services)
    services.name, services.deployment.return_value = "iris-production", now
    pointer = MagicMock(services=services)
    pointer.look.return_value = Sight(service(OLD), stop)
    pointer.target.return_value = VERSION
    return Releases(
        environment=MagicMock(),
        client=client,
        pointer=pointer,
        settings=MagicMock(),
        labels={},
        clock=FakeClock(),
        walks=False,
    )


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (deployment("IN_PROGRESS", hooks=(Hook(id="h", status="SUCCEEDED"),)), False),
        (deployment("IN_PROGRESS", hooks=(Hook(id="h", status="SUCCEEDED"), replace(WAITS, id="i"))), False),
        (deployment("ROLLBACK_IN_PROGRESS", hooks=(Hook(id="h", status="TIMED_OUT"),)), False),
        (STOPS, True),
        (None, True),
    ],
)
def test_a_deployment_that_went_on_although_the_answer_was_lost_is_not_refused(
    now: Deployment | None, *, told: bool
) -> None:
    """Botocore asks again, and ECS finds nothing that waits; what it still refuses is told."""
    client = MagicMock()
    said: Any = {"Error": {"Code": "InvalidParameterException", "Message": "not awaiting an action"}}
    client.continue_service_deployment.side_effect = ClientError(said, "ContinueServiceDeployment")
    releases = waiting_at(STOPS, client, now)
    with pytest.raises(ClientError) if told else nullcontext():
        releases.shift(VERSION, FULL, (), urgent=False)
    assert client.continue_service_deployment.call_count == 1


def configured(**strategy: object) -> tuple[int, ...]:
    raw: Any = {"serviceDeploymentArn": "arn:deployment", "status": "PENDING", "createdAt": AT}
    return read(raw | {"deploymentConfiguration": strategy}).shares


def test_the_shares_of_a_deployment_are_those_it_began_with() -> None:
    assert configured(strategy="CANARY", canaryConfiguration={"canaryPercent": 25.0}) == (25, 100)
    assert configured(strategy="LINEAR", linearConfiguration={"stepPercent": 30.0}) == (30, 60, 90, 100)
    assert configured(strategy="LINEAR", linearConfiguration={"stepPercent": 25.0}) == (25, 50, 75, 100)
    assert configured(strategy="BLUE_GREEN", bakeTimeInMinutes=0) == (100,)
    assert configured(strategy="CANARY") == configured() == ()


@pytest.mark.parametrize(
    ("shares", "percent", "goes_on"),
    [
        ((10, 100), 100, True),
        ((10, 100), 25, False),
        ((10, 20, 100), 20, True),
        ((100,), 25, False),
        ((), 25, True),  # nobody knows, so nobody is stopped
    ],
)
def test_a_rollout_that_was_changed_on_the_way_overruns_no_share(
    shares: tuple[int, ...], percent: int, *, goes_on: bool
) -> None:
    """A canary of 10 % goes on to all of the traffic, also where the config says 25 % and a pause by now."""
    client = MagicMock()
    releases = waiting_at(replace(STOPS, shares=shares), client)
    with nullcontext() if goes_on else pytest.raises(Differs, match="asks for 25 % now"):
        releases.shift(VERSION, percent, (), urgent=False)
    assert client.continue_service_deployment.called is goes_on


# --- whose fault it was ---


def task(stopped: str = "", *containers: dict[str, Any]) -> Any:  # noqa: ANN401 - as ECS tells it
    return {"stoppedReason": stopped, "containers": list(containers)}


@pytest.mark.parametrize(
    ("said", "blame", "cure"),
    [
        ("Capacity is unavailable at this time. Please try again later", Blame.PLATFORM, "later"),
        ("You've reached the limit on the number of vCPUs you can run concurrently", Blame.PLATFORM, "quota"),
        (
            "CannotPullContainerError: pull access denied, repository does not exist or may require "
            "authorization: not authorized to perform: ecr:BatchGetImage",
            Blame.PLATFORM,
            "execution role",
        ),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
            "retrieval failed: unable to retrieve secret from asm",
            Blame.PLATFORM,
            "secret exists",
        ),
        ("CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout", Blame.PLATFORM, "NAT"),
        ("Task failed ELB health checks in (target-group arn:x)", Blame.VERSION, "GET /ping"),
        ("OutOfMemoryError: Container killed due to memory usage", Blame.VERSION, "memory_mb"),
        ("Essential container in task exited", Blame.VERSION, ""),
        ("something nobody has seen before", Blame.VERSION, ""),
    ],
)
def test_a_stopped_task_tells_whose_fault_it_was(said: str, blame: Blame, cure: str) -> None:
    found = setback(deployment("ROLLBACK_SUCCESSFUL"), [task(said)], ())
    assert found.blame is blame
    assert said in found.reason
    assert cure in found.cure


@pytest.mark.parametrize("name", ["tokenizer", "secret-finder", "quota-forecast", "genie"])
def test_what_a_model_is_called_says_nothing_about_whose_fault_it_was(name: str) -> None:
    group = f"arn:aws:elasticloadbalancing:eu-west-1:222222222222:targetgroup/{name}/0123456789abcdef"
    stopped = task(f"Task failed ELB health checks in (target-group {group})")
    assert setback(deployment("ROLLBACK_SUCCESSFUL"), [stopped], ()).blame is Blame.VERSION
    reason = "due to (reason Health checks failed)"
    event = f"(service {name}) (port 8080) is unhealthy in (target-group {group}) {reason}"
    assert setback(deployment("ROLLBACK_SUCCESSFUL"), [], (event,)).blame is Blame.VERSION
    image = f"333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/{name}@sha256:{'a' * 64}"
    stopped = task(f"CannotStartContainerError: cannot start {image}: exec format error")
    assert setback(deployment("ROLLBACK_SUCCESSFUL"), [stopped], ()).blame is Blame.VERSION
    assert by_sagemaker(f"{image} did not pass the ping health check").blame is Blame.VERSION
    news: Any = [{"createdAt": AT + timedelta(seconds=1), "message": f"(service {name}) has started 1 tasks"}]
    assert of_trouble(news, deployment()) == ()


@pytest.mark.parametrize(
    ("code", "blame", "said"),
    [
        (41, Blame.PLATFORM, "task role may not read"),
        (42, Blame.VERSION, "not the ones the version names"),
        (43, Blame.PLATFORM, "could not be fetched"),
        (44, Blame.VERSION, "cannot be unpacked"),
    ],
)
def test_how_the_weights_ended_is_told_by_an_exit_code(code: int, blame: Blame, said: str) -> None:
    stopped = task("Task failed to start", {"name": "model-artifact", "exitCode": code})
    found = setback(deployment("ROLLBACK_SUCCESSFUL"), [stopped], ())
    assert found.blame is blame
    assert said in found.reason


def test_an_alarm_is_the_version_s_fault_whatever_tasks_say() -> None:
    rung = deployment("ROLLBACK_SUCCESSFUL", alarms=("iris-5xx",), reason="alarm")
    found = setback(rung, [task("Capacity is unavailable")], ())
    assert found.blame is Blame.VERSION
    assert "iris-5xx" in found.reason


def test_that_nobody_answered_is_not_the_version_s_fault() -> None:
    late = deployment("ROLLBACK_SUCCESSFUL", hooks=(Hook(id="h", status="TIMED_OUT"),))
    assert setback(late, [], ()).blame is Blame.PLATFORM


def test_what_could_not_be_placed_is_told_by_the_service_s_events_since_then() -> None:
    events: Any = [
        {"createdAt": AT + timedelta(seconds=5), "message": "(service iris) was unable to place a task"},
        {"createdAt": AT + timedelta(seconds=1), "message": "(service iris) has started 1 tasks"},
        {"createdAt": AT - timedelta(days=1), "message": "(service iris) was unable to place a task: old"},
    ]
    told = of_trouble(events, deployment())
    assert told == ("(service iris) was unable to place a task",)
    assert setback(deployment("ROLLBACK_SUCCESSFUL"), [], told).blame is Blame.PLATFORM


def test_a_stop_by_somebody_counts_against_the_version() -> None:
    """So that it is not deployed again unasked."""
    found = setback(deployment("ROLLBACK_SUCCESSFUL", reason="stopped by a user"), [], ())
    assert (found.blame, found.reason) == (Blame.VERSION, "stopped by a user")
