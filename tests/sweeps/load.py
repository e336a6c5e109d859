"""Users of a model while something is done to it: a release, a release that fails, a rollback."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelway.commands import rollback
from modelway.ports import HttpRequest
from modelway.rehearsal.load import Load, Tally
from tests.fake_world import OneConfig
from tests.sweeps.ground import Model

Said = Callable[[str, Tally], None]
"""Prints what users got, and writes it down."""


@dataclass(frozen=True, slots=True)
class Users:
    """Thirty requests a second to a model, of people who each ask once."""

    model: Model
    ask: Callable[[HttpRequest], str]
    """Status of the answer, or what went wrong."""

    def during(self, act: Callable[[], None]) -> Tally:
        """What they got while something was done."""
        load = Load(ask=self.ask, request=HttpRequest(body=b"[1]"), changing=lambda: True)
        with load:
            act()
        assert load.tally.sent > 0
        return load.tally

    def release(self, behaviour: str = "", *, ends: str = "0") -> Tally:
        """The next version is released, and the release ends with this exit."""
        self.model.next(behaviour)

        def act() -> None:
            assert self.model.start() == ends, self.model.said

        return self.during(act)

    def going_back(self) -> Tally:
        """Another version is released, then ``rollback`` is run, which alone is watched."""
        model = self.model
        model.next()
        assert model.start() == "0", model.said
        assert model.delivery
        world = replace(model.ground.world, configs=OneConfig(model.delivery.config))
        parser = argparse.ArgumentParser()
        rollback.arguments(parser)
        asked = parser.parse_args(["model.yaml", "-e", "production", "--reason", "odd answers"])
        tally = self.during(lambda: rollback.run(asked, world))
        assert model.state().serving == model.before[-2].id
        return tally
