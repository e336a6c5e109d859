"""Two processes may clear up the same run: whoever comes second waits until the container is gone."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from docker.errors import APIError, NotFound
from requests import Response

from modelway.rehearsal import leftovers
from modelway.rehearsal.context import LABEL


def contested(monkeypatch: pytest.MonkeyPatch, status: int) -> MagicMock:
    """The only container of an engine, which refuses to remove it; it is gone once it was waited for."""
    answer = Response()
    answer.status_code = status
    container = MagicMock(labels={LABEL: "run"})
    container.remove.side_effect = APIError("no", response=answer)
    container.wait.side_effect = NotFound("gone")
    engine = MagicMock()
    engine.containers.list.return_value = [container]
    monkeypatch.setattr(leftovers, "docker_client", lambda: engine)
    return container


def test_a_removal_somebody_else_began_is_awaited_and_not_claimed(monkeypatch: pytest.MonkeyPatch):
    container = contested(monkeypatch, 409)
    assert leftovers.remove_containers(lambda run: run == "run") == ()
    assert container.wait.call_args.kwargs["condition"] == "removed"


def test_an_engine_that_fails_otherwise_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    container = contested(monkeypatch, 500)
    assert leftovers.remove_containers(lambda run: run == "run") == ()
    assert not container.wait.called
