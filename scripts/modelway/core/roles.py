"""The roles a set of configs counts on: what each may do, and who may assume it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from modelway.core.config import Environment, ModelConfig
from modelway.core.grants import (
    artifact_reading,
    artifact_writing,
    assuming,
    registry_reading,
    registry_writing,
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
    PLAN = "plan"
    """To look at an environment and change nothing."""
    DEPLOY = "deploy"
    """To change an environment."""


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
        build = self._role(
            Kind.BUILD, spec.read_role, registry_reading(self.config), spec.account, spec.region
        )
        yield replace(
            build, assumed_by=frozenset(self._visitors(spec.account, *self.config.environments.values()))
        )
        yield self._role(Kind.PUSH, spec.push_role, registry_writing(self.config), spec.account, spec.region)
        for place in self.config.environments.values():
            yield from self._of(place)

    def _of(self, place: Environment) -> Iterator[Role]:
        """One environment's."""
        told = self.needs(self.config, place)
        looking = (*told.plan, *artifact_reading(self.config, place), *self._elsewhere(place))
        acting = (*looking, *told.deploy, *artifact_writing(self.config, place))
        later = [each for each in self.config.environments.values() if each.promote_from == place.name]
        plan = self._role(Kind.PLAN, place.plan_role, looking, place.account, place.region)
        deploy = self._role(Kind.DEPLOY, place.deploy_role, acting, place.account, place.region)
        visitors = frozenset(self._visitors(place.account, *later))
        yield replace(plan, environments=frozenset({place.name}), assumed_by=visitors)
        yield replace(deploy, environments=frozenset({place.name}))

    def _elsewhere(self, place: Environment) -> Statements:
        """What an environment's roles look at beside it: the registry, and what it is promoted from."""
        spec = self.config.registry
        statements = (
            registry_reading(self.config)
            if spec.account == place.account
            else (assuming(spec.read_role, spec.account, spec.region),)
        )
        source = self.config.environments.get(place.promote_from or "")
        if source is None:
            return statements
        if source.account != place.account:
            return (*statements, assuming(source.plan_role, source.account, source.region))
        return (*statements, *self.needs(self.config, source).plan)

    def _visitors(self, account: str, *places: Environment) -> Iterator[str]:
        """Roles of these environments that come from another account."""
        for place in places:
            if place.account != account:
                yield role_arn(place.plan_role, place.account, place.region)
                yield role_arn(place.deploy_role, place.account, place.region)

    def _role(self, kind: Kind, name: str, statements: Statements, account: str, region: str) -> Role:
        return Role(
            account=account,
            name=name,
            partition=partition(region),
            kinds=frozenset({kind}),
            models=frozenset({self.config.name}),
            statements=statements,
        )
