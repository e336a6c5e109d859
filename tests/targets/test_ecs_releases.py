"""What a release changes of a service beside its deployment."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from modelway.targets.ecs import settings as settings_
from modelway.targets.ecs.definition import definition
from modelway.targets.ecs.pointer import Sight
from modelway.targets.ecs.releases import Releases
from modelway.targets.ecs.services import Services
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
