"""The scanners: one module or package each, imported only when a config asks for it.

Each has ``open_scanner(means)``, which returns a ``ports.Scanner``. They do not know each other.
"""

from __future__ import annotations

from collections.abc import Mapping

SCANNERS: Mapping[str, str] = {
    "builtin": "modelway.scanners.builtin",
}
"""The name in a config's ``scan.scanners`` to the module behind it."""
