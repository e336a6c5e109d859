"""A service made by hand is adopted: described, recorded, and never written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelway.core.image import Image
from modelway.errors import Differs
from tests.rehearsal.clients import ONCE, STAGING
from tests.rehearsal.hands import Hand
from tests.rehearsal.models import unique
from tests.rehearsal.services import CLUSTER, Balancer, Services, role

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


@dataclass(frozen=True)
class Made:
    """The service, what it is behind, and who adopts it."""

    hand: Hand
    services: Services
    balancer: Balancer
    definition: str
    group: str


@pytest.fixture
def made(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """As many make it: a tag, a container of another name, one target group, launched on Fargate."""
    model = unique("handmade")
    image = Image.parse(services.image)
    ec2 = services.clients.session(STAGING).client("ec2", endpoint_url=services.cloud.endpoint)
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    app = {"name": "app", "image": f"{image.repository}:v1"}
    definition = services.definition(family=f"{model}-theirs", container=app, VERSION="by-hand")
    network = {"awsvpcConfiguration": {"subnets": services.subnets, "securityGroups": [group]}}
    hand = Hand.of(
        services.cloud,
        monkeypatch,
        tmp_path,
        image,
        model=model,
        account=STAGING,
        environment="staging",
        more=("--target", "ecs", "--cluster", CLUSTER),
    )
    with services.balancer() as balancer:
        entry = {"targetGroupArn": balancer.blue, "containerName": "app", "containerPort": 8080}
        more: dict[str, Any] = {
            "serviceName": hand.name,
            "loadBalancers": [entry],
            "networkConfiguration": network,
        }
        with services.service(definition, None, **more):
            yield Made(hand, services, balancer, definition, group)


def scaled(made: Made) -> None:
    """Autoscaling as Terraform writes it."""
    session = made.services.clients.session(STAGING)
    url = made.services.cloud.endpoint
    client = session.client("application-autoscaling", endpoint_url=url, config=ONCE)
    place: Any = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{CLUSTER}/{made.hand.name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    client.register_scalable_target(**place, MinCapacity=2, MaxCapacity=5)
    balancer, group = (arn.split(":", 5)[5] for arn in (made.balancer.arn, made.balancer.blue))
    label = f"{balancer.removeprefix('loadbalancer/')}/{group}"
    metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    tracking: Any = {"TargetValue": 700.0, "PredefinedMetricSpecification": metric}
    client.put_scaling_policy(
        **place,
        PolicyName="terraform",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )


def test_a_service_is_described_recorded_and_the_way_back_and_never_written_to(made: Made) -> None:
    hand = made.hand
    scaled(made)
    before = len(hand.calls())
    hand.describe()
    described(made)
    hand.on_the_page(before)
    hand.edit("memory_mb: 512", "memory_mb: 1024")
    with pytest.raises(Differs, match="does not describe what serves") as caught:
        hand.record("--yes")
    assert "settings.memory_mb: 512 serves, the config says 1024" in caught.value.seen
    hand.edit("memory_mb: 1024", "memory_mb: 512")
    hand.record()
    assert not hand.writes(before)
    hand.record("--yes")
    written = hand.writes(before)
    assert {operation for operation, _ in written} == {
        *("CreateLogGroup", "RegisterTaskDefinition", "TagResource", "UntagResource")
    }
    own = re.compile(rf".*{hand.name}(:\d+)?")
    assert all(own.fullmatch(resource) for _, resource in written), written
    hand.known()
    replaced_and_back(made)


def described(made: Made) -> None:
    hand = made.hand
    place = hand.world.configs.load(Path(hand.path)).environments["staging"]
    assert place.settings == {
        "mode": "fargate",
        "cluster": CLUSTER,
        "network": {"subnets": made.services.subnets, "security_groups": [made.group]},
        "memory_mb": 512,
        "cpu": 256,
        "execution_role": role("execution").rpartition("/")[2],
        "command": [],
        "port": 8080,
        "environment": {"VERSION": "by-hand"},
        "load_balancer": {
            "target_groups": [made.balancer.blue],
            "listener_rule": made.balancer.production,
        },
    }
    bounds = place.capacity.autoscaling
    assert bounds
    assert (bounds.min, bounds.max, bounds.invocations_per_instance_per_minute) == (2, 5, 700)
    assert place.capacity.instances == 2
    assert any("container is called app" in note for note in hand.reporter.notes)
    assert any("look for secrets" in note for note in hand.reporter.notes)
    hand.described_once()


def replaced_and_back(made: Made) -> None:
    """The first release of ours, and the way back from it."""
    hand = made.hand
    delivery, adopted, ours = hand.ours()
    assert delivery.target.observe(ours).needs == ()
    delivery.target.stage(ours, release="1.0.0")
    delivery.target.shift(ours.id, 100, urgent=True)
    delivery.target.settle(lambda _: None)
    assert made.balancer.ask()[1]["version"] == "ours"
    assert hand.delivery().target.observe(None).serving == ours.id
    delivery.target.shift(adopted, 100, urgent=True)
    delivery.target.settle(lambda _: None)
    state = hand.delivery().target.observe(delivery.version(hand.image))
    assert (state.serving, state.foreign, state.altered) == (adopted, None, ())
    assert made.balancer.ask()[1]["version"] == "by-hand"
    assert made.services.described(hand.name)["taskDefinition"] != made.definition
