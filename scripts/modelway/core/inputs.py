"""What an image is built from, as one hash: equal inputs are built once and found again by that hash."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelway.core.image import Digest
from modelway.core.json import JsonObject, sha256

GENERATION = 1
"""Raised when modelway begins to build otherwise from the same inputs, so that nothing old is reused."""

TAG_PREFIX = "in-"
_URL_USER = re.compile(r"(?<=//)[^/@]*@")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One file, symbolic link or empty folder of a build context."""

    path: str
    """Relative to the context, with ``/``."""
    kind: str
    """``file``, ``program`` (a file that can be run), ``link`` or ``folder``.

    No other permission bits: git keeps none, and they differ with every umask.
    """
    sha256: str = ""
    """Of the content, or of a link's target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that decides what a build makes; never when, where or with which secret."""

    strategy: str
    platform: str
    dockerfile: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)
    """What each base image's name meant: a digest."""
    secrets: Sequence[str] = ()
    """Ids only: a rotated token makes no other image."""
    entries: Sequence[Entry] = ()

    @property
    def hash(self) -> str:
        """The SHA-256 of all inputs, 64 hex digits."""
        return sha256(self._json())

    def _json(self) -> JsonObject:
        return {
            "generation": GENERATION,
            "strategy": self.strategy,
            "platform": self.platform,
            "dockerfile": self.dockerfile,
            "build_args": dict(self.build_args),
            "bases": dict(self.bases),
            "secrets": sorted(self.secrets),
            "entries": [[e.path, e.kind, e.sha256] for e in sorted(self.entries)],
        }


def of_prebuilt(digest: Digest, platform: str) -> Inputs:
    """The inputs of an image somebody else built: its digest, wherever it lies."""
    return Inputs(strategy="prebuilt", platform=platform, bases={"source": str(digest)})


def registry_tag(input_hash: str) -> str:
    """The immutable tag of a release image, by which the next release finds it."""
    return f"{TAG_PREFIX}{input_hash[:32]}"


def local_tag(model: str, input_hash: str) -> str:
    """The image's name on this machine."""
    return f"modelway/{model}:{TAG_PREFIX}{input_hash[:12]}"


def labels(model: str, inputs: Inputs, *, source: str, revision: str, created: str) -> dict[str, str]:
    """OCI annotations as image labels (image-spec, annotations.md); not part of the inputs.

    ``created`` is RFC 3339. The last base is the one the image stands on.
    """
    title = {
        "org.opencontainers.image.title": model,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.source": _URL_USER.sub("", source),
        "org.opencontainers.image.revision": revision,
        "io.modelway.model": model,
        "io.modelway.inputs": inputs.hash,
        "io.modelway.bases": " ".join(f"{name}@{digest}" for name, digest in inputs.bases.items()),
    }
    if inputs.bases:
        name, digest = list(inputs.bases.items())[-1]
        title["org.opencontainers.image.base.name"] = name.partition("@")[0]
        title["org.opencontainers.image.base.digest"] = digest
    return {key: value for key, value in title.items() if value}
