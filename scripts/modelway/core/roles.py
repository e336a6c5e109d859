"""The roles a set of configs counts on: what each may do, and who may assume it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from modelway.core.access import glass_environment
from modelway.core.config import Environment, ModelConfig
from modelway.core.grants import (
    artifact_checking,
    artifact_pruning,
    artifact_reading,
    artifact_writing,
    assuming,
    history_reading,
    registry_attaching,
    registry_checking,
    registry_pruning,
    registry_reading,
    registry_writing,
    signing,
    verifying,
)
from modelway.core.iam import Permissions, Statements, merged
from modelway.core.naming import partition, role_arn


class Kind(StrEnum):
    """What a role is for."""

    BUILD = "build"
    """To find what was built before; in the registry's account. The plan and deploy roles of other
    accounts read the registry through it."""
    PUSH = "push"
    """To push and attach reports; in the registry's account."""
    EVIDENCE = "evidence"
    """To attach what an environment saw of an image; in the registry's account."""
    REGISTRY = "registry"
    """To see what every environment runs, and to delete what none needs; in the registry's account."""
    PLAN = "plan"
    """To look at an environment and change nothing."""
    DEPLOY = "deploy"
    """To change an environment."""
    BREAK_GLASS = "break-glass"
    """To change an environment in an emergency, past its gate's policy."""
    RETIRE = "retire"
    """To remove a model from an environment for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role, of all configs that name it."""

    account: str
    name: str
    partition: str
    kinds: frozenset[Kind]
    models: frozenset[str]
    environments: frozenset[str] = frozenset()
    statements: Statements = ()
    assumed_by: frozenset[str] = frozenset()
    """ARNs of roles in other accounts."""

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.name}"

    @property
    def words(self) -> str:
        """What it is for, as people say it."""
        kinds = "+".join(kind for kind in Kind if kind in self.kinds)
        where = f" of {', '.join(sorted(self.environments))}" if self.environments else ""
        return f"{self.name} ({kinds}{where}) in {self.account}"


Needs = Callable[[ModelConfig, Environment], Permissions]
"""What a target's verbs need, as ``World.permissions`` says."""


def roles(configs: Iterable[ModelConfig], needs: Needs) -> tuple[Role, ...]:
    """Every role, in the order a release comes by them."""
    found: dict[str, Role] = {}
    for config in configs:
        for role in _Reader(config, needs).roles():
            found[role.arn] = _united(found[role.arn], role) if role.arn in found else role
    order = {kind: place for place, kind in enumerate(Kind)}
    ordered = sorted(found.values(), key=lambda role: (min(order[k] for k in role.kinds), role.arn))
    return tuple(replace(role, statements=merged(role.statements)) for role in ordered)


