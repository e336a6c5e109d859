# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/scan-rules.md: ``PYTHONPATH=scripts python docs/generate_scan_rules.py``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelway.scanners.builtin.configuration.rules import RULES as CONFIGURATION
from modelway.scanners.builtin.models.issues import RULES as MODELS
from modelway.scanners.builtin.rule import Rule
from modelway.scanners.builtin.secrets.rules import NAMED, RULES

PAGE = Path(__file__).resolve().parent / "reference" / "scan-rules.md"
HEAD = """\
# What the built-in scanner looks for beside packages

The severity is the worst a rule gives; `scan` in the [config](config.md) says from which on a release
stops. A finding is accepted with a waiver of its id and path, a secret's with its fingerprint too. How
the scanner reads an image, and what it cannot see, is [explained](../explanation/scan.md).

This page is generated from the rules by `docs/generate_scan_rules.py`.
"""
SECRETS = """
## Secrets
In the files of every layer, deleted or not, and in the image's config: variables, labels, history,
commands. A secret is never shown: its first letters where it is long, its length, and a fingerprint. In
the tests and the documentation of installed packages, which everybody can download, each is `low`. Where
files are named, only those are read for it.

| id | what | severity | files |
| --- | --- | --- | --- |
"""
MODEL_FILES = """
## Model files
Read as an unpickler would, running nothing: pickles of protocol 0 to 5, joblib's and NumPy's arrays,
PyTorch's, NumPy's and Keras's zip files, HDF5, ONNX, TensorFlow's graphs; in tar, gzip, zlib, bzip2 and
xz, four deep. What is known to be harmless is listed [in the
code](../../scripts/modelway/scanners/builtin/models/known.py).

"""
IMAGES = """
## Dockerfiles and images
Of the Dockerfile the config names, or modelway writes; of the image's config; of the permissions of its
files.

"""


def page() -> str:
    """The whole page."""
    secrets = "".join(
        f"| `{rule.id}` | {rule.title} | {rule.severity} | {_files(rule.path and rule.path.pattern)} |\n"
        for rule in (*RULES, *NAMED)
    )
    return HEAD + SECRETS + secrets + MODEL_FILES + _table(MODELS) + IMAGES + _table(CONFIGURATION)


def _table(rules: Iterable[Rule]) -> str:
    """Rules that say why and what to do."""
    rows = "".join(
        f"| `{one.id}` | {one.title}: {one.why} | {one.severity} | {one.cure} |\n".replace("||", "|")
        for one in rules
    )
    return "| id | what | severity | cure |\n| --- | --- | --- | --- |\n" + rows


def _files(pattern: str | None) -> str:
    """The pattern of paths, as code in a cell."""
    return f"`{pattern.replace('|', chr(92) + '|')}`" if pattern else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
