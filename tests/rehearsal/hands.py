"""Something made by hand, and a world to adopt it in; what is called meanwhile is read in the call log."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from modelway.commands import adopt, drift, rollback
from modelway.core.image import Image
from modelway.core.version import Version, VersionId
from modelway.delivery import Delivery
from modelway.errors import Malformed, NotAllowed
from modelway.ports import World
from modelway.rehearsal.launch import Cloud
from modelway.wiring import open_house
from tests.fakes import FakeReporter
from tests.rehearsal.clients import REGION

LOGGED_IN = {"AssumeRole", "GetCallerIdentity"}
PAGE = Path(__file__).parents[2] / "docs/how-to/adopt.md"
READING = re.compile(r"Describe|List|Get|Invoke|Head|AssumeRole|BatchGet")


@dataclass(frozen=True, kw_only=True)
class Hand:
    """What somebody made in one environment of one model."""

    cloud: Cloud
    world: World
    image: Image
    reporter: FakeReporter
    model: str
    account: str
    environment: str
    more: tuple[str, ...] = ()
    """Options of ``adopt describe``."""

    @classmethod
    def of(
        cls,
        cloud: Cloud,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path,
        image: Image,
        *,
        model: str,
        account: str,
        environment: str,
        more: tuple[str, ...] = (),
    ) -> Hand:
        """In this folder, against this cloud."""
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        reporter = FakeReporter()
        return cls(
            cloud=cloud,
            world=replace(open_house().world(), reporter=reporter),
            image=image,
            reporter=reporter,
            model=model,
            account=account,
            environment=environment,
            more=more,
        )

    @property
    def name(self) -> str:
        return f"{self.model}-{self.environment}"

    def run(self, command: ModuleType, *argv: str) -> None:
        parser = argparse.ArgumentParser()
        command.arguments(parser)
        command.run(parser.parse_args(argv), self.world)

    def describe(self) -> None:
        where = ("--account", self.account, "--region", REGION, "--owner", "tests", "-e", self.environment)
        self.run(adopt, "describe", self.name, *where, *self.more)

    def record(self, *more: str) -> None:
        self.run(adopt, "record", self.path, "-e", self.environment, *more)

    @property
    def path(self) -> str:
        return str(self.world.run.root / "model-configs" / f"{self.model}.yaml")

    def edit(self, old: str, new: str) -> None:
        """Change the config's text."""
        text = Path(self.path).read_text()
        assert old in text
        Path(self.path).write_text(text.replace(old, new))

    def delivery(self) -> Delivery:
        return Delivery.open(self.world, self.world.configs.load(Path(self.path)), self.environment)

    def calls(self) -> list[dict[str, Any]]:
        found: Any = self.cloud.control("calls")
        return list(found)

    def writes(self, after: int) -> list[tuple[str, str]]:
        """Calls that could change something, and what they were about."""
        return [
            (one["operation"], one["resource"])
            for one in self.calls()[after:]
            if not READING.match(one["operation"])
        ]

    def on_the_page(self, after: int) -> None:
        """The how-to names every call that describing makes."""
        called = {one["operation"] for one in self.calls()[after:]} - LOGGED_IN
        assert called <= set(re.findall(r"\w+", PAGE.read_text()))

    def ours(self) -> tuple[Delivery, VersionId, Version]:
        """Where what was adopted serves: it, and the version of our first release."""
        delivery = self.delivery()
        adopted = delivery.target.observe(None).serving
        assert adopted
        settings = {**delivery.environment.settings, "environment": {"VERSION": "ours"}}
        return delivery, adopted, replace(delivery.version(self.image), settings=settings)

    def known(self) -> None:
        """Plan, drift, rollback and a second adoption after it."""
        delivery = self.delivery()
        assert delivery.planned(self.image, retry=False).steps == ()
        self.run(drift, self.path)
        with pytest.raises(NotAllowed, match=f"no other version passed in {self.environment}"):
            self.run(rollback, self.path, "-e", self.environment)
        self.record("--yes")
        assert "is known already" in self.reporter.notes[-1]

    def described_once(self) -> None:
        """What was described is not written over."""
        with pytest.raises(Malformed, match="is there already"):
            self.describe()
