"""Publishing a version of a function, whose revision Lambda may change once more by itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.image import Image
from modelway.core.version import Version
from modelway.errors import Differs
from modelway.rehearsal.lambda_functions import describe
from modelway.rehearsal.lambda_state import Function, Settings
from modelway.rehearsal.lambda_state import Version as Kept
from modelway.targets.aws_lambda.inventory import Inventory
from modelway.targets.aws_lambda.versions import Versions
from tests.configs import model_config, production
from tests.fakes import FakeClock

IMAGE = Image.parse(f"333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris@sha256:{'a' * 64}")
VERSION = Version(image=IMAGE, settings={"execution_role": "iris", "memory_mb": 512})


class Lambda:
    """Lambda with one function, whose revision changes between what is read and what is published."""

    def __init__(self, *meanwhile: dict[str, Any], code: str = "PreconditionFailedException") -> None:
        self.meanwhile = list(meanwhile)
        self.code = code
        self.latest: dict[str, Any] = {"State": "Active", "LastUpdateStatus": "Successful"}
        self.revisions = itertools.count(1)
        self.published: list[dict[str, Any]] = []

    def _change(self, **changes: object) -> dict[str, Any]:
        self.latest |= {**changes, "RevisionId": f"r{next(self.revisions)}"}
        return dict(self.latest)

    def get_function(self, **asked: str) -> dict[str, Any]:
        arn = "arn:aws:lambda:eu-west-1:222222222222:function:iris"
        uri = str(IMAGE) if asked.get("Qualifier") else ""
        return {"Configuration": {**self.latest, "FunctionArn": arn}, "Code": {"ResolvedImageUri": uri}}

    def tag_resource(self, **_: object) -> None:
        """Nobody asks for tags here."""

    def update_function_configuration(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda takes it
        return self._change(Description=asked["Description"], MemorySize=asked["MemorySize"])

    def update_function_code(self, **_: object) -> dict[str, Any]:
        return self._change(CodeSha256=IMAGE.digest.hex)

    def publish_version(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as Lambda takes it
        if self.meanwhile:
            self._change(**self.meanwhile.pop(0))
        if asked["RevisionId"] != self.latest["RevisionId"]:
            raise ClientError({"Error": {"Code": self.code, "Message": "changed"}}, "PublishVersion")
        self.published.append(dict(self.latest))
        return {"Version": "1"}

    def get_paginator(self, _: str) -> Any:  # noqa: ANN401 - of any operation
        class Pages:
            def paginate(self, **_: object) -> list[dict[str, Any]]:
                return [{"Versions": []}]

        return Pages()


def publish(function: Any) -> str:  # noqa: ANN401 - stands for a client
    place, artifacts = production(target="lambda"), None
    versions = Versions(
        config=model_config(),
        environment=place,
        client=function,
        inventory=Inventory(client=function, function="iris"),
        artifacts=artifacts,  # type: ignore[arg-type] # the version has no artifact
        clock=FakeClock(),
    )
    return versions.make(VERSION, "")


@pytest.mark.parametrize("code", ["PreconditionFailedException", "ResourceConflictException"])
def test_a_revision_that_lambda_changes_by_itself_is_read_again(code: str) -> None:
    function = Lambda({}, {"LastModified": "now"}, code=code)
    assert publish(function) == "1"
    assert [each["CodeSha256"] for each in function.published] == [IMAGE.digest.hex]


@pytest.mark.parametrize("change", [{"MemorySize": 128}, {"CodeSha256": "b" * 64}, {"Description": "theirs"}])
def test_what_somebody_else_changed_is_not_published(change: dict[str, Any]) -> None:
    function = Lambda(change)
    with pytest.raises(Differs, match="somebody else changed the function iris meanwhile"):
        publish(function)
    assert function.published == []


def test_a_function_that_never_keeps_still_is_given_up() -> None:
    with pytest.raises(Differs, match="changed the function iris meanwhile"):
        publish(Lambda(*({} for _ in range(99))))


class Ending(Kept):
    """A change that ends while the rehearsal's answer is written: under way when first looked at."""

    looks = 0

    @property
    def ready(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_the_rehearsals_answer_is_of_one_moment() -> None:
    """A revision of before the end with a status of after it would be refused when it is used."""
    settings = Settings(
        role="r", image="i", resolved="i", pull="i", sha256="a", size=1, architecture="arm64", config={}
    )
    ending = Ending(number="$LATEST", settings=settings, born=False, takes=0.0)
    function = Function(account="1", region="eu-west-1", name="f", latest=ending)
    told = describe(function, ending)
    assert (told["LastUpdateStatus"], told["RevisionId"]) == ("InProgress", ending.revision)
    told = describe(function, ending)
    assert told["LastUpdateStatus"] == "Successful"
    assert told["RevisionId"] == ending.revision_when(ready=True) != ending.revision
