"""Packages conda installed: a JSON note each in ``conda-meta/`` (conda's PrefixRecord)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core.json import Json


class Unreadable(Exception):
    """A note that is not as conda writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One note."""

    name: str
    version: str
    licence: str
    files: tuple[str, ...]
    """Those a caller asked for, relative to the environment."""


def noted(note: bytes, wanted: re.Pattern[bytes]) -> Installed:
    """What a note says, with those of the package's files whose paths match; raises ``Unreadable``."""
    try:
        parsed: Json = json.loads(note)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error
    record = parsed if isinstance(parsed, Mapping) else {}
    name, version = record.get("name"), record.get("version")
    licence, files = record.get("license"), record.get("files")
    if not (isinstance(name, str) and isinstance(version, str) and name and version):
        raise Unreadable("it has no name or no version")
    paths = [path for path in files if isinstance(path, str)] if isinstance(files, list) else []
    return Installed(
        name=name,
        version=version,
        licence=licence if isinstance(licence, str) else "",
        files=tuple(path for path in paths if wanted.search(path.encode(errors="replace"))),
    )


def packed(one: Installed) -> bytes:
    """A note again, as short as it can be."""
    return json.dumps(
        {"name": one.name, "version": one.version, "license": one.licence, "files": list(one.files)}
    ).encode()
