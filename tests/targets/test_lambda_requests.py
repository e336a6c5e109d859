"""A version as Lambda is told it: everything the config says, and nothing that an older version left."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.version import Artifact, Version
from modelway.targets.aws_lambda.inventory import Inventory
from modelway.targets.aws_lambda.settings import MODEL_DIR
from modelway.targets.aws_lambda.versions import Versions
from tests.configs import model_config, production
from tests.fakes import FakeClock
from tests.targets.ecs_models import refuse_invalid
from tests.targets.test_lambda_versions import IMAGE, Lambda

SECRETS: JsonObject = {
    "TOKEN": {
        "arn": "arn:aws:secretsmanager:eu-west-1:222222222222:secret:iris-a1b2c3",
        "version": "9d4cb84b-ad69-40c0-a0ab-cead36b967e8",
        "key": "token",
    },
    "SALT": {"arn": "arn:aws:ssm:eu-west-1:222222222222:parameter/iris/salt", "version": "3"},
}
EVERYTHING: JsonObject = {
    "execution_role": "iris",
    "memory_mb": 3008,
    "ephemeral_storage_mb": 2048,
    "timeout": "2m",
    "environment": {"LOG_LEVEL": "info"},
    "secrets": SECRETS,
    "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    "kms_key": "arn:aws:kms:eu-west-1:222222222222:key/0a1b",
    "entry_point": ["/bin/sh"],
    "command": ["serve"],
    "working_directory": "/opt/program",
    "tags": {"team": "ml"},
}
WEIGHTS = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "b" * 64))
COPY = "s3://ours/iris/model.tar.gz"


class Recorded(Lambda):
    """Lambda that keeps what it is asked, after botocore has looked at it."""

    def __init__(self, *, there: bool) -> None:
        super().__init__()
        self.there = there
        self.asked: dict[str, dict[str, Any]] = {}

    def _keep(self, operation: str, asked: dict[str, Any]) -> None:
        refuse_invalid(operation, asked, "lambda")
        self.asked[operation] = asked

    def get_function(self, **asked: str) -> dict[str, Any]:
        if not self.there:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunction")
        return super().get_function(**asked)

    def create_function(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda takes it
        self._keep("CreateFunction", asked)
        self.there = True
        return self._change(Description=asked["Description"], CodeSha256=IMAGE.digest.hex)

    def tag_resource(self, **asked: Any) -> None:  # noqa: ANN401 - as above
        self._keep("TagResource", asked)

    def update_function_configuration(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        self._keep("UpdateFunctionConfiguration", asked)
        return super().update_function_configuration(**asked)

    def update_function_code(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        self._keep("UpdateFunctionCode", asked)
        return super().update_function_code(**asked)


class Shelf:
    """Knows where the copy of the weights lies."""

    def target_uri(self, _: Artifact) -> str:
        return COPY


def asked(
    settings: JsonObject, *, there: bool, weights: Artifact | None = None, platform: str = "linux/amd64"
) -> dict[str, dict[str, Any]]:
    """The requests that publish a version, by operation."""
    function: Any = Recorded(there=there)
    config = model_config()
    shelf: Any = Shelf()
    Versions(
        config=replace(config, image=replace(config.image, platform=platform)),
        environment=production(target="lambda"),
        client=function,
        inventory=Inventory(client=function, function="iris"),
        artifacts=shelf,
        clock=FakeClock(),
    ).make(Version(image=IMAGE, settings=settings, artifact=weights), "r1")
    return function.asked  # type: ignore[no-any-return] # stands for a client


CHANGED = ("UpdateFunctionConfiguration", "UpdateFunctionCode")


@pytest.mark.parametrize(("there", "operation"), [(False, "CreateFunction"), (True, CHANGED[0])])
def test_all_that_the_config_says_is_asked_for(there: bool, operation: str) -> None:  # noqa: FBT001 - a case
    request = asked(EVERYTHING, there=there)[operation]
    variables = request.pop("Environment")["Variables"]
    assert variables.pop("MODELWAY_VERSION")
    assert json.loads(variables.pop("MODELWAY_SECRETS")) == SECRETS
    assert variables == {"LOG_LEVEL": "info"}
    expected = {
        "FunctionName": "iris",
        "Role": "arn:aws:iam::222222222222:role/iris",
        "MemorySize": 3008,
        "EphemeralStorage": {"Size": 2048},
        "Timeout": 120,
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        "KMSKeyArn": EVERYTHING["kms_key"],
        "ImageConfig": {
            "EntryPoint": ["/bin/sh"],
            "Command": ["serve"],
            "WorkingDirectory": "/opt/program",
        },
    }
    assert {name: request[name] for name in expected} == expected


def test_a_function_is_made_of_the_image_by_its_digest_and_tagged() -> None:
    request = asked(EVERYTHING, there=False)["CreateFunction"]
    assert (request["PackageType"], request["Code"]) == ("Image", {"ImageUri": str(IMAGE)})
    assert request["Tags"].items() >= {"team": "ml", "owner": "ml-platform"}.items()


@pytest.mark.parametrize(("platform", "architecture"), [("linux/amd64", "x86_64"), ("linux/arm64", "arm64")])
def test_an_image_runs_on_what_it_was_built_for(platform: str, architecture: str) -> None:
    made = asked(EVERYTHING, there=False, platform=platform)["CreateFunction"]
    changed = asked(EVERYTHING, there=True, platform=platform)["UpdateFunctionCode"]
    assert made["Architectures"] == changed["Architectures"] == [architecture]
    assert changed["ImageUri"] == str(IMAGE)


def test_what_an_older_version_had_does_not_stay() -> None:
    """Lambda keeps what a request leaves out."""
    request = asked({"execution_role": "iris"}, there=True)[CHANGED[0]]
    assert (request["MemorySize"], request["EphemeralStorage"], request["Timeout"]) == (
        1024,
        {"Size": 512},
        30,
    )
    assert request["VpcConfig"] == {"SubnetIds": [], "SecurityGroupIds": []}
    assert (request["KMSKeyArn"], request["ImageConfig"]) == ("", {})
    assert [*request["Environment"]["Variables"]] == ["MODELWAY_VERSION"]


def test_the_container_is_told_where_its_weights_are_and_what_they_must_be() -> None:
    variables = asked(EVERYTHING, there=True, weights=WEIGHTS)[CHANGED[0]]["Environment"]["Variables"]
    told = {"MODELWAY_MODEL_URI": COPY, "MODELWAY_MODEL_SHA256": "b" * 64, "SM_MODEL_DIR": MODEL_DIR}
    assert variables.items() >= told.items()
