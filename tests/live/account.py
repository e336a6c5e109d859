"""The sandbox account: what the file of ``--live`` says, and what a run may cost at the most.

Prices are on-demand prices of us-east-1 in USD, as published in 2026, taken half as much again, because
regions differ. What runs is fixed here, and so is for how long: that is what caps a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

EVERYWHERE = "0.0.0.0/0"
_DEARER = 1.5
"""The dearest region's prices, over those of us-east-1."""
_AROUND = 0.10
"""The registry, logs, alarms and metrics of one target's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one target's part of a run uses at the most, and for how long."""

    hourly: float
    """USD an hour, while everything there can be runs."""
    minutes: int
    """After so many the part is broken off, and cleaned up."""

    @property
    def cost(self) -> float:
        """USD at the most."""
        return (self.hourly * self.minutes / 60 + _AROUND) * _DEARER


SHARES: Mapping[str, Share] = {
    # Two ml.m5.large, those of an update.
    "sagemaker": Share(hourly=2 * 0.115, minutes=90),
    # Four tasks of 0.25 vCPU and 0.5 GB, an Application Load Balancer with one LCU, and six public addresses.
    "ecs": Share(hourly=4 * (0.25 * 0.04048 + 0.5 * 0.004445) + 0.0225 + 0.008 + 6 * 0.005, minutes=60),
    # A gigabyte that answers all the time; it answers a few dozen requests.
    "lambda": Share(hourly=3600 * 0.0000166667, minutes=20),
}


class Unfit(Exception):
    """The file is none, or the run would cost more than it allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A sandbox account."""

    number: str
    region: str
    spend_at_most: float
    """USD."""
    targets: tuple[str, ...]
    ingress: str = EVERYWHERE
    """Addresses that may ask the load balancer."""

    @property
    def cost(self) -> float:
        """USD a run costs at the most."""
        return sum(SHARES[target].cost for target in self.targets)


def read(path: Path) -> Account:
    """Read the file; raises ``Unfit``, also where the run would cost more than it allows."""
    found = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise Unfit(f"{path} is no mapping; docs/how-to/live-tests.md shows one")
    unknown = set(found) - {"account", "region", "spend_at_most", "targets", "ingress"}
    missing = {"account", "region", "spend_at_most"} - set(found)
    if unknown or missing:
        raise Unfit(f"{path}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    targets = tuple(str(name) for name in found.get("targets", SHARES))
    if strangers := set(targets) - set(SHARES):
        raise Unfit(
            f"{path}: there is no target {', '.join(sorted(strangers))}; there are {', '.join(SHARES)}"
        )
    account = Account(
        number=str(found["account"]),
        region=str(found["region"]),
        spend_at_most=float(found["spend_at_most"]),
        targets=targets,
        ingress=str(found.get("ingress", EVERYWHERE)),
    )
    if account.cost > account.spend_at_most:
        told = ", ".join(f"{name} {SHARES[name].cost:.2f}" for name in targets)
        raise Unfit(
            f"{path}: a run may cost {account.cost:.2f} USD ({told}), more than {account.spend_at_most:.2f}: "
            "raise spend_at_most, or name fewer targets"
        )
    return account
