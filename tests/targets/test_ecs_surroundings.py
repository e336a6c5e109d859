"""Secrets of Parameter Store: ECS hands over the newest version, so that has to be the config's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.settings import Secret
from modelway.targets.ecs.surroundings import Surroundings
from tests.targets.ecs_models import PLAIN

ARN = "arn:aws:ssm:eu-west-1:222222222222:parameter/key"


class Parameters:
    """Parameter Store with one parameter, at version 2."""

    def get_parameters(self, *, Names: list[str], **_: object) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        return {"Parameters": [{"ARN": name, "Version": 2} for name in Names if name == ARN]}


def secret(name: str, version: str, arn: str = ARN) -> Secret:
    return Secret(name=name, arn=arn, version=version)


@pytest.mark.parametrize(
    ("secrets", "told"),
    [
        ((secret("KEY", "2"),), ()),
        ((secret("KEY", "1"),), ("settings.secrets.KEY",)),
        ((secret("KEY", "2", f"{ARN}-gone"),), ("settings.secrets.KEY",)),
        ((secret("OLD", "1"), secret("NEW", "2")), ("settings.secrets.OLD",)),
    ],
)
def test_each_use_of_a_parameter_is_of_the_version_there_is(
    secrets: tuple[Secret, ...], told: tuple[str, ...]
) -> None:
    unused: Any = None
    parameters: Any = Parameters()
    around = Surroundings(logs=unused, parameters=parameters, log_group="/ecs/iris")
    found = around.obstacles(replace(settings_.parse(PLAIN), secrets=secrets))
    assert len(found) == len(told)
    assert all(name in each.cure for name, each in zip(told, found, strict=True))
