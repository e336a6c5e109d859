"""An endpoint made by hand is adopted: described, recorded, and never written to."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_sagemaker import SageMakerClient

from modelway.commands import adopt, drift, rollback
from modelway.core.image import Image
from modelway.delivery import Delivery
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.ports import World
from modelway.rehearsal.launch import Cloud
from modelway.wiring import open_house
from tests.fakes import FakeReporter
from tests.rehearsal.clients import ONCE, PRODUCTION, REGION, Clients

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]
NAME, MODEL = "handmade-iris-production", "handmade-iris"


@dataclass
class Hand:
    """An endpoint somebody made, and a world to adopt it in."""

    cloud: Cloud
    client: SageMakerClient
    world: World
    image: Image
    reporter: FakeReporter

    def run(self, command: ModuleType, *argv: str) -> None:
        parser = argparse.ArgumentParser()
        command.arguments(parser)
        command.run(parser.parse_args(argv), self.world)

    def describe(self) -> None:
        where = ("--account", PRODUCTION, "--region", REGION, "--owner", "tests", "-e", "production")
        self.run(adopt, "describe", NAME, *where)

    def record(self, *more: str) -> None:
        self.run(adopt, "record", self.path, "-e", "production", *more)

    @property
    def path(self) -> str:
        return str(self.world.run.root / "model-configs" / f"{MODEL}.yaml")

    def delivery(self) -> Delivery:
        return Delivery.open(self.world, self.world.configs.load(Path(self.path)), "production")


@pytest.fixture
def hand(
    cloud: Cloud,
    clients: Clients,
    pushed: Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Hand]:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
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
    reporter = FakeReporter()
    world = replace(open_house().world(), reporter=reporter)
    yield Hand(cloud, client, world, pushed, reporter)
    with suppress(ClientError):
        client.delete_endpoint(EndpointName=NAME)


READING = re.compile(r"Describe|List|Get|Invoke|Head|AssumeRole|BatchGet")


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
    before = len(calls(hand))
    hand.describe()
    described(hand)
    refused_unless_the_same(hand)
    hand.record()
    assert "Nothing was written" in hand.reporter.text
    assert not writes(hand, before)
    hand.record("--yes")
    written = writes(hand, before)
    made = {"CreateModel", "CreateEndpointConfig", "AddTags", "DeleteTags"}
    assert {operation for operation, _ in written} == made
    own = re.compile(rf".*{NAME}-[0-9a-f]{{12}}")
    assert all(own.fullmatch(resource) for _, resource in written)
    known(hand)
    replaced_and_back(hand)


def calls(hand: Hand) -> list[dict[str, Any]]:
    found: Any = hand.cloud.control("calls")
    return list(found)


def writes(hand: Hand, after: int) -> list[tuple[str, str]]:
    """Calls that could change something, and what they were about."""
    return [
        (one["operation"], one["resource"])
        for one in calls(hand)[after:]
        if not READING.match(one["operation"])
    ]


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
    with pytest.raises(Malformed, match="is there already"):
        hand.describe()


def refused_unless_the_same(hand: Hand) -> None:
    path = Path(hand.path)
    text = path.read_text()
    path.write_text(text.replace("ml.m5.large", "ml.m5.xlarge"))
    with pytest.raises(Differs, match="does not describe what serves") as caught:
        hand.record("--yes")
    assert 'settings.instance_type: "ml.m5.large" serves, the config says "ml.m5.xlarge"' in caught.value.seen
    path.write_text(text)


def known(hand: Hand) -> None:
    """Plan, drift, rollback and a second adoption after it."""
    delivery = hand.delivery()
    assert delivery.planned(hand.image, retry=False).steps == ()
    hand.run(drift, hand.path)
    with pytest.raises(NotAllowed, match="no other version passed in production"):
        hand.run(rollback, hand.path, "-e", "production")
    hand.record("--yes")
    assert "is known already" in hand.reporter.notes[-1]


def replaced_and_back(hand: Hand) -> None:
    """The first release of ours, and the way back from it."""
    delivery = hand.delivery()
    adopted = delivery.target.observe(None).serving
    assert adopted
    settings = {**delivery.environment.settings, "environment": {"VERSION": "ours"}}
    ours = replace(delivery.version(hand.image), settings=settings)
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
