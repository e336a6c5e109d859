"""What somebody changed of what serves since it was released, as values. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """One setting that the pointer keeps itself, beside the version, and has not as the version says."""

    field: str
    """As the config spells it: ``settings.network.subnets``."""
    config: str
    world: str


def altered(config: Mapping[str, str], world: Mapping[str, str]) -> tuple[Altered, ...]:
    """The settings whose values, for people, are not alike; what one side does not have is ``none``."""
    return tuple(
        Altered(field=f"settings.{name}", config=config.get(name, "none"), world=world.get(name, "none"))
        for name in {**config, **world}
        if config.get(name, "none") != world.get(name, "none")
    )
