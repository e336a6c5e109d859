"""The keys a config names as what they are: of a file, what is in it, wherever it lies."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path

from modelway.adapters.signing import VARIABLE
from modelway.core.config import Identity, ModelConfig, Signing
from modelway.core.json import sha256
from modelway.core.naming import BUILD, KMS
from modelway.core.roots import Roots


def here(config: ModelConfig, root: Path) -> Roots:
    """Those of a checkout."""
    places = config.environments

    def text(path: str) -> str | None:
        try:
            return (root / path).read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            return None

    signing = {BUILD: config.evidence} | {name: place.evidence for name, place in places.items()}
    before = {name: place.promote_from for name, place in places.items()}
    glass = {name: place.break_glass_role for name, place in places.items() if place.break_glass_role}
    return of(signing, before, glass, text)


def of(
    signing: Mapping[str, Signing],
    before: Mapping[str, str | None],
    glass: Mapping[str, str],
    text: Callable[[str], str | None],
) -> Roots:
    """Those of a config whose files are read by ``text``."""
    keys = {
        author: frozenset(_known(key, text) for key in one.verify_with) for author, one in signing.items()
    }
    named = {author: known for author, known in keys.items() if known}
    return Roots(keys=named, before=before, glass=glass)


def _known(key: str | Identity, text: Callable[[str], str | None]) -> str:
    """What tells a key from all others."""
    if isinstance(key, Identity):
        root = _file(key.trusted_root, text) if key.trusted_root else "Sigstore's"
        return f"{key} by the root {root}"
    return key if key.startswith((KMS, VARIABLE)) else _file(key, text)


def _file(path: str, text: Callable[[str], str | None]) -> str:
    """What is in a file, whatever ends its lines; where there is none, its name."""
    found = text(posixpath.normpath(path))
    return f"file {path}" if found is None else sha256(found.split())
