"""What the estate of an ECS service says of its use where no load balancer counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from modelway.targets.ecs.estate import Estate
from tests.fakes import FakeClock


def estate(service: dict[str, int] | None) -> Estate:
    """Of a service without a load balancer."""
    services = SimpleNamespace(describe=lambda: service)
    pointer = SimpleNamespace(services=services)
    observer = SimpleNamespace(settings=SimpleNamespace(balancer=None), pointer=pointer)
    nothing: Any = None
    return Estate(client=nothing, observer=cast("Any", observer), labels={}, clock=FakeClock())


@pytest.mark.parametrize(
    ("service", "requests"), [({"runningCount": 2}, None), ({"runningCount": 0}, 0), (None, 0)]
)
def test_tasks_that_run_without_a_load_balancer_are_asked_uncounted(
    service: dict[str, int] | None, requests: int | None
) -> None:
    assert estate(service).requests(900) == requests
