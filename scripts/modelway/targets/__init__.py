"""Places that run versions: one module a platform, which do not know each other.

A target's module has ``open_target(config, environment, ...)``; adding one is adding its line here.
"""

from __future__ import annotations

from collections.abc import Mapping

TARGETS: Mapping[str, str] = {
    "sagemaker": "modelway.targets.sagemaker",
}
"""What a config's ``target`` says, and the module that is it."""
