"""What a revision's tasks run on: capacity providers, or else a launch type."""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.json import Json
from modelway.rehearsal.parameters import objects


def launch_kind(settings: Mapping[str, Json]) -> str:
    """The capacity provider or launch type of a revision."""
    provided = objects(settings.get("capacityProviderStrategy"))
    return str(provided[0]["capacityProvider"]) if provided else str(settings.get("launchType") or "EC2")


def launch_type(settings: Mapping[str, Json]) -> str:
    """The launch type that a revision's tasks have; capacity providers but Fargate's own are instances."""
    return "FARGATE" if launch_kind(settings) in {"FARGATE", "FARGATE_SPOT"} else "EC2"
