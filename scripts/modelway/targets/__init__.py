"""Places that run versions: one module a platform, which do not know each other.

A target ``x`` is two modules: ``x`` has ``open_target(config, environment, accounts, artifacts, clock)``,
and ``x_checks`` has ``check(subject, environment, limits)`` and ``SHAPES``, which ``validate`` asks.
What they need alike of the services around them is in ``shared``.
"""

from __future__ import annotations

from collections.abc import Mapping

TARGETS: Mapping[str, str] = {
    "ecs": "modelway.targets.ecs",
    "sagemaker": "modelway.targets.sagemaker",
    "lambda": "modelway.targets.aws_lambda",  # Python keeps the bare word to itself
}
"""What a config's ``target`` says, and the module that is it."""
