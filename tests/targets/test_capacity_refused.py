"""What AWS refuses of a capacity is told with its region and a cure, not as an internal error."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.config import Autoscaling, Capacity
from modelway.core.version import VersionId
from modelway.errors import Differs, Malformed, Unavailable
from modelway.targets.ecs.target import Ecs
from modelway.targets.sagemaker.target import SageMaker
from modelway.targets.shared.autoscaling import Scalable
from tests.configs import production

ID = VersionId("0123456789ab")
BUSY = "Cannot update in-progress endpoint"


class Refusing:
    """A client whose every call is refused in the same words."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, code: str, text: str) -> None:
        self.error = {"Error": {"Code": code, "Message": text}}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of any operation
        def refuse(**_: object) -> None:
            raise ClientError(self.error, name)  # type: ignore[arg-type]  # as much of an answer as is read

        return refuse


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("ConcurrentUpdateException", Unavailable),
        ("FailedResourceAccessException", Unavailable),
        ("ValidationException", Malformed),
        ("LimitExceededException", Unavailable),
    ],
)
def test_autoscaling(code: str, failure: type[Exception]) -> None:
    client: Any = Refusing(code, "no")
    scalable = Scalable(
        client=client,
        namespace="ecs",
        dimension="ecs:service:DesiredCount",
        resource="service/models/iris",
        policy="p",
    )
    bounds = Autoscaling(min=1, max=2, invocations_per_instance_per_minute=60)
    with pytest.raises(failure):
        scalable.set(bounds, "ALBRequestCountPerTarget")


@pytest.mark.parametrize(
    ("code", "text", "failure"),
    [
        ("ResourceLimitExceeded", "The account-level service limit is 2 Instances", Unavailable),
        ("ValidationException", BUSY, Differs),
        ("ValidationException", "DesiredInstanceCount is too large", Malformed),
    ],
)
def test_the_instances_of_an_endpoint(code: str, text: str, failure: type[Exception]) -> None:
    found = {"ProductionVariants": [{"VariantName": "model", "DesiredInstanceCount": 1}]}
    observer: Any = SimpleNamespace(
        scaling=SimpleNamespace(observe=lambda: None),
        inventory=SimpleNamespace(endpoint="iris-production", describe=lambda: found),
    )
    client: Any = Refusing(code, text)
    unused: Any = None
    target = SageMaker(
        environment=unused,
        client=client,
        observer=observer,
        versions=unused,
        runtime=unused,
        artifacts=unused,
        clock=unused,
    )
    with pytest.raises(failure) as caught:
        target.configure(ID, Capacity(instances=3))
    if code == "ResourceLimitExceeded":
        assert "a quota of SageMaker in eu-west-1" in str(caught.value)


def test_the_tasks_of_a_service() -> None:
    services = SimpleNamespace(describe=lambda: {"serviceName": "iris-production", "desiredCount": 1})
    inventory = SimpleNamespace(arn=lambda _version: "arn", definition=lambda _: {"containerDefinitions": []})
    observer: Any = SimpleNamespace(
        scaling=SimpleNamespace(of=lambda _settings: SimpleNamespace(observe=lambda _wanted: None)),
        pointer=SimpleNamespace(services=services, inventory=inventory),
        settings=SimpleNamespace(cluster="models"),
    )
    client: Any = Refusing("InvalidParameterException", "desiredCount is too large")
    unused: Any = None
    target = Ecs(
        environment=production(target="ecs"),
        client=client,
        observer=observer,
        versions=unused,
        releases=unused,
        runtime=unused,
        listeners=unused,
        measurement=unused,
        artifacts=unused,
        clock=unused,
    )
    with pytest.raises(Malformed, match="ECS refuses update_service"):
        target.configure(ID, Capacity(instances=3))
