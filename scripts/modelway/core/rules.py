"""Which policy counts for a model: its config's, its environments' and the organisation's, from one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from modelway.core.config import ModelConfig
from modelway.core.scan_spec import Organisation, Policy, ScanSpec
from modelway.core.tighten import binding, effective, strictest

CHECKOUT = "the checkout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one commit, or the checkout, says."""

    scan: ScanSpec
    environments: Mapping[str, ScanSpec] = field(default_factory=dict)
    organisation: Organisation | None = None
    source: str = CHECKOUT
    """Where it was read from, for people."""

    def policy(self, environment: str | None = None) -> Policy:
        """What counts on the way into an environment; ``None`` is before it goes anywhere."""
        return replace(
            effective(self.scan, self.environments, self.organisation, environment), source=self.source
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Governing:
    """The rules that decide here, and those they differ from."""

    rules: Rules
    other: Rules | None = None
    """On a pull request, what decides until it is merged; ``None`` where that is the same."""


def of_checkout(config: ModelConfig, organisation: Organisation | None = None) -> Rules:
    """What the config as it lies here says."""
    environments = {name: place.scan for name, place in config.environments.items() if place.scan}
    return Rules(scan=config.scan, environments=environments, organisation=organisation)


def unknown_there(config: ModelConfig, organisation: Organisation | None, source: str) -> Rules:
    """For a config the protected branch does not have: its own wishes count only where they are stricter."""
    here = of_checkout(config, organisation)
    scan = strictest(binding(ScanSpec()), replace(config.scan, waivers=()))
    environments = {name: replace(spec, waivers=()) for name, spec in here.environments.items()}
    return replace(here, scan=scan, environments=environments, source=source)
