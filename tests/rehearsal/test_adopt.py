"""An endpoint made by hand is adopted: described, recorded, and never written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.image import Image
from modelway.errors import Differs
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import ONCE, PRODUCTION, Clients
from tests.rehearsal.hands import Hand

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]
NAME, MODEL = "handmade-iris-production", "handmade-iris"


@pytest.fixture
def hand(
    cloud: Cloud,
    clients: Clients,
    pushed: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Hand]:
    client = clients.session(PRODUCTION).client("sagemaker", endpoint_url=cloud.endpoint, config=ONCE)
    container: Any = {"Image": str(pushed), "Environment": {"VERSION": "by-hand"}}
    role = f"arn:aws:iam::{PRODUCTION}:role/modelway-endpoint"
    client.create_model(ModelName="by-hand", ExecutionRoleArn=role, PrimaryContainer=container)
    variant: Any = {
        "VariantName": "AllTraffic",
        "ModelName": "by-hand",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
    }
    client.create_endpoint_config(EndpointConfigName="by-hand", ProductionVariants=[variant])
    client.create_endpoint(EndpointName=NAME, EndpointConfigName="by-hand")
    client.get_waiter("endpoint_in_service").wait(
        EndpointName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    yield Hand.of(
        cloud, monkeypatch, tmp_path, pushed, model=MODEL, account=PRODUCTION, environment="production"
    )
    with suppress(ClientError):
        client.delete_endpoint(EndpointName=NAME)


def scaled(cloud: Cloud, clients: Clients) -> None:
    """Autoscaling as Terraform writes it."""
    client = clients.session(PRODUCTION).client(
        "application-autoscaling", endpoint_url=cloud.endpoint, config=ONCE
    )
    place: Any = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{NAME}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    client.register_scalable_target(**place, MinCapacity=2, MaxCapacity=5)
    tracking: Any = {
        "TargetValue": 700.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    client.put_scaling_policy(
        **place,
        PolicyName="terraform",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )


def test_an_endpoint_is_described_recorded_and_the_way_back_and_never_written_to(hand, clients):
    scaled(hand.cloud, clients)
    before = len(hand.calls())
    hand.describe()
    described(hand)
    refused_unless_the_same(hand)
    hand.record()
    assert "Nothing was written" in hand.reporter.text
    assert not hand.writes(before)
    hand.record("--yes")
    written = hand.writes(before)
    made = {"CreateModel", "CreateEndpointConfig", "AddTags", "DeleteTags"}
    assert {operation for operation, _ in written} == made
    own = re.compile(rf".*{NAME}-[0-9a-f]{{12}}")
    assert all(own.fullmatch(resource) for _, resource in written)
    hand.known()
    replaced_and_back(hand)


def described(hand: Hand) -> None:
    config = hand.world.configs.load(Path(hand.path))
    place = config.environments["production"]
    assert place.settings == {
        "mode": "realtime",
        "instance_type": "ml.m5.large",
        "execution_role": "modelway-endpoint",
        "environment": {"VERSION": "by-hand"},
    }
    assert place.capacity.instances == 2
    bounds = place.capacity.autoscaling
    assert bounds
    assert (bounds.min, bounds.max, bounds.invocations_per_instance_per_minute) == (2, 5, 700)
    assert any("AllTraffic" in note for note in hand.reporter.notes)
    assert any("look for secrets" in note for note in hand.reporter.notes)
    hand.described_once()


def refused_unless_the_same(hand: Hand) -> None:
    hand.edit("ml.m5.large", "ml.m5.xlarge")
    with pytest.raises(Differs, match="does not describe what serves") as caught:
        hand.record("--yes")
    assert 'settings.instance_type: "ml.m5.large" serves, the config says "ml.m5.xlarge"' in caught.value.seen
    hand.edit("ml.m5.xlarge", "ml.m5.large")


def replaced_and_back(hand: Hand) -> None:
    """The first release of ours, and the way back from it."""
    delivery, adopted, ours = hand.ours()
    needs = delivery.target.observe(ours).needs
    assert [need.words for need in needs] == [
        "end the autoscaling of the variant AllTraffic, which becomes model"
    ]
    for need in needs:
        delivery.target.prepare(need.id, ours)
    delivery.target.stage(ours, release="1.0.0")
    delivery.target.shift(ours.id, 100, urgent=True)
    delivery.target.settle(lambda _: None)
    assert hand.delivery().target.observe(None).serving == ours.id
    delivery.target.shift(adopted, 100, urgent=True)
    delivery.target.settle(lambda _: None)
    state = hand.delivery().target.observe(None)
    assert (state.serving, state.foreign) == (adopted, None)
