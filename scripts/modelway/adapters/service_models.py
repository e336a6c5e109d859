"""What AWS's services take, as files of the installed botocore say it, without importing botocore.

Opening boto3's client takes 400 ms and more; reading the one JSON file it would read takes 30. Who then opens
one all the same (``botocore_files``) gets what was read.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TypedDict, cast

from modelway.core.json import Json
from modelway.core.limits import Limit
from modelway.errors import Unavailable

_ENDINGS: Mapping[str, Callable[[Path, str], IO[bytes]]] = {".json": open, ".json.gz": gzip.open}  # type: ignore[dict-item] # typed for every mode


class _Shape(TypedDict, total=False):
    """Of a shape, what limits values."""

    type: str
    min: int
    max: int
    enum: list[str]


class _Model(TypedDict):
    """Of a service's model, what is read here."""

    shapes: Mapping[str, _Shape]


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
def read(stem: str) -> Json:
    """A file of botocore's, named without its ending, packed or not; ``None`` where there is none."""
    for ending, opened in _ENDINGS.items():
        if (path := Path(f"{stem}{ending}")).is_file():
            with opened(path, "rb") as file:
                told: Json = json.loads(file.read())
            return told
    return None


@cache
def _shapes(service: str) -> Mapping[str, Limit]:
    """Every shape of the service that limits something."""
    shapes = _model(service)["shapes"]
    return {
        name: Limit(
            minimum=shape.get("min"),
            maximum=shape.get("max"),
            options=tuple(shape.get("enum", ())),
        )
        for name, shape in shapes.items()
        if shape["type"] != "structure"
    }


def _model(service: str) -> _Model:
    """The newest service model."""
    spec = find_spec("botocore")
    folder = Path(spec.origin).parent / "data" / service if spec and spec.origin else Path()
    found = sorted(folder.glob("*/service-2.json*"))
    if not found:
        raise Unavailable(f"botocore's model of {service} is not installed", cure="install boto3.")
    return cast("_Model", read(str(found[-1].with_name("service-2"))))
