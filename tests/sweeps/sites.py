"""The targets that are swept, and how traffic moves there. One line a target."""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.config import Rollout
from tests.sweeps import aws_lambda, ecs, sagemaker
from tests.sweeps.ground import Site

SITES: Mapping[str, tuple[Site, Mapping[str, Rollout]]] = {
    "sagemaker": (sagemaker.SITE, sagemaker.ROLLOUTS),
    "lambda": (aws_lambda.SITE, aws_lambda.ROLLOUTS),
    "ecs": (ecs.SITE, ecs.ROLLOUTS),
}
"""By the config's ``target``; the first strategy is the one a sample looks at most closely."""
