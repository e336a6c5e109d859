"""Looking needs less than acting: the roles a verb that only reads may use, and those of an emergency."""

from __future__ import annotations

from dataclasses import replace

from modelway.core.config import Environment, ModelConfig, RegistrySpec


def testifying(config: ModelConfig) -> RegistrySpec:
    """The registry as an environment's deployment may use it: to attach what it saw, and nothing else."""
    return replace(config.registry, push_role=config.registry.evidence_role)


def pruning(config: ModelConfig) -> ModelConfig:
    """The config as what deletes is to see it: by the one role that may, here and in every environment."""
    role, places = config.registry.prune_role, config.environments.items()
    return replace(
        config,
        registry=replace(config.registry, push_role=role),
        environments={name: replace(place, deploy_role=role) for name, place in places},
    )


def reading(config: ModelConfig) -> ModelConfig:
    """The config as a verb that only reads is to see it: no role in it can change anything."""
    places = config.environments.items()
    return replace(
        config,
        registry=replace(config.registry, push_role=config.registry.read_role),
        environments={name: replace(place, deploy_role=place.plan_role) for name, place in places},
    )


def breaking(config: ModelConfig, place: Environment, role: str) -> ModelConfig:
    """The config as a deployment that breaks an environment's glass sees it: it acts by that role alone."""
    changed = replace(place, deploy_role=role)
    return replace(config, environments={**config.environments, place.name: changed})


def glass_environment(environment: str) -> str:
    """The GitHub environment whose jobs, and nobody else, may assume its break-glass role."""
    return f"{environment}-break-glass"
