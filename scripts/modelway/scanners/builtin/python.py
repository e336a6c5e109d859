"""Python packages, by what pip, setuptools and conda wrote down of them (core metadata specification)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelway.core.findings import Package
from modelway.core.plain import shown
from modelway.scanners.builtin.wanted import PYTHON

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[!-~]{1,256}\Z")
_FOLDER = re.compile(r"([^/]+?)-([^-/]+?)(?:-py[0-9.]+)?(?:\.dist-info|\.egg-info)(?:/|\Z)")
_FIELD = re.compile(
    r"^(Name|Version|License-Expression|License|Classifier):(.*(?:\n[ \t].*)*)$", re.MULTILINE | re.IGNORECASE
)
_CLASSIFIER = "license ::"
_OSI = "OSI Approved"
_LONG = 100  # above this the field holds the licence's text, not its name

Files = Mapping[str, tuple[str, bytes]]
"""Path to the layer a file came with, and its content."""


def name_of(text: str) -> str:
    """A Python package's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", text).lower()


def packages(files: Files, owners: Mapping[str, str], notes: list[str]) -> Iterator[Package]:
    """Every package with metadata; what names none is noted."""
    for path, (layer, content) in files.items():
        if not path.endswith(PYTHON):
            continue
        header = content.decode(errors="replace").replace("\r\n", "\n").partition("\n\n")[0]
        said = _FIELD.findall(header)
        name, version = _identity(path, said)
        if not (_NAME.match(name) and _VERSION.match(version)):
            notes.append(f"/{shown(path)} does not say which package it is.")
            continue
        yield Package(
            ecosystem="pypi",
            name=name_of(name),
            version=version,
            path=f"/{shown(path)}",
            layer=layer,
            owner=owners.get(path, ""),
            licences=_licences(said),
        )


def _identity(path: str, said: list[tuple[str, str]]) -> tuple[str, str]:
    """Name and version as the metadata says; as the folder is called where it does not."""
    told = {key.lower(): value.strip() for key, value in reversed(said)}
    if told.get("name") and told.get("version"):
        return told["name"], told["version"]
    folders = _FOLDER.findall(path)
    return folders[-1] if folders else ("", "")


def _licences(said: list[tuple[str, str]]) -> tuple[str, ...]:
    """The SPDX expression; without one the classifiers; without these the field, where it is a name.

    PEP 639; before it, ``License`` held anything, the whole text included.
    """
    named = [(key.lower(), " ".join(value.split())) for key, value in said]
    expressions = [value for key, value in named if key == "license-expression" and value]
    if expressions:
        return (shown(expressions[0]),)
    classifiers = [value for key, value in named if key == "classifier"]
    names = [
        value.rpartition("::")[2].strip() for value in classifiers if value.lower().startswith(_CLASSIFIER)
    ]
    if found := tuple(dict.fromkeys(shown(name) for name in names if name and name != _OSI)):
        return found
    free = next((value for key, value in named if key == "license"), "")
    return (shown(free),) if 0 < len(free) <= _LONG and free.upper() != "UNKNOWN" else ()
