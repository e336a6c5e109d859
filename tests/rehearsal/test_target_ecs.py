"""ECS by its target: asked before traffic, taken back at once, compared, and never a false green."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelway.core.config import (
    AlarmMetric,
    Analysis,
    Autoscaling,
    Capacity,
    CreatedAlarm,
    ExistingAlarm,
    Rollout,
    RolloutStrategy,
)
from modelway.core.image import Digest
from modelway.core.plan import Blame, Standing, standing
from modelway.core.version import Artifact
from modelway.errors import Differs, NotAllowed, Unavailable
from modelway.ports import HttpRequest
from tests.rehearsal.clients import STAGING
from tests.rehearsal.ecs_place import EcsPlace, NoWeights, ecs_place
from tests.rehearsal.services import CLUSTER, Services

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]
CANARY = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=25, bake_time=timedelta(minutes=1))
ASK = HttpRequest(body=b"[1]")


def until(so: Callable[[], bool]) -> None:
    """Wait for it, not for ever."""
    end = time.monotonic() + 60
    while not so():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _environment(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in services.cloud.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def place(services: Services) -> Iterator[EcsPlace]:
    with ecs_place(services) as made:
        yield made


@pytest.fixture
def showing(services: Services) -> Iterator[EcsPlace]:
    with ecs_place(services, showing=True) as made:
        yield made


def asked(place: EcsPlace, version: object = None) -> str:
    answer = place.target.invoke(ASK, version)  # type: ignore[arg-type]
    return str(json.loads(answer.body)["version"])


def test_a_service_answers_with_the_version_that_serves(place: EcsPlace) -> None:
    place.serve(place.version("1"))
    assert asked(place) == "1"


class Bucket(NoWeights):
    """An artifact store whose copy is there."""

    def find(self, artifact: Artifact, /) -> str:
        return self.target_uri(artifact)

    def target_uri(self, artifact: Artifact, /) -> str:
        return f"s3://ecs-weights/{artifact.sha256.hex}/model.tar.gz"


def keep(services: Services, weights: bytes, sha256: str = "") -> Artifact:
    """Put an archive of weights into the bucket, under its name or another one."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("weights.txt")
        info.size = len(weights)
        archive.addfile(info, io.BytesIO(weights))
    sha256 = sha256 or hashlib.sha256(file.getvalue()).hexdigest()
    s3 = services.clients.s3(STAGING)
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket="ecs-weights", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="ecs-weights", Key=f"{sha256}/model.tar.gz", Body=file.getvalue())
    return Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse(f"sha256:{sha256}"))


def test_weights_are_fetched_and_checked_before_the_model_starts(services: Services) -> None:
    with ecs_place(services, artifacts=Bucket()) as place:
        good = place.version("1", keep(services, b"of version 1"))
        swapped = place.version("1", keep(services, b"swapped", "0" * 64))
        place.serve(good)
        assert json.loads(place.target.invoke(ASK, None).body)["model"] == "of version 1"
        place.serve(swapped)
        state = place.target.observe(swapped)
        assert state.traffic == {good.id: 100}
        assert state.setback is not None
        assert "not the ones the version names" in state.setback.reason
        assert any("is not the artifact of this version" in line for line in place.target.logs(swapped.id))


def test_weights_of_another_version_under_our_tags_are_noticed(services: Services) -> None:
    with ecs_place(services, artifacts=Bucket()) as place:
        version = place.version("1", keep(services, b"of version 1"))
        place.serve(version)
        arn = place.target.observer.pointer.inventory.arn(version.id)
        other = [{"key": "modelway:artifact", "value": "sha256:" + "1" * 64}]
        services.ecs.tag_resource(resourceArn=arn, tags=other)  # type: ignore[arg-type]
        with pytest.raises(Differs, match="other weights"):
            place.target.observe(None)


def test_a_canary_walks_alone_and_settles_on_our_digest(place: EcsPlace) -> None:
    place = place.rolled_out(CANARY)
    first, second = place.version("1"), place.version("2")
    place.serve(first)
    place.serve(second)
    state = place.target.observe(second)
    assert (state.settled, state.traffic) == (True, {second.id: 100})
    assert state.soaked >= 60
    assert asked(place) == "2"


