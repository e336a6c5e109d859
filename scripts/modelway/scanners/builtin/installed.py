"""What is installed in an image, as a value: judging a stored report needs no reader of images."""

from __future__ import annotations

from dataclasses import dataclass

from modelway.core.findings import Package
from modelway.core.report import Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What is installed."""

    distro: str
    """As OSV names it: ``Debian:12``; empty where there is no distribution, or none that is known."""
    packages: tuple[Package, ...]
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
