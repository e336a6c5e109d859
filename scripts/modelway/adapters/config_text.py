"""A config file's text, read with bounded memory; what cannot be text says where."""

from __future__ import annotations

import stat
from pathlib import Path

from modelway.adapters.yaml_nodes import START, Mistake, Place

LARGEST = 1024 * 1024
"""Bytes; the longest sensible config is a hundredth of it."""


def read(path: Path, root: Path) -> str | Mistake:
    """The file's text, or why there is none."""
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            cure = "Configs live in the repository; copy the file into it."
            return Mistake(place=START, message="the file lies outside of the repository", cure=cure)
        return _text(path)
    except FileNotFoundError:
        return Mistake(place=START, message="the file does not exist", cure="Correct the path.")
    except (OSError, RuntimeError) as error:
        return Mistake(place=START, message=f"the file cannot be read: {error}", cure="Make it readable.")


def _text(path: Path) -> str | Mistake:
    """The text of a file that is there."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return Mistake(place=START, message="this is not a regular file", cure="Name a YAML file.")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        message = f"the file has {max(status.st_size, len(data)):,} bytes; at most {LARGEST:,} are read"
        return Mistake(place=START, message=message, cure="Move request bodies into body_file.")
    return _decoded(data)


def _decoded(data: bytes) -> str | Mistake:
    """UTF-8, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"byte 0x{error.object[error.start]:02X} is not UTF-8"
        return Mistake(place=place, message=message, cure="Save the file as UTF-8.")