def test_a_version_is_asked_through_the_test_listener_before_it_has_traffic(showing: EcsPlace) -> None:
    place = showing.rolled_out(CANARY)
    first, second = place.version("1"), place.version("2")
    assert place.target.beside
    assert not place.target.walks
    place.serve(first)
    place.begin(second, 0)
    place.target.settle(lambda _: None)
    state = place.target.observe(second)
    assert (state.settled, state.traffic) == (True, {first.id: 100, second.id: 0})
    assert (asked(place, second.id), asked(place, first.id), asked(place)) == ("2", "1", "1")
    place.target.shift(second.id, 25, urgent=False)
    place.target.settle(lambda _: None)
    state = place.target.observe(second)
    assert state.traffic == {first.id: 75, second.id: 25}
    assert state.capacity == place.environment.capacity, "otherwise it would have to be set, unplanned"
    assert sorted(asked(place) for _ in range(8)) == ["1"] * 6 + ["2"] * 2
    place.target.shift(second.id, 100, urgent=False)
    place.target.settle(lambda _: None)
    assert place.target.observe(second).traffic == {second.id: 100}


def test_what_runs_beside_is_taken_back_at_once(showing: EcsPlace) -> None:
    place = showing.rolled_out(CANARY)
    first, second = place.version("1"), place.version("2")
    place.serve(first)
    place.begin(second, 0)
    place.target.settle(lambda _: None)
    place.target.interrupt()
    place.target.interrupt()
    place.target.settle(lambda _: None)
    state = place.target.observe(second)
    assert state.traffic == {first.id: 100}
    assert standing(second.id, state) is Standing.FAILED


def test_the_way_back_stops_the_release_under_way(place: EcsPlace) -> None:
    place = place.rolled_out(replace(CANARY, pause=True))
    first, second = place.version("1"), place.version("2")
    place.serve(first)
    place.begin(second, 25)
    place.target.settle(lambda _: None)
    assert place.target.observe(second).traffic == {first.id: 75, second.id: 25}
    place.target.shift(first.id, 100, urgent=True)
    place.target.settle(lambda _: None)
    assert place.target.observe(None).traffic == {first.id: 100}
    deployments = place.services.ecs.list_service_deployments(cluster=CLUSTER, service=place.name)
    assert len(deployments["serviceDeployments"]) == 2, "stopped, not replaced by another"


def test_the_way_back_after_a_release_deploys_the_old_version_again(place: EcsPlace) -> None:
    first, second = place.version("1"), place.version("2")
    place.serve(first)
    place.serve(second)
    place.target.shift(first.id, 100, urgent=True)
    place.target.settle(lambda _: None)
    assert place.target.observe(None).traffic == {first.id: 100}
    assert asked(place) == "1"


def test_the_first_version_cannot_be_taken_back(place: EcsPlace) -> None:
    place.begin(place.version("1", BEHAVIOUR="unhealthy"))
    with pytest.raises(NotAllowed, match="first version"):
        place.target.interrupt()


def test_a_dying_version_is_taken_back_by_ecs_and_says_why(place: EcsPlace) -> None:
    first, dying = place.version("1"), place.version("2", BEHAVIOUR="dying")
    place.serve(first)
    place.serve(dying)
    state = place.target.observe(dying)
    assert state.traffic == {first.id: 100}
    assert standing(dying.id, state) is Standing.FAILED
    assert state.setback is not None
    assert state.setback.blame is Blame.VERSION
    assert "ssential container in task exited" in state.setback.reason
    assert any("no weights, no life" in line for line in place.target.logs(dying.id))


def test_an_alarm_over_the_version_s_own_target_group_takes_it_back(place: EcsPlace) -> None:
    alarm = CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5)
    place = place.rolled_out(replace(CANARY, bake_time=timedelta(minutes=20), alarms=(alarm,)))
    first, failing = place.version("1"), place.version("2", BEHAVIOUR="failing")
    place.serve(first)
    place.begin(failing)
    while not place.target.observe(failing).settled:
        place.target.invoke(ASK, None)
    state = place.target.observe(failing)
    assert state.traffic == {first.id: 100}
    assert state.setback is not None
    assert (state.setback.blame, "error-rate" in state.setback.reason) == (Blame.VERSION, True)


