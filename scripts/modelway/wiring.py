"""Which adapter stands behind which port: the only place that knows both."""

# ruff: noqa: PLC0415  (what costs imports is opened on demand)

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from modelway.adapters import clock, environment, git, invocation
from modelway.adapters.clock import RealClock
from modelway.adapters.lines import Masks
from modelway.core.naming import pointer_name
from modelway.errors import Malformed
from modelway.ports import (
    Advisories,
    ArtifactStore,
    Builder,
    CodeHost,
    Containers,
    History,
    Keys,
    Registry,
    RegistryScan,
    Reporter,
    Run,
    Scanner,
    Shelf,
    Stock,
    Target,
    WeightsScanner,
    World,
)
from modelway.scanners import SCANNERS
from modelway.targets import TARGETS

# On every command's way, like ``ports``: what is only named here is not loaded.
if TYPE_CHECKING:
    from datetime import date

    import boto3

    from modelway.adapters.aws import Accounts
    from modelway.core.adoption import Found, Site
    from modelway.core.checks import Subject, TargetCheck
    from modelway.core.config import Environment, ModelConfig, RegistrySpec
    from modelway.core.diagnosis import Examination
    from modelway.core.drift import About, Change
    from modelway.core.iam import Permissions
    from modelway.core.problem import Flaw
    from modelway.core.rules import Governing


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What ``__main__`` needs before there is a world, and when there will be none."""

    reporter: Reporter
    clock: RealClock
    masks: Masks

    def world(self) -> World:
        """Everything a command may use."""
        return _world(self, invocation.look(self.reporter))

    def bug_report(self, error: BaseException, argv: Sequence[str]) -> Path:
        """Write down what nobody foresaw; returns where."""
        from modelway.adapters import bugreport

        folder = git.look(Path.cwd()).root / invocation.WORKSPACE
        return bugreport.write(folder, error, argv=argv, at=self.clock.now(), masks=self.masks)


def open_house() -> House:
    """Choose the reporter and the clock by the environment."""
    masks = Masks()
    real = RealClock()
    if environment.get("GITHUB_ACTIONS") == "true":
        from modelway.adapters.github import GitHub

        reporter: Reporter = GitHub(
            sys.stdout,
            sys.stderr,
            real,
            masks,
            summary_file=_file("GITHUB_STEP_SUMMARY"),
            output_file=_file("GITHUB_OUTPUT"),
        )
    else:
        from modelway.adapters.terminal import Terminal

        reporter = Terminal(sys.stdout, sys.stderr, real, masks)
    return House(reporter=reporter, clock=real, masks=masks)


def _file(variable: str) -> Path | None:
    """The file a variable names, if it names one."""
    name = environment.get(variable)
    return Path(name) if name else None


def _world(house: House, run: Run) -> World:
    """The ports, each opened when it is first asked for."""
    from modelway.adapters.configs import Configs
    from modelway.adapters.organisation import of_checkout

    doors = Doors(house.reporter, clock.from_environment(), run)
    return World(
        reporter=house.reporter,
        clock=doors.clock,
        run=run,
        configs=Configs(
            run.root,
            today=doors.today,
            checks=_checks(),
            organisation=cache(partial(of_checkout, run.root, doors.today)),
        ),
        builder=doors.builder,
        containers=doors.containers,
        registry=doors.registry,
        artifacts=doors.artifacts,
        found=doors.found,
        stock=doors.stock,
        shelf=doors.shelf,
        keys=doors.keys,
        acting=doors.acting,
        target=doors.target,
        scanner=doors.scanner,
        registry_scan=doors.registry_scan,
        advisories=doors.advisories,
        history=doors.history,
        permissions=doors.permissions,
        changes=doors.changes,
        weights=doors.weights,
        rules=doors.rules,
        hosting=doors.hosting,
        examinations=doors.examinations,
    )


class Doors:
    """Opens adapters, targets and scanners; imports each only then."""

    def __init__(self, reporter: Reporter, clock_: RealClock, run: Run) -> None:
        self.reporter, self.clock, self.run = reporter, clock_, run
        self._registries: dict[RegistrySpec, Registry] = {}

    @cached_property
    def accounts(self) -> Accounts:
        """One set of sessions for everything: who the caller is gets asked once."""
        from modelway.adapters.aws import Accounts

        return Accounts(self.clock)

    def builder(self) -> Builder:
        """BuildKit on this machine's engine."""
        return self._buildkit

    @cached_property
    def _buildkit(self) -> Builder:
        """Looks for the docker command once."""
        from modelway.adapters.buildkit import BuildKit

        return BuildKit(self.reporter, self.clock, self.run.root)

    def containers(self) -> Containers:
        """Containers on this machine."""
        from modelway.adapters.containers import DockerContainers

        return DockerContainers(self.clock)

    def registry(self, spec: RegistrySpec) -> Registry:
        """The model's ECR repository; one client and one login for all who ask."""
        from modelway.adapters.ecr import Ecr

        return self._registries.setdefault(spec, Ecr(self.accounts, spec, self.reporter, self.clock))

    def stock(self, spec: RegistrySpec) -> Stock:
        """All that the repository holds."""
        from modelway.adapters.ecr_stock import EcrStock

        return EcrStock(self.accounts, spec, self.clock)

    def artifacts(self, config: ModelConfig, place: Environment) -> ArtifactStore:
        """The environment's bucket."""
        from modelway.adapters.artifacts import S3Artifacts

        return S3Artifacts(self.accounts, config, place)

    def found(self, site: Site) -> Found:
        """What somebody else's endpoint is."""
        from modelway.targets.finding import find

        return find(_listed(TARGETS, site.target, "target").__name__, self.accounts, site)

    def shelf(self, config: ModelConfig, place: Environment) -> Shelf:
        """Every copy in the environment's bucket."""
        from modelway.adapters.artifact_shelf import S3Shelf

        return S3Shelf(self.accounts, config, place)

    def keys(self, config: ModelConfig) -> Keys:
        """The signing keys of the build and of each environment."""
        from modelway.adapters.signing import open_keys

        return open_keys(self.accounts, config, self.run.root)

    def _session(self, place: Environment) -> boto3.Session:
        """A session in an environment's account."""
        return self.accounts.session(place.account, place.region, place.deploy_role)

    def acting(self, config: ModelConfig, place: Environment) -> str:
        """As nobody else than the environment's own role."""
        del config
        return self.accounts.become(place.account, place.region, place.deploy_role)

    def target(self, config: ModelConfig, place: Environment) -> Target:
        """The platform the environment names."""
        module = _listed(TARGETS, place.target, "target")
        artifacts = self.artifacts(config, place)
        opened: Target = module.open_target(config, place, self.accounts, artifacts, self.clock)
        return opened

    def scanner(self, name: str, config: ModelConfig, database: Path) -> Scanner:
        """The scanner the config names."""
        from modelway.scanners.means import Means

        means = Means(
            config=config,
            root=self.run.root,
            database=database,
            say=self.reporter.progress,
            clock=self.clock,
            accounts=lambda: self.accounts,
        )
        opened: Scanner = _listed(SCANNERS, name, "scanner").open_scanner(means)
        return opened

    def today(self) -> date:
        """Of the world's clock."""
        return self.clock.now().date()

    @cached_property
    def rules(self) -> Callable[[ModelConfig], Governing]:
        """The protected branch's policy in a workflow, the checkout's elsewhere."""
        from modelway.adapters.github_api import open_rest
        from modelway.adapters.policies import Policies

        rest = partial(open_rest, self.reporter, self.clock, self.run.source)
        return Policies(root=self.run.root, ci=self.run.ci, today=self.today, rest=rest)

    def weights(self) -> WeightsScanner:
        """The builtin scanner's part for model files."""
        from modelway.scanners.builtin.weights import Weights

        return Weights()

    def registry_scan(self, config: ModelConfig) -> RegistryScan:
        """ECR's own scan."""
        from modelway.scanners.ecr import open_scan

        return open_scan(self.accounts, config.registry, self.clock)

    def advisories(self, database: Path | None) -> Advisories:
        """The index of advisories; this user's own where none is named."""
        from modelway.adapters.advisories import OsvIndex, location

        return OsvIndex(database or location(environment.variables()), self.clock, self.reporter)

    def history(self) -> History:
        """The commits of the repository this runs in."""
        from modelway.adapters.configs import Configs
        from modelway.adapters.history import GitHistory

        return GitHistory(self.run.root, Configs(self.run.root, today=self.today, checks=_checks()).past)

    def permissions(self, config: ModelConfig, place: Environment) -> Permissions:
        """What the platform's verbs need in the environment's account."""
        module = import_module(f"{_listed(TARGETS, place.target, 'target').__name__}.permissions")
        needed: Permissions = module.permissions(config, place)
        return needed

    def changes(self, config: ModelConfig, place: Environment, about: About) -> tuple[Change, ...]:
        """Who changed it, as the environment's CloudTrail says."""
        from modelway.adapters import trail

        events = import_module(f"{_listed(TARGETS, place.target, 'target').__name__}.changes").EVENTS[about]
        return trail.changes(self._session(place), pointer_name(config, place), events)

    def hosting(self) -> CodeHost:
        """GitHub's API, for the repository this runs in."""
        from modelway.adapters.github_api import open_api

        return open_api(self.reporter, self.clock, self.run.source)

    def examinations(self, configs: Sequence[ModelConfig]) -> Sequence[Examination]:
        """What ``doctor`` looks at: this machine, the accounts, each environment's platform, GitHub."""
        from modelway.adapters import examine_aws, examine_github, examine_glass, examine_tools

        found = [*examine_tools.examinations(self.run.root)]
        if configs:
            look = examine_aws.Look(self.accounts)
            found += examine_aws.examinations(configs, look)
            found += examine_glass.examinations(configs, look)
            for config in configs:
                for place in config.environments.values():
                    module = import_module(f"{_listed(TARGETS, place.target, 'target').__name__}.examination")
                    found += module.examinations(config, place, look)
        found += examine_tools.advisories(configs, self.advisories(None), self.clock)
        return [*found, *examine_github.examinations(configs, self.hosting)]


def _checks() -> Mapping[str, TargetCheck]:
    """What each target would refuse of a config, with the limits the installed botocore knows."""

    def checking(name: str) -> TargetCheck:
        def check(subject: Subject, place: Environment) -> Iterator[Flaw]:
            from modelway.adapters import service_models

            module = import_module(f"{TARGETS[name]}_checks")
            flaws: Iterator[Flaw] = module.check(subject, place, service_models.limits(name, module.SHAPES))
            return flaws

        return check

    return {name: checking(name) for name in TARGETS}


def _listed(listed: Mapping[str, str], name: str, kind: str) -> ModuleType:
    """The module behind a name in a config."""
    if name not in listed:
        known, cure = ", ".join(sorted(listed)), f"correct the {kind}'s name in the config."
        raise Malformed(f"There is no {kind} {name!r}", seen=f"There are: {known}.", cure=cure)
    return import_module(listed[name])
