"""Looking into the rehearsal's accounts afterwards: what users ask, what was answered, what was counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from modelway.core.config import ModelConfig
from modelway.ports import HttpRequest

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_SHOWN = 30
"""Characters of an answer."""


def question(config: ModelConfig, root_text: Mapping[str, bytes]) -> HttpRequest:
    """What users ask: the first contract test that expects a good answer."""
    for test in config.contract_tests:
        if test.expect.status == 200:  # noqa: PLR2004 - HTTP's OK
            body = test.body.encode() if test.body is not None else root_text[test.body_file or ""]
            return HttpRequest(body=body, content_type=test.content_type, accept=test.accept)
    return HttpRequest(body=b"{}")


def exchange(asked: bytes, said: bytes) -> str:
    """A question and its answer, short enough for a row."""
    return f"{_short(asked)} -> {_short(said)}"


def _short(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def total(watch: CloudWatchClient, namespace: str, metric: str, dimensions: Mapping[str, str]) -> int:
    """A metric's sum over the last hour."""
    now = datetime.now(UTC)
    points = watch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point.get("Sum", 0.0) for point in points))


def stages(said: str) -> list[tuple[str, float, str]]:
    """Stages a release said it went through, from its JSON: name, seconds, result."""
    for line in reversed(said.splitlines()):
        if line.startswith("["):
            rows = json.loads(line)
            return [(str(row["stage"]), float(row["seconds"]), str(row["result"])) for row in rows]
    return []