def test_two_versions_are_compared_over_the_same_minutes(place: EcsPlace) -> None:
    place = place.rolled_out(replace(CANARY, analysis=Analysis(error_rate_increase=1)))
    first, failing = place.version("1"), place.version("2", BEHAVIOUR="failing")
    place.serve(first)
    place.begin(failing, 25)
    place.target.settle(lambda _: None)
    for _ in range(16):
        place.target.invoke(ASK, None)
    candidate, baseline = place.target.measure(failing.id, first.id, 600)
    assert (candidate.requests, candidate.errors) == (4, 4)
    assert (baseline.requests >= 12, baseline.errors) == (True, 0)
    assert baseline.latency_p95 is not None
    assert 0 < baseline.latency_p95 < 5
    place.target.interrupt()
    place.target.settle(lambda _: None)


def test_scaled_to_zero_serves_nothing_and_is_not_released_to(place: EcsPlace) -> None:
    first = place.version("1")
    place.serve(first)
    place.target.configure(first.id, Capacity(instances=0))
    until(lambda: not place.services.described(place.name)["runningCount"])
    state = place.target.observe(place.version("2"))
    assert state.traffic == {}
    assert state.obstacles[0].what.startswith(f"the service {place.name} is scaled to zero")
    assert state.setback
    assert f"--service {place.name} --desired-count 1" in state.setback.cure


def test_an_alarm_in_alarm_is_in_the_way(place: EcsPlace) -> None:
    place.services.cloudwatch.put_metric_alarm(
        AlarmName="ringing",
        Namespace="x",
        MetricName="y",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    ringing = ["ringing"]
    until(
        lambda: (
            place.services.cloudwatch.describe_alarms(AlarmNames=ringing)["MetricAlarms"][0]["StateValue"]
            == "ALARM"
        )
    )
    place = place.rolled_out(Rollout(alarms=(ExistingAlarm(name="ringing"), ExistingAlarm(name="none"))))
    missing, rings = place.target.observe(place.version("1")).obstacles
    assert missing.what == "the alarm none does not exist"
    assert (rings.by_config, "ECS would ignore" in rings.seen) == (False, True)
    place.services.cloudwatch.delete_alarms(AlarmNames=ringing)


def test_what_somebody_else_deployed_is_foreign(place: EcsPlace) -> None:
    place.serve(place.version("1"))
    place.services.ecs.update_service(
        cluster=CLUSTER, service=place.name, taskDefinition=place.services.definition(VERSION="theirs")
    )
    place.target.settle(lambda _: None)
    state = place.target.observe(None)
    assert state.traffic == {}
    assert state.foreign is not None


def test_tags_somebody_else_wrote_are_told(place: EcsPlace) -> None:
    version = place.version("1")
    place.target.stage(version, release="r1")
    arn = place.target.observer.pointer.inventory.arn(version.id)
    place.services.ecs.tag_resource(resourceArn=arn, tags=[{"key": "modelway:attempt", "value": "x"}])
    with pytest.raises(Differs, match="not as modelway wrote them"):
        place.target.observe(None)


def test_a_record_of_another_digest_is_not_believed(place: EcsPlace) -> None:
    version = place.version("1")
    place.serve(version)
    arn = place.target.observer.pointer.inventory.arn(version.id)
    other = [{"key": "modelway:digest", "value": "sha256:" + "0" * 64}]
    place.services.ecs.tag_resource(resourceArn=arn, tags=other)  # type: ignore[arg-type]
    with pytest.raises(Differs, match="another image"):
        place.target.observe(None)


def test_autoscaling_follows_both_target_groups_and_outlives_a_release(place: EcsPlace) -> None:
    bounds = Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)
    scaled = replace(
        place, environment=replace(place.environment, capacity=Capacity(instances=1, autoscaling=bounds))
    )
    first, second = scaled.version("1"), scaled.version("2")
    scaled.serve(first)
    assert scaled.target.observe(None).capacity != scaled.environment.capacity
    scaled.target.configure(first.id, scaled.environment.capacity)
    assert scaled.target.observe(None).capacity == scaled.environment.capacity
    scaled.serve(second)
    assert scaled.target.observe(None).capacity == scaled.environment.capacity
    scaled.target.configure(second.id, Capacity(instances=2))
    assert scaled.target.observe(None).capacity == Capacity(instances=2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cluster": "nowhere"}, "the cluster nowhere does not exist in eu-west-1"),
        ({"network": {"subnets": ["subnet-00000000"], "security_groups": []}}, "a subnet"),
    ],
)
def test_what_is_missing_is_named(services: Services, changes: dict[str, object], named: str) -> None:
    with ecs_place(services) as made:
        place = replace(
            made,
            environment=replace(made.environment, settings={**made.environment.settings, **changes}),  # type: ignore[dict-item]
        )
        with pytest.raises(Unavailable, match=named):
            place.begin(place.version("1"))


