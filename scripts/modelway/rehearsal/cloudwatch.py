"""CloudWatch's metrics where moto's differ from AWS: raw data is kept, percentiles and math are computed.

What moto answers instead is shown by ``tests/rehearsal/test_cloudwatch.py``.
"""

from __future__ import annotations

from collections import defaultdict

from modelway.rehearsal.metrics import Store

_stores: dict[tuple[str, str], Store] = defaultdict(Store)


def store_of(account: str, region: str) -> Store:
    """All metrics of one account and region."""
    return _stores[account, region]
