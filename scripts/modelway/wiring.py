"""Which adapter stands behind which port: the only place that knows both."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from modelway.adapters import clock, environment, git
from modelway.adapters.clock import RealClock
from modelway.adapters.lines import Masks
from modelway.core.checks import Subject
from modelway.core.config import Environment, ModelConfig, RegistrySpec
from modelway.core.problem import Flaw
from modelway.errors import Malformed
from modelway.ports import (
    Advisories,
    ArtifactStore,
    Builder,
    Clock,
    Configs,
    Containers,
    Registry,
    Reporter,
    Run,
    Scanner,
    Target,
    World,
)

if TYPE_CHECKING:
    from modelway.adapters.aws import Accounts

WORKSPACE = ".modelway"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What ``__main__`` needs before there is a world, and when there will be none."""

    reporter: Reporter
    clock: RealClock
    masks: Masks

    def world(self) -> World:
        """Everything a command may use."""
        run = _run(self.reporter)
        return _world(self, run)

    def bug_report(self, error: BaseException, argv: Sequence[str]) -> Path:
        """Write down what nobody foresaw; returns where."""
        from modelway.adapters import bugreport  # noqa: PLC0415  (only a bug needs it)

        folder = git.look(Path.cwd()).root / WORKSPACE
        return bugreport.write(folder, error, argv=argv, at=self.clock.now(), masks=self.masks)


def open_house() -> House:
    """Choose the reporter and the clock by the environment."""
    masks = Masks()
    real = RealClock()
    if environment.get("GITHUB_ACTIONS") == "true":
        from modelway.adapters.github import GitHub  # noqa: PLC0415  (only one of the two is needed)

        reporter: Reporter = GitHub(
            sys.stdout,
            sys.stderr,
            real,
            masks,
            summary_file=_file("GITHUB_STEP_SUMMARY"),
            output_file=_file("GITHUB_OUTPUT"),
        )
    else:
        from modelway.adapters.terminal import Terminal  # noqa: PLC0415  (only one of the two is needed)

        reporter = Terminal(sys.stdout, sys.stderr, real, masks)
    return House(reporter=reporter, clock=real, masks=masks)


def _file(variable: str) -> Path | None:
    """The file a variable names, if it names one."""
    name = environment.get(variable)
    return Path(name) if name else None


def _run(reporter: Reporter) -> Run:
    """Where and for whom this process runs."""
    checkout = git.look(Path.cwd())
    if checkout.trouble:
        reporter.warn(checkout.trouble)
    ci = environment.get("GITHUB_ACTIONS") == "true"
    return Run(
        root=checkout.root,
        workspace=checkout.root / WORKSPACE,
        ci=ci,
        source=checkout.source,
        revision=checkout.revision,
        actor=_actor() if ci else environment.get("USER") or environment.get("LOGNAME"),
    )


def _actor() -> str:
    """The workflow run's address, which also leads to who started it."""
    server, repository, run = (
        environment.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("GITHUB_ACTOR")


def _world(house: House, run: Run) -> World:
    """The ports, each opened when it is first asked for and then kept."""
    reporter, world_clock = house.reporter, clock.from_environment()

    @cache
    def builder() -> Builder:
        from modelway.adapters.buildkit import BuildKit  # noqa: PLC0415  (opened on demand)

        return BuildKit(run=run, reporter=reporter)

    @cache
    def containers() -> Containers:
        from modelway.adapters.containers import DockerContainers  # noqa: PLC0415  (opened on demand)

        return DockerContainers(clock=world_clock)

    @cache
    def accounts() -> Accounts:
        from modelway.adapters.aws import Accounts  # noqa: PLC0415  (opened on demand)

        return Accounts()

    def registry(spec: RegistrySpec) -> Registry:
        from modelway.adapters.ecr import Ecr  # noqa: PLC0415  (opened on demand)

        return Ecr(accounts(), spec, reporter=reporter)

    def artifacts(config: ModelConfig, environment_: Environment) -> ArtifactStore:
        from modelway.adapters.artifacts import S3Artifacts  # noqa: PLC0415  (opened on demand)

        return S3Artifacts(accounts(), config, environment_)

    def target(config: ModelConfig, environment_: Environment) -> Target:
        from modelway.targets import TARGETS  # noqa: PLC0415  (opened on demand)

        module = _listed(TARGETS, environment_.target, "target")
        opened: Target = module.open_target(
            config, environment_, accounts(), artifacts(config, environment_), world_clock
        )
        return opened

    def scanner(name: str, database: Path) -> Scanner:
        from modelway.scanners import SCANNERS  # noqa: PLC0415  (opened on demand)

        module = _listed(SCANNERS, name, "scanner")
        opened: Scanner = module.open_scanner(database)
        return opened

    def advisories(path: Path | None) -> Advisories:
        from modelway.adapters.advisories import OsvIndex, location  # noqa: PLC0415  (opened on demand)

        return OsvIndex(path or location(environment.variables()), world_clock, reporter)

    return World(
        reporter=reporter,
        clock=world_clock,
        run=run,
        configs=_configs(run, world_clock),
        builder=builder,
        containers=containers,
        registry=registry,
        artifacts=artifacts,
        target=target,
        scanner=scanner,
        advisories=advisories,
    )


def _configs(run: Run, world_clock: Clock) -> Configs:
    """The repository's configs, with what each target would refuse."""
    from modelway.adapters import configs, service_models  # noqa: PLC0415  (reads YAML only when asked to)
    from modelway.targets import sagemaker_checks  # noqa: PLC0415  (likewise)

    def sagemaker(subject: Subject, environment_: Environment) -> Iterator[Flaw]:
        limits = service_models.limits("sagemaker", sagemaker_checks.SHAPES)
        return sagemaker_checks.check(subject, environment_, limits)

    return configs.Configs(run.root, today=lambda: world_clock.now().date(), checks={"sagemaker": sagemaker})


def _listed(listed: Mapping[str, str], name: str, kind: str) -> ModuleType:
    """The module behind a name in a config."""
    if name not in listed:
        raise Malformed(
            f"There is no {kind} {name!r}",
            seen=f"There are: {', '.join(sorted(listed))}.",
            cure=f"correct the {kind}'s name in the config.",
        )
    return import_module(listed[name])
