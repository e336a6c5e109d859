"""Where each account's metrics are."""

from __future__ import annotations

from collections import defaultdict

from modelway.rehearsal.metrics import Store

_stores: dict[tuple[str, str], Store] = defaultdict(Store)


def store_of(account: str, region: str) -> Store:
    """All metrics of one account and region."""
    return _stores[account, region]
