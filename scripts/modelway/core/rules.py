"""Which policy counts for a model: its config's, its environments' and the organisation's, from one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from modelway.core.config import ModelConfig
from modelway.core.roots import Roots, replaced, unlocked, weaker
from modelway.core.scan_spec import Organisation, Policy, ScanSpec
from modelway.core.tighten import effective, tightened

CHECKOUT = "the checkout"
"""Where nobody protects anything: on a laptop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one commit, or the checkout, says."""

    scan: ScanSpec
    environments: Mapping[str, ScanSpec] = field(default_factory=dict)
    organisation: Organisation | None = None
    source: str = CHECKOUT
    """Where it was read from, for people."""
    wishes: Rules | None = None
    """Those of the checkout, where they are not what counts: they may only make it stricter."""

    roots: Roots = field(default=Roots(), compare=False)
    """Whose word counts; of no difference to what a scan is judged by."""

    def undermined(self, environment: str) -> str:
        """What the checkout trusts in spite of these rules; empty where it does not, or where it decides."""
        return weaker(self.roots, self.wishes.roots, environment) if self.wishes else ""

    def unlocked(self, environment: str) -> str:
        """By whom the checkout lets the glass be broken in spite of these rules; empty as above."""
        return unlocked(self.roots, self.wishes.roots, environment) if self.wishes else ""

    def policy(self, environment: str | None = None) -> Policy:
        """What counts on the way into an environment; ``None`` is before it goes anywhere."""
        policy = self._own(environment)
        if self.wishes is None:
            return policy
        if environment is not None and self.roots.before and environment not in self.roots.before:
            policy = self._unknown(policy, environment, self.wishes)
        return tightened(policy, self.wishes.policy(environment))

    def _own(self, environment: str | None) -> Policy:
        policy = effective(self.scan, self.environments, self.organisation, environment)
        return replace(policy, source=self.source)

    def _unknown(self, policy: Policy, environment: str, wishes: Rules) -> Policy:
        """Into an environment that these rules do not have: no less than into one that it may have been."""
        names = sorted(replaced(self.roots, wishes.roots, environment))
        for name in names:
            policy = tightened(policy, self._own(name))
        counts = "the rules of its scan count"
        if names:
            counts += f", and those of {', '.join(names)}, which this checkout does not have"
        return replace(policy, source=f"{self.source}, which has no environment {environment}: {counts}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Governing:
    """The rules that decide here, and those they differ from."""

    rules: Rules
    other: Rules | None = None
    """The checkout's, which decide once they are merged; ``None`` where they are the same."""


def of_checkout(
    config: ModelConfig, organisation: Organisation | None = None, roots: Roots | None = None
) -> Rules:
    """What the config as it lies here says."""
    environments = {name: place.scan for name, place in config.environments.items() if place.scan}
    found = Rules(scan=config.scan, environments=environments, organisation=organisation)
    return replace(found, roots=roots) if roots else found


def governing(checkout: Rules, protected: Rules) -> Governing:
    """The protected branch decides; the checkout may only ask for more."""
    same = replace(protected, source=checkout.source) == checkout
    return Governing(rules=replace(protected, wishes=checkout), other=None if same else checkout)
