"""All ports together, as a command gets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from modelway.core.adoption import Found, Site
    from modelway.core.config import Environment, ModelConfig, RegistrySpec
    from modelway.core.diagnosis import Examination
    from modelway.core.drift import About, Change
    from modelway.core.iam import Permissions
    from modelway.core.rules import Governing
    from modelway.ports.artifacts import ArtifactStore, Shelf
    from modelway.ports.building import Builder, Containers
    from modelway.ports.judging import Advisories, Keys, RegistryScan, Scanner, WeightsScanner
    from modelway.ports.registry import Registry, Stock
    from modelway.ports.repository import CodeHost, Configs, History
    from modelway.ports.run import Clock, Reporter, Run
    from modelway.ports.target import Target


def of_checkout(config: ModelConfig) -> Governing:
    """Where there is no protected branch, what lies here counts."""
    from modelway.core import rules  # noqa: PLC0415  (at first use)

    return rules.Governing(rules=rules.of_checkout(config))


def unopened(*_: object) -> Never:
    """What a world without a port does when it is asked for it all the same."""
    msg = "this world has no such port"
    raise AssertionError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a command may use. Only ``wiring`` makes one; what costs imports is opened on demand."""

    reporter: Reporter
    clock: Clock
    run: Run
    configs: Configs
    builder: Callable[[], Builder]
    containers: Callable[[], Containers]
    registry: Callable[[RegistrySpec], Registry]
    artifacts: Callable[[ModelConfig, Environment], ArtifactStore]
    target: Callable[[ModelConfig, Environment], Target]
    scanner: Callable[[str, ModelConfig, Path], Scanner]
    """A scanner by name, for a model, with the advisories' index it is to use."""
    advisories: Callable[[Path | None], Advisories]
    """An index of advisories; ``None`` for this user's own."""
    history: Callable[[], History]
    permissions: Callable[[ModelConfig, Environment], Permissions]
    """What the target's verbs need in its account."""
    changes: Callable[[ModelConfig, Environment, About], tuple[Change, ...]] = unopened
    """Who changed what an environment runs, newest first; raises ``Unavailable`` where nobody can tell."""
    found: Callable[[Site], Found] = unopened
    """What serves somewhere that somebody else made it; raises what keeps it from being adopted."""
    stock: Callable[[RegistrySpec], Stock] = unopened
    """All that a repository holds."""
    shelf: Callable[[ModelConfig, Environment], Shelf] = unopened
    """All copies of a model's artifacts in an environment's bucket."""
    keys: Callable[[ModelConfig], Keys] = unopened
    """The signing keys a config names."""
    acting: Callable[[ModelConfig, Environment], str] = unopened
    """ARN of the role by which the environment is changed, after making sure that it is that role.

    For an emergency, whose rights are another's: raises ``Unavailable`` where it may not be assumed.
    """
    registry_scan: Callable[[ModelConfig], RegistryScan] = unopened
    """The registry's own scan of the model's images."""
    weights: Callable[[], WeightsScanner] = unopened
    """What looks into model artifacts."""
    rules: Callable[[ModelConfig], Governing] = of_checkout
    """Which scan policy and which waivers count for a model."""
    hosting: Callable[[], CodeHost] = unopened
    """GitHub; raises ``Unavailable`` where the token or the repository is unknown."""
    examinations: Callable[[Sequence[ModelConfig]], Sequence[Examination]] = unopened
    """What ``doctor`` looks at beside the configs themselves."""
