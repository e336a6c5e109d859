"""What Lambda does beside what every target promises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from modelway.core.config import AlarmMetric, Autoscaling, Capacity, CreatedAlarm, Rollout, RolloutStrategy
from modelway.core.image import Digest
from modelway.core.plan import Standing, standing
from modelway.core.record import Attempt, Failed, Passed
from modelway.core.version import Artifact, Version
from modelway.errors import Differs, Unavailable
from modelway.ports import HttpRequest
from modelway.targets.aws_lambda.target import Lambda
from tests.rehearsal.places import Nothing, Place

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]
ROW = HttpRequest(body=b"[1]")


def lambda_of(place: Place) -> Lambda:
    """The target, with what only this one has."""
    assert isinstance(place.target, Lambda)
    return place.target


def asked(place: Place, version: Version | None) -> tuple[int, str]:
    """Status, and the version that answered."""
    answer = place.target.invoke(ROW, version.id if version else None)
    return answer.status, str(json.loads(answer.body).get("version"))


def test_a_version_is_asked_before_it_has_traffic(function: Place) -> None:
    function.serve(function.good)
    function.target.stage(function.better, release="r2")
    assert asked(function, function.better) == (200, "2")
    assert asked(function, None) == (200, "1")
    assert function.target.observe(None).traffic == {function.good.id: 100}


def test_a_version_that_cannot_start_is_502_in_lambdas_words_and_logs_why(function: Place) -> None:
    dying = function.dying
    assert dying
    function.target.stage(dying, release="r1")
    answer = function.target.invoke(ROW, dying.id)
    assert (answer.status, b"Runtime.ExitError" in answer.body) == (502, True)
    assert any("no weights, no life" in line for line in function.target.logs(dying.id))


def test_traffic_moves_in_shares_and_the_time_of_the_last_step_is_kept(function: Place) -> None:
    function.serve(function.good)
    target = function.target
    target.stage(function.better, release="r2")
    target.shift(function.better.id, 25, urgent=False)
    state = target.observe(function.better)
    assert state.traffic == {function.good.id: 75, function.better.id: 25}
    assert 0 < state.soaked < 3600
    target.shift(function.better.id, 100, urgent=False)
    assert target.observe(None).traffic == {function.better.id: 100}


def test_a_share_somebody_else_set_was_never_watched(function: Place) -> None:
    function.serve(function.good)
    function.target.stage(function.better, release="r2")
    function.target.shift(function.better.id, 25, urgent=False)
    inventory = lambda_of(function).observer.inventory
    weights = {"AdditionalVersionWeights": {inventory.number(function.better.id): 0.5}}
    inventory.client.update_alias(
        FunctionName=inventory.function,
        Name="live",
        RoutingConfig=weights,  # type: ignore[arg-type]  # a literal's type is wider
    )
    state = function.target.observe(None)
    assert state.traffic == {function.good.id: 50, function.better.id: 50}
    assert state.soaked == 0


def test_a_third_version_takes_the_share_of_the_second(function: Place) -> None:
    third = replace(function.good, settings={**function.good.settings, "environment": {"VERSION": "3"}})
    function.serve(function.good)
    for version in (function.better, third):
        function.target.stage(version, release="r")
        function.target.shift(version.id, 10, urgent=False)
    assert function.target.observe(None).traffic == {function.good.id: 90, third.id: 10}


def test_what_runs_beside_has_no_traffic_until_it_is_interrupted(function: Place) -> None:
    function.serve(function.good)
    target = function.target
    target.stage(function.better, release="r2")
    target.shift(function.better.id, 0, urgent=False)
    state = target.observe(None)
    assert state.traffic == {function.good.id: 100, function.better.id: 0}
    assert asked(function, None) == (200, "1")
    target.interrupt()
    assert target.observe(None).traffic == {function.good.id: 100}


class Race:
    """An alias that somebody else moves after it was read."""

    def __init__(self, place: Place, other: Version) -> None:
        self.alias, self.other, self.raced = lambda_of(place).alias, other, False
        self.inventory = self.alias.inventory

    def __getattr__(self, name: str) -> object:
        return getattr(self.inventory, name)

    def pointer(self) -> object:
        seen = self.inventory.pointer()
        if not self.raced:
            self.raced = True
            self.alias.move(self.other.id, 100)
        return seen


def test_an_alias_somebody_else_moved_is_not_overwritten(function: Place) -> None:
    third = replace(function.good, settings={**function.good.settings, "environment": {"VERSION": "3"}})
    function.serve(function.good)
    for version in (function.better, third):
        function.target.stage(version, release="r")
    racing = replace(lambda_of(function).alias, inventory=Race(function, third))  # type: ignore[arg-type]
    with pytest.raises(Differs, match="somebody else moved the alias"):
        racing.move(function.better.id, 100)
    assert function.target.observe(None).traffic == {third.id: 100}


def test_an_update_whose_answer_was_lost_is_taken_for_what_it_is(function: Place) -> None:
    function.serve(function.good)
    function.target.stage(function.better, release="r2")
    racing = replace(lambda_of(function).alias, inventory=Race(function, function.better))  # type: ignore[arg-type]
    racing.move(function.better.id, 100)
    assert function.target.observe(None).traffic == {function.better.id: 100}


def test_a_version_of_another_image_under_our_id_is_refused(function: Place) -> None:
    function.target.stage(function.good, release="r1")
    other = replace(function.good.image, digest=Digest.parse("sha256:" + "b" * 64))

    class Renamed(Version):
        """The same id, another image."""

        __slots__ = ()
        id = function.good.id

    wanted = Renamed(image=other, settings=function.good.settings)
    with pytest.raises(Differs, match="runs another image"):
        function.target.observe(wanted)


def test_a_function_modelway_did_not_make_is_told_as_foreign(function: Place) -> None:
    function.serve(function.good)
    inventory = lambda_of(function).observer.inventory
    found = inventory.find()
    assert found
    inventory.client.untag_resource(
        Resource=found["Configuration"]["FunctionArn"], TagKeys=["modelway:model"]
    )
    assert "no tag modelway:model" in str(function.target.observe(None).foreign)


def test_a_version_somebody_published_by_hand_is_foreign_behind_the_alias(function: Place) -> None:
    function.serve(function.good)
    client, name = (
        lambda_of(function).observer.inventory.client,
        lambda_of(function).observer.inventory.function,
    )
    client.update_function_configuration(FunctionName=name, Description="by hand")
    lambda_of(function).versions._ready("$LATEST")  # noqa: SLF001 - waiting is all that is needed of it
    number = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=number)
    state = function.target.observe(None)
    assert state.traffic == {}
    assert f"version {number} of the function" in str(state.foreign)


def test_an_attempt_that_is_not_behind_the_alias_any_more_failed(function: Place) -> None:
    function.serve(function.good)
    function.serve(function.better)
    lambda_of(function).alias.move(function.good.id, 100)
    assert standing(function.better.id, function.target.observe(None)) is Standing.FAILED


def test_marks_nobody_can_read_are_told_and_no_surprise(function: Place) -> None:
    function.target.stage(function.good, release="r1")
    records = lambda_of(function).observer.records
    records.client.put_parameter(
        Name=f"/modelway/{records.function}/{function.good.id}/attempt", Value="x", Type="String"
    )
    with pytest.raises(Differs, match="not as modelway wrote them") as caught:
        function.target.observe(None)
    assert "modelway:attempt='x'" in caught.value.seen


def test_what_is_provisioned_stays_from_version_to_version_and_ends_when_it_is_not_wanted(
    function: Place,
) -> None:
    function.serve(function.good)
    function.target.configure(function.good.id, Capacity(instances=2))
    function.serve(function.better)
    assert function.target.observe(None).capacity == Capacity(instances=2)
    function.target.configure(function.better.id, Capacity(instances=0))
    assert function.target.observe(None).capacity == Capacity(instances=0)


def test_autoscaling_is_set_for_the_alias_and_kept(function: Place) -> None:
    bounds = Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)
    wanted = Capacity(instances=1, autoscaling=bounds)
    target = lambda_of(function)
    observer = replace(target.observer, environment=replace(target.environment, capacity=wanted))
    function.serve(function.good)
    target.configure(function.good.id, wanted)
    function.serve(function.better)
    assert observer.observe(None).capacity == wanted
    target.configure(function.good.id, Capacity(instances=1))
    assert observer.observe(None).capacity == Capacity(instances=1)


def test_an_account_without_concurrency_left_is_unavailable_not_sick(function: Place) -> None:
    function.serve(function.good)
    rules = function.cloud
    rules.control("lambda", {"unreserved": 0})
    try:
        with pytest.raises(Unavailable, match=r"concurren|throttling"):
            function.target.configure(function.good.id, Capacity(instances=3))
        with pytest.raises(Unavailable):
            function.target.invoke(ROW, function.good.id)
    finally:
        rules.control("lambda", {"unreserved": None})


@pytest.mark.parametrize("auth", ["iam", "public"])
def test_a_function_url_comes_with_the_alias_and_goes_when_it_is_not_wanted(
    function: Place, auth: str
) -> None:
    target = lambda_of(function)
    wanted = replace(function.good, settings={**function.good.settings, "function_url": auth})
    environment = replace(target.environment, settings=wanted.settings)
    with_url = replace(target, environment=environment)
    place = replace(function, target=with_url)
    place.serve(wanted)
    assert [need.id for need in with_url.observe(wanted).needs] == []
    without = with_url.observe(function.better)
    assert [need.id for need in without.needs] == ["url"]
    with_url.prepare("url", function.better)
    assert with_url.observe(function.better).needs == ()
    with_url.shift(wanted.id, 100, urgent=True)
    assert with_url.observe(wanted).needs == ()


def test_an_alarm_watches_the_version_s_own_share(function: Place) -> None:
    alarm = CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5, period=timedelta(seconds=60))
    target = lambda_of(function)
    observer = replace(target.observer, alarms=replace(target.observer.alarms, wanted=(alarm,)))
    watched = replace(target, observer=observer)
    [need] = watched.observe(function.good).needs
    watched.prepare(need.id, function.good)
    state = watched.observe(function.good)
    assert (state.needs, set(state.records)) == ((), {function.good.id})
    watched.stage(function.good, release="r1")
    assert watched.observe(None).records == state.records


def test_two_versions_are_measured_over_the_same_minutes(function: Place) -> None:
    failing = replace(
        function.better, settings={**function.better.settings, "environment": {"BEHAVIOUR": "failing"}}
    )
    function.serve(function.good)
    function.target.stage(failing, release="r2")
    function.target.shift(failing.id, 50, urgent=False)
    for _ in range(6):
        function.target.invoke(ROW, None)
    candidate, baseline = function.target.measure(failing.id, function.good.id, 600)
    assert (candidate.requests, candidate.errors) == (3, 3)
    assert (baseline.requests, baseline.errors) == (3, 0)
    assert baseline.latency_p95 is not None
    assert 0 < baseline.latency_p95 < 5


def test_another_role_cannot_share_the_alias_and_the_plan_says_what_can(function: Place) -> None:
    target = lambda_of(function)
    rollout = Rollout(strategy=RolloutStrategy.CANARY, canary_percent=10)
    observer = replace(target.observer, environment=replace(target.environment, rollout=rollout))
    function.serve(function.good)
    other = replace(function.good, settings={**function.good.settings, "execution_role": "another"})
    [obstacle] = observer.observe(other).obstacles
    assert "two execution roles" in obstacle.what
    assert "blue_green" in obstacle.cure
    assert observer.observe(function.better).obstacles == ()


class Overwritten(Nothing):
    """An artifact store whose copies somebody else has written over."""

    def find(self, artifact: Artifact, /) -> str | None:
        return None

    def target_uri(self, artifact: Artifact, /) -> str:
        return "s3://somewhere/model.tar.gz"


def test_weights_written_over_since_staging_are_noticed_before_they_serve(function: Place) -> None:
    weights = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "a" * 64))
    version = replace(function.good, artifact=weights)
    target = lambda_of(function)
    replace(target.versions, artifacts=Overwritten()).make(version, "r1")
    state = replace(target.observer, artifacts=Overwritten()).observe(version)
    assert state.records[version.id].artifact == str(weights.sha256)
    assert [need.id for need in state.needs] == ["artifact"]


def test_a_release_that_was_killed_before_it_published_is_staged_again(function: Place) -> None:
    function.serve(function.good)
    target = lambda_of(function)
    client, name = target.observer.inventory.client, target.observer.inventory.function
    client.update_function_configuration(FunctionName=name, Description="modelway half way")
    function.target.stage(function.better, release="r2")
    function.target.record(function.better.id, Attempt(number=1, at="2026-01-01T00:00:00.000000Z"))
    assert asked(function, function.better) == (200, "2")


def test_a_version_of_other_weights_under_our_id_is_refused(function: Place) -> None:
    function.serve(function.good)
    weights = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "a" * 64))

    class Renamed(Version):
        """The same id, other weights."""

        __slots__ = ()
        id = function.good.id

    wanted = Renamed(image=function.good.image, settings=function.good.settings, artifact=weights)
    target = lambda_of(function)
    with pytest.raises(Differs, match="runs other weights"):
        replace(target.observer, artifacts=Overwritten()).observe(wanted)


def test_marks_of_a_version_that_was_deleted_are_left_over_and_deleted(function: Place) -> None:
    function.serve(function.good)
    function.serve(function.better)
    target = lambda_of(function)
    passed = Passed(attempt=1, at="2026-01-01T00:00:00.000000Z", contract="c")
    target.record(function.good.id, passed)
    assert target.observe(None).leftovers == ()
    target.versions.delete(function.good.id)
    assert target.observe(None).leftovers == (function.good.id,)
    target.retire(function.good.id)
    assert target.observe(None).leftovers == ()


def test_that_a_deleted_version_failed_stays_known(function: Place) -> None:
    function.serve(function.good)
    function.serve(function.better)
    target = lambda_of(function)
    target.record(function.good.id, Passed(attempt=1, at="2026-01-01T00:00:00.000000Z", contract="c"))
    target.record(function.good.id, Failed(attempt=2, reason="sick"))
    target.versions.delete(function.good.id)
    assert target.observe(None).leftovers == ()


def test_a_function_with_somebody_elses_alias_or_version_is_not_retired(function):
    target = function.target
    function.serve(function.good)
    client, name = target.observer.inventory.client, target.observer.inventory.function
    assert "its versions (1)" in target.estate.things()[0].words
    client.create_alias(FunctionName=name, Name="theirs", FunctionVersion="1")
    with pytest.raises(Differs, match="holds what modelway did not make") as caught:
        target.estate.things()
    assert caught.value.seen == "alias theirs"
