"""What of the repository an image was built from, for telling who brought what into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import assert_never

from modelway.core import dockerfile
from modelway.core.config import Byoc, Extended, ModelConfig, Prebuilt
from modelway.core.origin import Source, copied_requirements
from modelway.ports import World

_MOST = 1 << 20


def source(world: World, config: ModelConfig) -> Source:
    """The Dockerfile and the requirements files; what cannot be read tells nothing."""
    root = world.run.root
    match config.image:
        case Prebuilt():
            return Source(dockerfile="")
        case Byoc() as spec:
            text = _text(root / spec.dockerfile)
            named = dict.fromkeys(f"{spec.context}/{one}" for one in copied_requirements(text))
            return Source(dockerfile=text, file=spec.dockerfile, requirements=dict(_texts(root, named)))
        case Extended() as spec:
            files = dict(_texts(root, [spec.requirements]))
            return Source(dockerfile=dockerfile.written(spec), requirements=files)
        case strange:
            assert_never(strange)


def _texts(root: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Path and text of those files that are there."""
    for name in names:
        if text := _text(root / name):
            yield name, text


def _text(path: Path) -> str:
    """A file's text; empty where it cannot be read, or is no file of a repository."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MOST)
    except (OSError, UnicodeDecodeError):
        return ""
