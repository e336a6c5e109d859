"""The versions of an endpoint, with what is remembered of each: few or many, each has its own tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from modelway.core.record import Record
from modelway.core.record_tags import to_tags
from modelway.core.version import VersionId
from modelway.errors import Unavailable
from modelway.targets.sagemaker.inventory import Inventory

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ENDPOINT = "iris-production"


@dataclass(frozen=True, slots=True)
class Client:
    """SageMaker with endpoint configs, ten to a page, and somebody else's beside them."""

    records: Mapping[str, Record]
    together: Barrier | None = None
    """Of questions that have to be there before one is answered."""

    def get_paginator(self, operation: str) -> Client | Tags:
        """Of the two operations that are asked."""
        return self if operation == "list_endpoint_configs" else Tags(self)

    def paginate(self, **_: str) -> Iterable[Mapping[str, Sequence[Mapping[str, str]]]]:
        """Every endpoint config."""
        names = [*(f"{ENDPOINT}-{id_}" for id_ in self.records), f"{ENDPOINT}-of-somebody"]
        for at in range(0, len(names), 10):
            yield {
                "EndpointConfigs": [
                    {"EndpointConfigName": name, "EndpointConfigArn": f"arn:endpoint-config/{name}"}
                    for name in names[at : at + 10]
                ]
            }


@dataclass(frozen=True, slots=True)
class Tags:
    """What ListTags answers."""

    client: Client

    def paginate(self, *, ResourceArn: str) -> Iterable[Mapping[str, Sequence[Mapping[str, str]]]]:  # noqa: N803 - as boto3 has it
        """One page."""
        if self.client.together:
            self.client.together.wait(timeout=60)
        record = self.client.records[ResourceArn.rpartition("-")[2]]
        yield {"Tags": [{"Key": key, "Value": value} for key, value in to_tags(record).items()]}


@pytest.mark.parametrize(("many", "together"), [(0, 1), (1, 1), (4, 1), (12, 4)])
def test_each_version_is_found_with_its_own_tags_and_many_are_asked_together(
    many: int, together: int
) -> None:
    ids = [VersionId(f"{number:012x}") for number in range(many)]
    kept = {id_: Record(id=id_, digest=f"sha256:{id_:0>64}", release=f"1.{id_}") for id_ in ids}
    client = Client({str(id_): record for id_, record in kept.items()}, Barrier(together))
    inventory = Inventory(client=cast("SageMakerClient", client), endpoint=ENDPOINT)
    assert inventory.records() == kept
    assert [inventory.arn(id_) for id_ in ids] == [f"arn:endpoint-config/{ENDPOINT}-{id_}" for id_ in ids]


@pytest.mark.parametrize(
    ("code", "there", "told"),
    [
        ("ValidationException", False, False),
        ("ValidationException", True, True),
        ("AccessDeniedException", False, True),
    ],
)
def test_a_version_that_is_deleted_while_it_is_looked_at_is_none(
    code: str, *, there: bool, told: bool
) -> None:
    """As another process does that retires it; what is refused although it is there, is told."""
    client: Any = MagicMock()
    said: Any = {"Error": {"Code": code, "Message": ""}}
    client.exceptions.ClientError = ClientError
    gone: Any = {"Error": {"Code": "ValidationException", "Message": "Could not find endpoint configuration"}}
    if not there:
        client.describe_endpoint_config.side_effect = ClientError(gone, "DescribeEndpointConfig")
    listed = {"EndpointConfigName": f"{ENDPOINT}-{1:012x}", "EndpointConfigArn": "arn:endpoint-config/one"}
    pages = {"list_endpoint_configs": MagicMock(), "list_tags": MagicMock()}
    pages["list_endpoint_configs"].paginate.return_value = [{"EndpointConfigs": [listed]}]
    pages["list_tags"].paginate.side_effect = ClientError(said, "ListTags")
    client.get_paginator.side_effect = pages.get
    inventory = Inventory(client=client, endpoint=ENDPOINT)
    with pytest.raises((ClientError, Unavailable)) if told else nullcontext():
        assert inventory.records() == {}