def _united(one: Role, other: Role) -> Role:
    """A role that two places name."""
    return replace(
        one,
        kinds=one.kinds | other.kinds,
        models=one.models | other.models,
        environments=one.environments | other.environments,
        statements=(*one.statements, *other.statements),
        assumed_by=one.assumed_by | other.assumed_by,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """One config's roles."""

    config: ModelConfig
    needs: Needs

    def roles(self) -> Iterator[Role]:
        """All of them."""
        spec = self.config.registry
        keys, here = self.config.evidence, (spec.account, spec.region)
        looking = (*registry_reading(self.config), *registry_checking(self.config))
        reading = (*looking, *verifying(keys, *here))
        build = self._role(Kind.BUILD, spec.read_role, reading, *here)
        yield replace(build, assumed_by=frozenset(self._visitors()))
        pushing = (
            *registry_writing(self.config),
            *registry_checking(self.config),
            *(statement for place in self.config.environments.values() for statement in self._use_of(place)),
            *signing(keys, *here),
            *verifying(keys, *here),
        )
        yield self._role(Kind.PUSH, spec.push_role, pushing, *here)
        yield from self._evidence()
        yield from self._pruning()
        for place in self.config.environments.values():
            yield from self._of(place)

    def _evidence(self) -> Iterator[Role]:
        """The one deployments of other accounts attach their verdicts by, where there are any."""
        spec = self.config.registry
        places = [e for e in self.config.environments.values() if e.account != spec.account]
        if places:
            statements = registry_attaching(self.config)
            role = self._role(Kind.EVIDENCE, spec.evidence_role, statements, spec.account, spec.region)
            deployers = {arn for each in places for arn in _deployers(each)}
            yield replace(role, assumed_by=frozenset(deployers))

    def _pruning(self) -> Iterator[Role]:
        """The only one that prunes: it sees as the plan roles do, and deletes weights in their accounts."""
        spec, kind = self.config.registry, Kind.REGISTRY
        name, here = spec.prune_role, (spec.account, spec.region)
        statements = [*registry_pruning(self.config), *verifying(self.config.evidence, *here)]
        arn = role_arn(name, *here)
        for place in self.config.environments.values():
            there, pruning = (place.account, place.region), artifact_pruning(self.config, place)
            if place.account == spec.account:
                looking = (*self.needs(self.config, place).plan, *artifact_checking(self.config, place))
                statements += (*looking, *pruning)
                continue
            statements.append(assuming(place.plan_role, *there))
            if pruning:
                statements.append(assuming(name, *there))
                yield replace(self._role(kind, name, pruning, *there), assumed_by=frozenset({arn}))
        yield self._role(kind, name, tuple(statements), *here)

    def _of(self, place: Environment) -> Iterator[Role]:
        """One environment's."""
        told, places = self.needs(self.config, place), [*self.config.environments.values()]
        looking = (
            *told.plan,
            *artifact_reading(self.config, place),
            *self._registry(place),
            *verifying(place.evidence, place.account, place.region),
        )
        acting = (
            *looking,
            *told.deploy,
            *artifact_writing(self.config, place),
            *self._attaching(place),
            *signing(place.evidence, place.account, place.region),
        )
        # A pull request is planned for every environment by the last one's plan role.
        before = places[: places.index(place)]
        source = [each for each in before if each.name == place.promote_from]
        seen = [statement for each in before for statement in self._look_at(each, place)]
        judged = [statement for each in source for statement in self._look_at(each, place)]
        seeing = (*looking, *artifact_checking(self.config, place), history_reading())
        plan = self._role(Kind.PLAN, place.plan_role, (*seeing, *seen), place.account, place.region)
        deploy = self._role(Kind.DEPLOY, place.deploy_role, (*acting, *judged), place.account, place.region)
        yield replace(plan, environments=frozenset({place.name}), assumed_by=self._later(place))
        yield replace(deploy, environments=frozenset({place.name}))
        if place.break_glass_role:
            glass = replace(deploy, name=place.break_glass_role, kinds=frozenset({Kind.BREAK_GLASS}))
            yield replace(glass, environments=frozenset({glass_environment(place.name)}))
        removing = (*told.plan, *told.retire)
        retire = self._role(Kind.RETIRE, place.retire_role, removing, place.account, place.region)
        yield replace(retire, environments=frozenset({place.name}))

    def _use_of(self, place: Environment) -> Statements:
        """Seeing from the registry's account what an environment needs."""
        if place.account == self.config.registry.account:
            return self.needs(self.config, place).plan
        return (assuming(place.plan_role, place.account, place.region),)

    def _registry(self, place: Environment) -> Statements:
        """Reading the registry from an environment's account."""
        spec = self.config.registry
        if spec.account == place.account:
            return registry_reading(self.config)
        return (assuming(spec.read_role, spec.account, spec.region),)

    def _attaching(self, place: Environment) -> Statements:
        """Attaching the environment's verdict from its account."""
        spec = self.config.registry
        if spec.account == place.account:
            return registry_attaching(self.config)
        return (assuming(spec.evidence_role, spec.account, spec.region),)

    def _look_at(self, other: Environment, place: Environment) -> Statements:
        """Looking at an earlier environment from this one's account."""
        if other.account != place.account:
            return (assuming(other.plan_role, other.account, other.region),)
        return (*self.needs(self.config, other).plan, *artifact_reading(self.config, other))

    def _later(self, place: Environment) -> frozenset[str]:
        """Roles of other accounts that look at it: of environments after it, and the registry's."""
        places = [*self.config.environments.values()]
        after = [each for each in places[places.index(place) + 1 :] if each.account != place.account]
        plans = {role_arn(each.plan_role, each.account, each.region) for each in after}
        promoted = [each for each in after if each.promote_from == place.name]
        spec = self.config.registry
        guards = {spec.prune_role, spec.push_role} if spec.account != place.account else {*()}
        keepers = {role_arn(name, spec.account, spec.region) for name in guards}
        return frozenset({*plans, *keepers, *(arn for each in promoted for arn in _deployers(each))})

    def _visitors(self) -> Iterator[str]:
        """Roles of other accounts that read the registry: those of every environment."""
        for place in self.config.environments.values():
            if place.account != self.config.registry.account:
                yield role_arn(place.plan_role, place.account, place.region)
                yield from _deployers(place)

    def _role(self, kind: Kind, name: str, statements: Statements, account: str, region: str) -> Role:
        return Role(
            account=account,
            name=name,
            partition=partition(region),
            kinds=frozenset({kind}),
            models=frozenset({self.config.name}),
            statements=statements,
        )


def _deployers(place: Environment) -> Iterator[str]:
    """The roles that change an environment."""
    for role in filter(None, (place.deploy_role, place.break_glass_role)):
        yield role_arn(role, place.account, place.region)
