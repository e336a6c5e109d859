"""Environment variables: the only reader of ``os.environ``."""

from __future__ import annotations

import os


def get(name: str, default: str = "") -> str:
    """A variable's value; the default where it is not set."""
    return os.environ.get(name, default)


def flag(name: str) -> bool:
    """Whether a variable is set to something other than nothing, ``0``, ``false`` and ``no``."""
    return get(name).strip().lower() not in {"", "0", "false", "no"}


def variables() -> dict[str, str]:
    """A copy of all variables, as a child process would get them."""
    return dict(os.environ)
