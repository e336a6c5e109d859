"""The Dockerfile an image is built from, as the scanner reads it."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from modelway.core.config import Byoc, Extended, ModelConfig, Prebuilt
from modelway.core.dockerfile import written
from modelway.scanners.builtin.configuration.dockerfile import Source

_LARGEST = 1 << 20


def source_of(config: ModelConfig, root: Path) -> Source | None:
    """The config's Dockerfile; ``None`` for an image somebody else built, or where it is not there."""
    match config.image:
        case Prebuilt():
            return None
        case Extended() as spec:
            return Source(text=written(spec), file="", platform=spec.platform, build_args={}, ignores=True)
        case Byoc() as spec:
            text = _text(root / spec.dockerfile)
            if text is None:
                return None
            path = root / spec.dockerfile
            ignores = (path.with_name(f"{path.name}.dockerignore"), root / spec.context / ".dockerignore")
            return Source(
                text=text,
                file=spec.dockerfile,
                platform=spec.platform,
                build_args=spec.build_args,
                ignores=any(_says(path) for path in ignores),
            )
        case strange:
            assert_never(strange)


def _says(path: Path) -> bool:
    """Whether a .dockerignore leaves anything out."""
    lines = (line.strip() for line in (_text(path) or "").splitlines())
    return any(line and not line.startswith("#") for line in lines)


def _text(path: Path) -> str | None:
    """A small file's text."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None
