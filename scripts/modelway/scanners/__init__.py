"""The scanners: one module or package each, imported only when a config asks for it.

Each has ``open_scanner(means)``, which returns a ``ports.Scanner``. They do not know each other.
"""

from __future__ import annotations

from collections.abc import Mapping

SCANNERS: Mapping[str, str] = {
    "builtin": "modelway.scanners.builtin",
    "gitleaks": "modelway.scanners.gitleaks",
    "grype": "modelway.scanners.grype",
    "hadolint": "modelway.scanners.hadolint",
    "inspector": "modelway.scanners.inspector",
    "kingfisher": "modelway.scanners.kingfisher",
    "syft": "modelway.scanners.syft",
    "trivy": "modelway.scanners.trivy",
}
"""The name in a config's ``scan.scanners`` to the module behind it."""
