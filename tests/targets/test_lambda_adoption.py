"""What a function is described as, what keeps one from being adopted, and whose its versions are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from modelway.core.adoption import Found, Site
from modelway.core.record_tags import PREFIX
from modelway.core.version import VersionId
from modelway.errors import Differs, Malformed, NotAllowed
from modelway.targets.aws_lambda.adoption import find
from modelway.targets.aws_lambda.inventory import Inventory
from modelway.targets.aws_lambda.observation import _foreign

SITE = Site(target="lambda", account="222222222222", region="eu-west-1", name="iris-production", role="look")
DIGEST, REPOSITORY = "a" * 64, "333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris"
ADOPTED = VersionId("0123456789ab")


@dataclass
class Pages:
    """A paginator of one page."""

    page: dict[str, Any]

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return [self.page]


@dataclass
class Answers:
    """A session whose one client answers what it was given."""

    version: dict[str, Any] = field(default_factory=dict)
    alias: dict[str, Any] | None = field(default_factory=dict)
    url: str = ""
    ready: int = 0
    policies: tuple[str, ...] = ()
    resolved: str = f"{REPOSITORY}@sha256:{DIGEST}"
    missing: bool = False

    def find(self) -> Found:
        return find(self, SITE)[0]  # type: ignore[arg-type]  # as much of a session as it asks

    def client(self, service: str, **_: object) -> Answers:
        del service
        return self

    def get_function(self, **_: object) -> dict[str, Any]:
        if self.missing:
            raise absent("GetFunction")
        bare = {
            "FunctionName": SITE.name,
            "PackageType": "Image",
            "Role": "arn:aws:iam::222222222222:role/run",
            "MemorySize": 512,
            "Timeout": 9,
        }
        return {"Configuration": {**bare, **self.version}, "Code": {"ResolvedImageUri": self.resolved}}

    def get_alias(self, **_: object) -> dict[str, Any]:
        if self.alias is None:
            raise absent("GetAlias")
        return {"FunctionVersion": "7", "RevisionId": "r", **self.alias}

    def get_function_url_config(self, **_: object) -> dict[str, Any]:
        if not self.url:
            raise absent("GetFunctionUrlConfig")
        return {"AuthType": self.url}

    def get_provisioned_concurrency_config(self, **_: object) -> dict[str, Any]:
        if not self.ready:
            raise absent("GetProvisionedConcurrencyConfig")
        return {"RequestedProvisionedConcurrentExecutions": self.ready, "Status": "READY"}

    def describe_scalable_targets(self, **_: object) -> dict[str, Any]:
        return {"ScalableTargets": [{"MinCapacity": 1, "MaxCapacity": 4}] if self.policies else []}

    def describe_scaling_policies(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as AWS takes it
        names = [name for name in self.policies if name in asked.get("PolicyNames", self.policies)]
        return {"ScalingPolicies": [{"PolicyName": name} for name in names]}

    def get_paginator(self, _: str) -> Pages:
        bare = {"CodeSha256": DIGEST, "Role": "run"}
        ours = {"Version": "8", "Description": "modelway ba9876543210", **bare}
        return Pages({"Versions": [{"Version": "$LATEST", **bare}, {"Version": "7", **bare}, ours]})


def absent(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, operation)


def test_everything_a_config_has_words_for_is_described() -> None:
    image = {"EntryPoint": ["run"], "Command": ["me"], "WorkingDirectory": "/srv"}
    answers = Answers(
        version={
            "EphemeralStorage": {"Size": 1024},
            "Environment": {"Variables": {"A": "b", "MODELWAY_VERSION": "ours"}},
            "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "VpcId": "vpc-1"},
            "KMSKeyArn": "key",
            "ImageConfigResponse": {"ImageConfig": image},
            "Architectures": ["arm64"],
        },
        url="NONE",
        ready=3,
    )
    found = answers.find()
    assert found.settings == {
        "execution_role": "run",
        "memory_mb": 512,
        "ephemeral_storage_mb": 1024,
        "timeout": "9s",
        "environment": {"A": "b"},
        "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
        "kms_key": "key",
        "entry_point": ["run"],
        "command": ["me"],
        "working_directory": "/srv",
        "function_url": "public",
    }
    assert (found.name, str(found.image)) == (f"{SITE.name}:7", f"{REPOSITORY}@sha256:{DIGEST}")
    assert (found.capacity, found.platform) == ({"instances": 3}, "linux/arm64")


def test_a_function_with_nothing_around_it_has_only_what_every_function_has() -> None:
    found = Answers().find()
    assert set(found.settings) == {"execution_role", "memory_mb", "ephemeral_storage_mb", "timeout"}
    assert (found.capacity, found.platform) == ({}, "linux/amd64")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (Answers(alias=None), "it has no alias live"),
        (Answers(alias={"FunctionVersion": "$LATEST"}), r"its alias live is at \$LATEST"),
        (Answers(version={"PackageType": "Zip"}), "no image"),
        (Answers(version={"FileSystemConfigs": [{"Arn": "efs"}]}), "FileSystemConfigs"),
        (Answers(version={"DeadLetterConfig": {"TargetArn": "q"}}), "DeadLetterConfig"),
        (Answers(version={"VpcConfig": {"Ipv6AllowedForDualStack": True}}), "Ipv6AllowedForDualStack"),
        (Answers(version={"Environment": {"Error": {"ErrorCode": "KMS"}}}), "may not be decrypted"),
        (Answers(policies=("theirs",)), "the autoscaling policy theirs"),
        (Answers(resolved=""), "nobody knows which digest"),
    ],
)
def test_what_would_be_lost_keeps_it_from_being_adopted(answers: Answers, words: str) -> None:
    with pytest.raises(NotAllowed, match=words) as caught:
        answers.find()
    assert caught.value.cure


def test_an_alias_that_shares_and_a_function_that_is_not_there_are_told() -> None:
    with pytest.raises(Differs, match="shares its traffic") as caught:
        Answers(alias={"RoutingConfig": {"AdditionalVersionWeights": {"8": 0.1}}}).find()
    assert caught.value.seen == "7 has 90 %, 8 has 10 %"
    with pytest.raises(Malformed, match="no function iris-production"):
        Answers(missing=True).find()


def inventory() -> Inventory:
    made = Inventory(client=Answers(), function=SITE.name)  # type: ignore[arg-type]  # as above
    made.remember({ADOPTED: {f"{PREFIX}adopted": f"{SITE.name}:7"}})
    return made


def test_an_adopted_version_is_one_of_ours_until_it_is_forgotten() -> None:
    known = inventory()
    assert known.number(ADOPTED) == "7"
    assert known.versions()[ADOPTED].release == "adopted"
    known.forget(ADOPTED)
    assert known.number(ADOPTED) == ""
    assert not known.adopted(ADOPTED)


def test_an_untagged_function_is_not_foreign_while_the_alias_is_at_what_was_adopted() -> None:
    known = inventory()
    function: Any = {"Configuration": {"FunctionName": SITE.name}}
    assert _foreign(function, known.pointer(), known.versions()) is None
    known.client = Answers(alias={"FunctionVersion": "9"})  # type: ignore[assignment]  # as above
    assert _foreign(function, known.pointer(), known.versions()) == (
        "version 9 of the function iris-production behind the alias live"
    )
    known.forget(ADOPTED)
    assert "has no tag" in str(_foreign(function, known.pointer(), known.versions()))
