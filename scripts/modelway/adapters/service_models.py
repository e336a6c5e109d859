"""Limits and enumerations as the installed botocore has them, without importing botocore.

Opening boto3's client takes 400 ms and more; reading the one JSON file it would read takes 30.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from modelway.core.limits import Limit
from modelway.errors import Unavailable


def limits(service: str, shapes: Sequence[str]) -> Mapping[str, Limit]:
    """What the service's newest API model says of the shapes; raises ``Unavailable``."""
    known = _shapes(service)
    missing = [name for name in shapes if name not in known]
    if missing:
        raise Unavailable(
            f"botocore's model of {service} has no {', '.join(missing)}",
            cure="install the locked requirements; another botocore names its shapes otherwise.",
        )
    return {name: known[name] for name in shapes}


@cache
def _shapes(service: str) -> Mapping[str, Limit]:
    """Every shape of the service that limits something."""
    shapes = json.loads(_model(service))["shapes"]
    return {
        name: Limit(
            minimum=shape.get("min"),
            maximum=shape.get("max"),
            options=tuple(shape.get("enum", ())),
        )
        for name, shape in shapes.items()
        if shape["type"] != "structure"
    }


def _model(service: str) -> bytes:
    """The text of the newest service model."""
    spec = find_spec("botocore")
    folder = Path(spec.origin).parent / "data" / service if spec and spec.origin else Path()
    found = sorted(folder.glob("*/service-2.json*"))
    if not found:
        raise Unavailable(f"botocore's model of {service} is not installed", cure="install boto3.")
    data = found[-1].read_bytes()
    return gzip.decompress(data) if found[-1].suffix == ".gz" else data
