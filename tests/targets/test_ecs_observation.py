"""What an ECS environment looks like where what is wanted and what is there are of different settings."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from modelway.core.config import Autoscaling, Capacity
from modelway.core.json import JsonObject
from modelway.core.record import Attempt, Record
from modelway.core.version import Version
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import definition
from modelway.targets.ecs.deployments import Deployment
from modelway.targets.ecs.observation import Observer
from modelway.targets.ecs.pointer import Sight
from modelway.targets.ecs.scaling import Scaling
from tests.fakes import FakeClock
from tests.targets.ecs_models import PLAIN, RULE, B, production, version
from tests.targets.test_ecs_scaling import Registered

OLD = version(PLAIN)
OTHER: JsonObject = {"target_groups": [B], "listener_rule": RULE}
ARN = "arn:aws:ecs:eu-west-1:222222222222:cluster"


def observer(cluster: str, attempt: Attempt | None) -> Observer:
    """A model without a service in this cluster; the version there is was made for the cluster models."""
    settings = {**PLAIN, "cluster": cluster}
    made = definition(OLD, "iris-production", production(), platform="linux/amd64", artifact_uri=None)
    record = Record(id=OLD.id, digest=str(OLD.image.digest), attempt=attempt)
    inventory = SimpleNamespace(
        records=lambda: {OLD.id: record}, arn=lambda _version: "arn", definition=lambda _arn: made
    )
    pointer: Any = SimpleNamespace(
        inventory=inventory,
        services=SimpleNamespace(name="iris-production"),
        look=lambda: Sight(None, None),
        traffic=lambda _sight: {},
        settled=lambda _sight: True,
        foreign=lambda _sight: None,
        group=lambda *_, moves: str(moves),
    )
    alarms: Any = SimpleNamespace(look=lambda *_, watches: ((), (), watches and None))
    surroundings: Any = SimpleNamespace(needs=lambda: (), obstacles=lambda _settings: ())
    unused: Any = None
    return Observer(
        environment=production(settings),
        settings=settings_.parse(settings),
        pointer=pointer,
        alarms=alarms,
        scaling=unused,
        surroundings=surroundings,
        artifacts=unused,
        clock=FakeClock(),
    )


@pytest.mark.parametrize(
    ("cluster", "attempt", "in_the_way"),
    [
        ("others", Attempt(number=1, at="2026-01-01"), True),
        (f"{ARN}/others", Attempt(number=1, at="2026-01-01"), True),
        ("others", None, False),  # it was staged, and never had a service
        ("models", Attempt(number=1, at="2026-01-01"), False),
        (f"{ARN}/models", Attempt(number=1, at="2026-01-01"), False),
    ],
)
def test_a_service_of_another_cluster_is_not_left_behind(
    cluster: str, attempt: Attempt | None, *, in_the_way: bool
) -> None:
    """Both would be in the target groups, and half of the users stay with the version before."""
    new = version({**PLAIN, "cluster": cluster}, environment={"VERSION": "2"})
    found = observer(cluster, attempt).observe(new).obstacles
    assert bool(found) is in_the_way
    assert all(f"to the cluster models, the config names {cluster}" in one.what for one in found)
    assert all("Write settings.cluster: models" in one.cure for one in found)


@pytest.mark.parametrize(
    ("wanted", "follows"), [(None, True), (version({**PLAIN, "load_balancer": OTHER}), False)]
)
def test_what_is_scaled_by_its_own_target_groups_is_as_it_should_be_unless_others_are_wanted(
    wanted: Version | None, *, follows: bool
) -> None:
    """The way back to a version behind other groups than the config's has nothing to set."""
    bounds = Autoscaling(min=1, max=3, invocations_per_instance_per_minute=600)
    seen = observer("models", Attempt(number=1, at="2026-01-01"))
    seen.environment = replace(seen.environment, capacity=Capacity(instances=2, autoscaling=bounds))
    service: Any = {"serviceName": "iris-production", "desiredCount": 2, "status": "ACTIVE"}
    moving = Deployment(arn="arn", status="IN_PROGRESS", created=FakeClock().now())
    pointer: Any = seen.pointer
    pointer.look = lambda: Sight(service, moving)
    pointer.traffic = lambda _sight: {OLD.id: 100}
    pointer.borrowed = lambda _sight: False
    client: Any = Registered()
    seen.scaling = Scaling(client=client, cluster="models", service="iris-production", groups=())
    capacity = seen.observe(wanted).capacity
    assert capacity is not None
    assert (capacity.autoscaling == bounds) is follows
