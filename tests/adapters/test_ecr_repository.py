"""Setting a repository up twice, for models of other accounts: by a client that keeps what it is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from modelway.adapters import ecr_repository
from modelway.core import ecr
from modelway.core.config import RegistrySpec

SPEC = RegistrySpec(account="333333333333", region="eu-west-1", repository="ml/shared")
A, B = "111111111111", "222222222222"


class Client:
    """One repository of ECR, as far as it is set up; remembers each write."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.writes: list[str] = []

    def describe_repositories(self, **_: object) -> Mapping[str, Any]:
        one = {
            "repositoryName": SPEC.repository,
            "repositoryArn": f"arn:aws:ecr:eu-west-1:{SPEC.account}:repository/{SPEC.repository}",
            "imageTagMutability": ecr.MUTABILITY,
            "imageTagMutabilityExclusionFilters": [{"filter": each} for each in ecr.MOVABLE],
            "imageScanningConfiguration": {"scanOnPush": True},
        }
        return {"repositories": [one]}

    def _read(self, kind: str, key: str) -> Mapping[str, str]:
        if kind not in self.policies:
            raise ClientError({"Error": {"Code": f"{kind}NotFoundException"}}, f"Get{kind}")
        return {key: self.policies[kind]}

    def get_lifecycle_policy(self, **_: object) -> Mapping[str, str]:
        return self._read("LifecyclePolicy", "lifecyclePolicyText")

    def get_repository_policy(self, **_: object) -> Mapping[str, str]:
        return self._read("RepositoryPolicy", "policyText")

    def list_tags_for_resource(self, **_: object) -> Mapping[str, Any]:
        return {"tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def put_lifecycle_policy(self, **asked: str) -> None:
        self.writes.append("lifecycle")
        self.policies["LifecyclePolicy"] = asked["lifecyclePolicyText"]

    def set_repository_policy(self, **asked: str) -> None:
        self.writes.append("policy")
        self.policies["RepositoryPolicy"] = asked["policyText"]

    def tag_resource(self, *, tags: list[dict[str, str]], **_: object) -> None:
        self.writes.append("tags")
        self.tags |= {one["Key"]: one["Value"] for one in tags}


def ensure(client: Client, *accounts: str) -> tuple[str, ...]:
    made: Any = client
    return tuple(ecr_repository.ensure(made, SPEC, accounts, {"owner": "ml"}, lambda _: ""))


def test_the_push_of_one_model_leaves_the_accounts_of_another_their_right_to_pull():
    """It took it away: the next instance of the other model could not have pulled its image."""
    client = Client()
    ensure(client, A)
    assert f"let {B} pull from it" in ensure(client, B)
    assert ecr.pullers(json.loads(client.policies["RepositoryPolicy"])) == {A, B}
    client.writes.clear()
    assert ensure(client, A) == ()
    assert ensure(client, B) == ()
    assert client.writes == []
