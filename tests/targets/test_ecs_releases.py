"""What a release changes of a service beside its deployment, and where its versions are asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import MagicMock

import pytest

from modelway.adapters.http import Address
from modelway.core.json import JsonObject
from modelway.core.version import VersionId
from modelway.errors import Differs
from modelway.ports import HttpAnswer, HttpRequest
from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import definition
from modelway.targets.ecs.pointer import Sight
from modelway.targets.ecs.releases import Releases
from modelway.targets.ecs.services import Services
from modelway.targets.ecs.target import Ecs
from tests.fakes import FakeClock
from tests.targets.ecs_models import PLAIN, production, refuse_invalid, version

LABELS = {"modelway:model": "iris", "modelway:environment": "production", "owner": "ml"}
NEW = version({**PLAIN, "tags": {"cost": "new"}})


@pytest.mark.parametrize(
    ("known", "urgent", "tagged"),
    [
        ({**LABELS, "cost": "old"}, False, True),
        ({**LABELS, "cost": "new", "owner": "others"}, False, True),
        ({**LABELS, "cost": "new", "more": "theirs"}, False, False),
        ({**LABELS, "cost": "old"}, True, False),  # the way back does nothing that can wait
        ({"cost": "old"}, False, False),  # adopted: it is not ours to tag, nor to retire
    ],
)
def test_a_service_gets_the_tags_of_the_version_before_its_tasks_take_them(
    known: dict[str, str], *, urgent: bool, tagged: bool
) -> None:
    client, pointer = MagicMock(), MagicMock(services=MagicMock(spec=Services))
    service: Any = {"serviceArn": "arn", "tags": [{"key": k, "value": v} for k, v in known.items()]}
    pointer.look.return_value = Sight(service, None)
    pointer.inventory.definition.return_value = definition(
        NEW, "iris-production", production(), platform="linux/amd64", artifact_uri=None
    )
    releases = Releases(
        environment=production(),
        client=client,
        pointer=pointer,
        settings=settings_.parse(PLAIN),
        labels=LABELS,
        clock=FakeClock(),
        walks=True,
    )
    releases.shift(NEW.id, 100, (), urgent=urgent)
    calls = [name for name, _, _ in client.method_calls]
    assert calls == ["tag_resource"] * tagged + ["update_service"]
    if tagged:
        request = client.tag_resource.call_args.kwargs
        refuse_invalid("TagResource", request)
        assert {tag["key"]: tag["value"] for tag in request["tags"]} == {**LABELS, "cost": "new"}


class Asked:
    """A data plane that remembers where it was asked, and in which group it looked for lines."""

    def __init__(self) -> None:
        self.at: list[str] = []

    def invoke(self, address: Address, _request: HttpRequest) -> HttpAnswer:
        self.at.append(address.url)
        return HttpAnswer(status=200, body=b"", content_type="", latency=0.1)

    def last_lines(self, group: str, _version: VersionId, _lines: int) -> tuple[str, ...]:
        self.at.append(group)
        return ()


def test_a_version_is_asked_as_its_own_settings_say_not_as_the_next_one_s() -> None:
    """Otherwise the way back from a release that changed the path would call the good version sick."""
    old = version({**PLAIN, "url": "https://models.example.com", "path": "/old", "log_group": "/old"})
    made = definition(old, "iris-production", production(), platform="linux/amd64", artifact_uri=None)

    def arn(which: VersionId) -> str:
        if which != old.id:
            raise Differs("somebody deregistered it")
        return "arn"

    inventory = SimpleNamespace(arn=arn, definition=lambda _arn: made, family="iris-production")
    now: JsonObject = {**PLAIN, "url": "https://models.example.com", "path": "/new"}
    observer = SimpleNamespace(pointer=SimpleNamespace(inventory=inventory), settings=settings_.parse(now))
    unused, asked = MagicMock(), Asked()
    target = Ecs(
        environment=production(now),
        client=unused,
        observer=cast("Any", observer),
        versions=cast("Any", SimpleNamespace(inventory=inventory)),
        releases=unused,
        runtime=cast("Any", asked),
        listeners=unused,
        measurement=unused,
        artifacts=unused,
        clock=unused,
    )
    for which in (old.id, None, version(now).id):
        target.invoke(HttpRequest(body=b""), which)
    assert [url.rpartition("/")[2] for url in asked.at] == ["old", "new", "new"]
    target.logs(old.id)
    target.logs(version(now).id)
    assert asked.at[3:] == ["/old", "/ecs/iris-production"]
