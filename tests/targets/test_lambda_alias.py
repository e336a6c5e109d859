"""Moving an alias with provisioned concurrency: Lambda keeps the traffic where environments are ready."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.config import Capacity
from modelway.core.pending_release import under_way
from modelway.core.plan import Blame, Standing, standing
from modelway.core.version import VersionId
from modelway.errors import Malformed, Unavailable, Unhealthy
from modelway.targets.aws_lambda.alias import Alias
from modelway.targets.aws_lambda.concurrency import Concurrency
from modelway.targets.aws_lambda.inventory import Inventory
from modelway.targets.aws_lambda.observation import Observer
from modelway.targets.aws_lambda.records import Records
from modelway.targets.aws_lambda.target import Lambda
from tests.configs import production
from tests.fakes import FakeClock

OLD, NEW = VersionId("0123456789ab"), VersionId("ba9876543210")
NUMBERS = {OLD: "1", NEW: "2"}
INIT = "FUNCTION_ERROR_INIT_FAILURE"


@dataclass
class Pages:
    """A paginator of one page."""

    page: dict[str, Any]

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return [self.page]


@dataclass
class Function:
    """Lambda with two versions behind one alias, whose environments are ready behind the first.

    As hashicorp/terraform-provider-aws#48116 saw it, and the rehearsal does it, without any container.
    """

    ends: list[tuple[str, str]] = field(default_factory=lambda: [("IN_PROGRESS", ""), ("READY", "")])
    """Status and reason each time it is asked after the alias was moved; the last is kept."""
    ready: str | None = "1"
    alias: dict[str, Any] = field(default_factory=lambda: {"FunctionVersion": "1", "RevisionId": "r0"})
    revisions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    refusal: str = ""
    meta = SimpleNamespace(region_name="eu-west-1")
    lost: bool = False
    """The next answer to UpdateAlias is lost, and the request sent again."""

    def get_alias(self, **_: object) -> dict[str, Any]:
        return dict(self.alias)

    def update_alias(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda takes it
        if asked["RevisionId"] != self.alias["RevisionId"]:
            raise refused("PreconditionFailedException", "UpdateAlias")
        if self.refusal:
            raise refused("InvalidParameterValueException", "UpdateAlias", self.refusal)
        moved = asked["FunctionVersion"] != self.alias["FunctionVersion"]
        weights = asked["RoutingConfig"]["AdditionalVersionWeights"]
        if moved and not weights and self.ready not in {None, asked["FunctionVersion"]}:
            weights = {self.ready: 1.0}
        self._set(FunctionVersion=asked["FunctionVersion"], Description=asked["Description"], weights=weights)
        if self.lost:
            self.lost = False
            raise refused("PreconditionFailedException", "UpdateAlias")
        return dict(self.alias)

    def _set(self, *, weights: dict[str, float], **changes: str) -> None:
        routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
        kept = {key: value for key, value in self.alias.items() if key != "RoutingConfig"}
        self.alias = {**kept, **changes, **routing, "RevisionId": f"r{next(self.revisions)}"}

    def get_provisioned_concurrency_config(self, **_: object) -> dict[str, Any]:
        if self.ready is None:
            raise refused("ProvisionedConcurrencyConfigNotFoundException", "GetProvisionedConcurrencyConfig")
        if not self.alias.get("RoutingConfig"):
            return {"RequestedProvisionedConcurrentExecutions": 1, "Status": "READY"}
        status, reason = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if status == "READY":
            self.ready = self.alias["FunctionVersion"]
            self._set(weights={})
        return {"RequestedProvisionedConcurrentExecutions": 1, "Status": status, "StatusReason": reason}

    def put_provisioned_concurrency_config(self, **_: object) -> dict[str, Any]:
        assert not self.alias.get("RoutingConfig"), "Alias with weights can not be used"
        return {}

    def get_paginator(self, _: str) -> Pages:
        bare = {"CodeSha256": "a" * 64, "Role": "run"}
        listed = [{"Version": n, "Description": f"modelway {id_}", **bare} for id_, n in NUMBERS.items()]

        return Pages({"Versions": listed})

    def get_function(self, **_: object) -> dict[str, Any]:
        return {"Configuration": {"FunctionName": "iris"}, "Tags": {"modelway:model": "iris"}}


def refused(code: str, operation: str, text: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)


class Nothing:
    """Application Auto Scaling, and Parameter Store with the marks of an attempt of the new version."""

    def describe_scalable_targets(self, **_: object) -> dict[str, Any]:
        return {"ScalableTargets": []}

    def get_paginator(self, _: str) -> Pages:
        name = f"/modelway/iris/{NEW}/attempt"
        return Pages({"Parameters": [{"Name": name, "Value": "1 2026-01-01T00:00:00Z r0"}]})


def target(function: Function) -> Lambda:
    """The target, without what moving traffic does not ask."""
    client: Any = function
    unused: Any = None
    others: Any = Nothing()
    clock, records = FakeClock(), Records(client=others, function="iris")
    inventory = Inventory(client=client, function="iris", records=records)
    observer = Observer(
        environment=production(target="lambda"),
        inventory=inventory,
        records=records,
        alarms=unused,
        concurrency=Concurrency(client=client, scaling=others, function="iris", clock=clock),
        url=unused,
        artifacts=unused,
        clock=clock,
    )
    return Lambda(
        environment=observer.environment,
        observer=observer,
        versions=unused,
        alias=Alias(client=client, inventory=inventory, clock=clock),
        runtime=unused,
        measurement=unused,
        artifacts=unused,
    )


def shares(function: Function) -> dict[str, int]:
    """Who has the traffic."""
    seen = target(function).observer.inventory.pointer()
    assert seen
    return dict(seen.shares)


def test_going_forward_waits_until_lambda_has_moved_the_traffic() -> None:
    function = Function()
    target(function).shift(NEW, 100, urgent=False)
    assert shares(function) == {"2": 100}


def test_going_back_waits_for_nothing_that_is_provisioned() -> None:
    function = Function(ends=[("IN_PROGRESS", "")])
    target(function).shift(NEW, 100, urgent=True)
    assert shares(function) == {"2": 100}


@pytest.mark.parametrize(
    ("refusal", "cure"),
    [
        ("Invalid alias configuration for Provisioned Concurrency", "without capacity"),
        ("The execution roles of the function versions must be the same", "settings in the config"),
    ],
)
def test_an_alias_lambda_does_not_move_is_told_with_a_cure(refusal: str, cure: str) -> None:
    with pytest.raises(Malformed) as caught:
        target(Function(refusal=refusal)).shift(NEW, 10, urgent=False)
    assert refusal in caught.value.seen
    assert cure in caught.value.cure


def test_a_move_whose_answer_was_lost_is_no_one_else_s_though_the_traffic_is_held() -> None:
    function = Function(lost=True)
    target(function).shift(NEW, 100, urgent=False)
    assert shares(function) == {"2": 100}


def test_a_version_that_does_not_start_where_it_is_provisioned_is_sick_and_never_gets_the_traffic() -> None:
    function = Function(ends=[("FAILED", INIT)])
    with pytest.raises(Unhealthy, match="provisioned concurrency") as caught:
        target(function).shift(NEW, 100, urgent=False)
    assert INIT in caught.value.seen
    assert function.alias["FunctionVersion"] == "1"
    assert shares(function) == {"1": 100}


def test_without_room_the_version_before_serves_and_the_next_run_tries_again() -> None:
    function = Function(ends=[("FAILED", "no concurrency is left in the account")])
    here = target(function)
    with pytest.raises(Unavailable, match="provisioned concurrency") as caught:
        here.shift(NEW, 100, urgent=False)
    assert "The version before serves" in caught.value.seen
    assert shares(function) == {"1": 100}
    setback = here.observer.concurrency.setback()
    assert setback
    assert setback.blame is Blame.PLATFORM
    function.ends = [("IN_PROGRESS", ""), ("READY", "")]
    here.shift(NEW, 100, urgent=False)
    assert shares(function) == {"2": 100}


def moved(function: Function) -> Lambda:
    """A release that was killed while Lambda held the traffic."""
    here = target(function)
    here.alias.move(NEW, 100)
    assert shares(function) == {"1": 100}
    return here


@pytest.mark.parametrize(
    ("ends", "seen"),
    [
        (("IN_PROGRESS", ""), (False, Standing.OPEN)),
        (("FAILED", "no concurrency is left in the account"), (True, Standing.OPEN)),
        (("FAILED", INIT), (True, Standing.FAILED)),
    ],
)
def test_a_release_that_died_while_traffic_is_held_is_judged_by_why(
    ends: tuple[str, str], seen: tuple[bool, Standing]
) -> None:
    state = moved(Function(ends=[ends])).observe(None)
    assert state.traffic == {OLD: 100}
    assert (state.settled, standing(NEW, state)) == seen
    assert under_way(state) == (None if Standing.FAILED in seen else NEW)


def test_what_is_held_is_waited_for() -> None:
    function, said = Function(ends=[("IN_PROGRESS", "")] * 3 + [("READY", "")]), list[str]()
    moved(function).settle(said.append)
    assert shares(function) == {"2": 100}
    assert "what is provisioned is ready" in said[0]


def test_what_is_held_without_end_is_told() -> None:
    function = Function(ends=[("IN_PROGRESS", "")])
    here = moved(function)
    began = here.observer.clock.now()
    for patience in (0, 1):
        here.settle(lambda _: None, patience=patience)
    assert here.observer.clock.elapsed(began) < 10
    with pytest.raises(Unavailable, match="half an hour"):
        here.settle(lambda _: None)


@pytest.mark.parametrize(
    "then",
    [
        lambda here: here.interrupt(),
        lambda here: here.configure(OLD, Capacity(instances=3)),
    ],
)
def test_what_is_held_is_let_go_when_it_is_not_wanted_any_more(then: Callable[[Lambda], None]) -> None:
    function = Function(ends=[("FAILED", INIT)])
    then(moved(function))
    assert function.alias["FunctionVersion"] == "1"
    assert "RoutingConfig" not in function.alias


def test_traffic_that_is_held_for_nothing_provisioned_any_more_is_no_wait() -> None:
    function = Function(ends=[("IN_PROGRESS", "")])
    here = moved(function)
    function.ready = None
    here.settle(lambda _: None)
    setback = here.observer.concurrency.setback()
    assert setback
    assert setback.blame is Blame.PLATFORM
