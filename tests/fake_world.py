"""A world of fakes: two environments in memory, one image pushed and scanned, no AWS and no Docker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Image
from modelway.core.json import canonical
from modelway.core.problem import Problem
from modelway.core.report import Database, Report
from modelway.core.report_json import report_json
from modelway.core.scan_spec import ScanSpec
from modelway.delivery import Delivery
from modelway.errors import NotEvaluated
from modelway.papers import REPORT_TYPE
from modelway.ports import Advisories, HttpAnswer, HttpRequest, Run, World
from tests.configs import model_config
from tests.fake_images import FakeRegistry, manifest_over
from tests.fake_registry_scan import FakeRegistryScan
from tests.fake_shelf import FakeShelf
from tests.fake_stock import FakeStock
from tests.fake_target import Clock, FakeTarget
from tests.fakes import FakeKeys, FakeReporter
from tests.reports import NOW, package, report

GOOD = HttpAnswer(status=200, body=b"[0]", content_type="application/json", latency=0.01)


@dataclass
class AnsweringTarget(FakeTarget):
    """A fake target that answers requests, too."""

    answer: HttpAnswer = GOOD
    walks: bool = True

    def invoke(self, request: HttpRequest, version: object, /) -> HttpAnswer:
        """The same answer for everybody."""
        del request, version
        return self.answer


@dataclass
class OneConfig:
    """Reads one config, whatever the path."""

    config: ModelConfig

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """Whatever is asked for."""
        return tuple(map(Path, paths))

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """The config, without problems."""
        del path
        return self.config, ()

    def load(self, path: Path, /) -> ModelConfig:
        """The config."""
        del path
        return self.config

    def organisation(self) -> tuple[None, tuple[Problem, ...]]:
        """There is no policy of an organisation."""
        return None, ()


class NoAdvisories:
    """A machine without an index: what is stored is judged as it was found."""

    def about(self) -> Database:
        """There is none."""
        raise NotEvaluated("there are no advisories on this machine")


@dataclass
class Stage:
    """The world, and what a test wants to look at afterwards."""

    config: ModelConfig = field(default_factory=lambda: model_config(artifact=None))
    clock: Clock = field(default_factory=lambda: Clock(time=NOW))
    reporter: FakeReporter = field(default_factory=FakeReporter)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    targets: dict[str, AnsweringTarget] = field(default_factory=dict)
    scan: FakeRegistryScan = field(default_factory=FakeRegistryScan)
    keys: FakeKeys = field(default_factory=FakeKeys)
    stock: FakeStock = field(init=False)
    shelf: FakeShelf = field(default_factory=FakeShelf)
    acted: list[str] = field(default_factory=list)
    """Roles an emergency acted by."""

    def __post_init__(self) -> None:
        self.stock = FakeStock(self.registry, self.clock)
        for name in self.config.environments:
            self.targets.setdefault(name, AnsweringTarget(clock=self.clock))

    @property
    def world(self) -> World:
        """The ports, as a command gets them."""
        nothing: Any = None  # what no test here may reach
        return World(
            reporter=self.reporter,
            clock=self.clock,
            run=Run(root=Path.cwd(), workspace=Path.cwd() / ".modelway", revision="r1"),
            configs=OneConfig(self.config),
            builder=nothing,
            containers=nothing,
            registry=lambda _: self.registry,
            artifacts=nothing,
            target=self._open,
            scanner=nothing,
            advisories=lambda _: cast("Advisories", NoAdvisories()),
            history=nothing,
            permissions=nothing,
            registry_scan=lambda _: self.scan,
            keys=lambda _: self.keys,
            stock=self.stock.opened,
            shelf=self.shelf.opened,
            acting=self._act,
        )

    def _act(self, config: ModelConfig, place: Environment) -> str:
        """As its deploy role, remembered."""
        del config
        self.acted.append(place.deploy_role)
        return f"arn:aws:iam::{place.account}:role/{place.deploy_role}"

    def _open(self, config: ModelConfig, place: Environment) -> AnsweringTarget:
        """The environment's target, with the capacity its config wants."""
        del config
        target = self.targets[place.name]
        target.capacity = place.capacity
        return target

    def delivery(self, environment: str) -> Delivery:
        """The way into an environment."""
        return Delivery.open(self.world, self.config, environment)

    def push(self, name: str = "one", *reports: Report) -> Image:
        """An image in the registry with a report of it that found nothing, unless others are given."""
        manifest = manifest_over(name.encode())
        self.registry.manifests[manifest.digest] = manifest
        assert manifest.config
        found = reports or (replace(report(), subject=manifest.config, packages=(package(),)),)
        document = canonical({"reports": [report_json(one) for one in found], "verdict": {}}).encode()
        self.registry.attach(manifest.digest, REPORT_TYPE, document, created=self.clock.now())
        return Image(self.registry.repository, manifest.digest)

    def with_scan(self, **changes: object) -> Stage:
        """The same stage under another scan policy."""
        self.config = replace(self.config, scan=replace(ScanSpec(), **changes, said=frozenset(changes)))  # type: ignore[arg-type]
        return self
