"""Whether a target can run an image at all: the type of its manifest, its platform, its size."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from modelway.core.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What an environment's target runs."""

    media_types: Collection[str]
    """Of manifests."""
    platform: str
    """``os/architecture``, as the config asks the target for it."""
    most: int | None = None
    """Bytes of the largest image, unpacked; ``None`` where it names no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsuitable:
    """Why it cannot: what, what was seen, what to do."""

    what: str
    seen: str
    cure: str


def of_type(target: str, runs: Runs, image: Manifest) -> Unsuitable | None:
    """What speaks against an image by its manifest alone.

    Layers count as they are kept, packed: what is too large even so is too large for certain. How large it
    is unpacked, no registry says.
    """
    if image.media_type not in runs.media_types:
        return Unsuitable(
            what=f"{target} cannot run manifests of type {image.media_type}",
            seen=f"It runs: {', '.join(sorted(runs.media_types))}.",
            cure="Push it with modelway, which converts it.",
        )
    if runs.most is not None and image.size > runs.most:
        return Unsuitable(
            what=f"{target} does not run an image of {_gib(image.size)}",
            seen=f"its layers have that much packed; unpacked, {_gib(runs.most)} are the limit",
            cure="Leave out what it does not need, keep weights in model_artifact, or choose another target.",
        )
    return None


def of_platform(target: str, runs: Runs, config: bytes) -> Unsuitable | None:
    """What speaks against an image by what its own config says it was built for."""
    built = built_for(config)
    if _alike(built, runs.platform):
        return None
    return Unsuitable(
        what=f"the image was built for {built or 'nobody knows what'}, and {target} would start it as"
        f" {runs.platform}",
        seen=f"the image's own config says {built or 'nothing of it'}; image.platform of the model's config"
        f" is {runs.platform}",
        cure=f"Build and push it for {runs.platform}: scripts/run build, scan, push. If it is meant for"
        f" {built or 'another platform'}, say so in image.platform and release it anew.",
    )


def built_for(config: bytes) -> str:
    """``os/architecture[/variant]`` of an image's config (OCI, config.md); empty where it says none."""
    try:
        told = json.loads(config)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    parts = [told.get(key) for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) and part for part in parts[:2]):
        return ""
    return "/".join(str(part) for part in parts if part)


def _alike(built: str, wanted: str) -> bool:
    """Whether one is the other; a variant counts where both name one."""
    return bool(built) and all(
        one == other for one, other in zip(built.split("/"), wanted.split("/"), strict=False)
    )


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