def test_a_service_goes_to_a_clusters_instances_by_a_capacity_provider_and_back(place: EcsPlace) -> None:
    """EC2 capacity with a GPU: what is asked of ECS, the rehearsal has no instances and no GPU."""
    first = place.version("1")
    place.serve(first)
    settings = {**place.environment.settings, "mode": "ec2", "gpus": 1}
    on_ec2 = replace(place, environment=replace(place.environment, settings=settings))
    [obstacle] = place.target.observe(on_ec2.version("2")).obstacles
    assert "has the launch type FARGATE" in obstacle.what
    assert place.target.observe(first).altered == ()
    settings["capacity_providers"] = [{"name": "instances"}]
    second = on_ec2.version("2")
    on_ec2.serve(second)
    seen = on_ec2.target.observe(second)
    assert (seen.traffic, seen.altered) == ({second.id: 100}, ())
    strategy = [{"capacityProvider": "instances", "weight": 1, "base": 0}]
    assert place.services.described(place.name)["capacityProviderStrategy"] == strategy
    place.target.shift(first.id, 100, urgent=True)
    place.target.settle(lambda _: None)
    assert place.target.observe(first).traffic == {first.id: 100}
    assert place.services.described(place.name)["launchType"] == "FARGATE"
    given = place.environment.settings["network"]
    network: Any = {"subnets": given["subnets"], "assignPublicIp": "ENABLED"}  # type: ignore[index, call-overload]
    network["securityGroups"] = given["security_groups"]  # type: ignore[index, call-overload]
    place.services.ecs.update_service(
        cluster=CLUSTER, service=place.name, networkConfiguration={"awsvpcConfiguration": network}
    )
    place.target.settle(lambda _: None)
    seen = place.target.observe(first)
    assert seen.traffic == {first.id: 100}
    assert [(one.field, one.world) for one in seen.altered] == [("settings.network.public_ip", "true")]


def test_a_role_nobody_can_assume_is_not_the_version_s_fault(place: EcsPlace) -> None:
    first = place.version("1")
    place.serve(first)
    settings = {**place.environment.settings, "execution_role": "nobody"}
    roleless = replace(place, environment=replace(place.environment, settings=settings))
    second = roleless.version("2")
    roleless.serve(second)
    state = roleless.target.observe(second)
    assert state.traffic == {first.id: 100}
    assert state.setback is not None
    assert (state.setback.blame, "execution role" in state.setback.cure) == (Blame.PLATFORM, True)


def test_no_capacity_is_not_the_version_s_fault(place: EcsPlace) -> None:
    first, second = place.version("1"), place.version("2")
    place.serve(first)
    place.services.cloud.control("services", {"capacity": {"FARGATE": 0}})
    try:
        place.rolled_out(Rollout(max_time=timedelta(minutes=10))).serve(second)
        state = place.target.observe(second)
    finally:
        place.services.cloud.control("services", {"capacity": {}})
    assert state.traffic == {first.id: 100}
    assert state.setback is not None
    assert state.setback.blame is Blame.PLATFORM
    assert standing(second.id, state) is Standing.OPEN


def test_after_a_bad_one_the_next_version_is_asked_itself(showing: EcsPlace) -> None:
    place = showing.rolled_out(CANARY)
    first, failing, third = place.version("1"), place.version("2", BEHAVIOUR="failing"), place.version("3")
    place.serve(first)
    place.begin(failing, 0)
    place.target.settle(lambda _: None)
    assert place.target.invoke(ASK, failing.id).status == 500
    place.target.interrupt()
    place.target.settle(lambda _: None)
    place.begin(third, 0)
    place.target.settle(lambda _: None)
    assert asked(place, third.id) == "3"
    place.target.interrupt()
    place.target.settle(lambda _: None)


def test_a_log_group_somebody_else_made_is_not_retired(ecs):
    ecs.serve(ecs.good)
    surroundings = ecs.target.observer.surroundings
    assert ecs.target.estate.things()[-1].kind == "logs"
    [group] = surroundings.logs.describe_log_groups(logGroupNamePrefix=surroundings.log_group)["logGroups"]
    arn = group["arn"].removesuffix(":*")
    surroundings.logs.untag_resource(resourceArn=arn, tagKeys=["modelway:managed"])
    kinds = [thing.kind for thing in ecs.target.estate.things()]
    assert kinds == ["service", "task-definition"]
