"""Release tags: ``<model>/v<version>``, as in ``iris-classifier/v1.4.0``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from modelway.core import semver
from modelway.core.semver import SemVer
from modelway.errors import Malformed

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Release:
    """What a release tag names."""

    model: str
    version: SemVer

    def __str__(self) -> str:
        return f"{self.model}/v{self.version}"


def parse(tag: str, models: Collection[str]) -> Release:
    """Read a tag of one of the models; raises ``Malformed`` with the closest names."""
    text = tag.removeprefix("refs/tags/")
    model, slash, version = text.rpartition("/")
    if not slash:
        seen = f"expected <model>/v<version>, as in {_example(text, models)}"
        raise Malformed(f"the tag {tag!r} names no release of a model", seen=seen, cure=_again(text, models))
    if model not in models:
        raise Malformed(
            f"the tag {tag!r} names no model of this repository: there is no {model!r}",
            seen=_closest(model, models),
            cure=_again(model, models, version if _is_semantic(version) else ""),
        )
    if not _is_semantic(version):
        raise Malformed(
            f"the tag {tag!r} has no semantic version: {version!r}",
            seen="expected v<major>.<minor>.<patch>, as in v1.4.0 or v1.4.0-rc.1 (semver.org)",
            cure=f"delete the tag, then push {model}/v1.4.0, say, with the version you mean",
        )
    return Release(model, semver.parse(version.removeprefix("v")))


def _is_semantic(version: str) -> bool:
    """Whether this half of the tag is right."""
    try:
        semver.parse(version.removeprefix("v"))
    except ValueError:
        return False
    return version.startswith("v")


def _closest(model: str, models: Collection[str]) -> str:
    """The names it could have been."""
    near = get_close_matches(model, models, n=_SHOWN, cutoff=0.5)
    if near:
        return f"The closest names: {', '.join(near)}."
    listed = ", ".join(sorted(models)[:_SHOWN])
    more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
    return f"There are: {listed}{more}." if models else "There is no config in this repository."


def _example(text: str, models: Collection[str]) -> str:
    """A right tag, of the model that was probably meant."""
    near = get_close_matches(text, models, n=1, cutoff=0.3) or sorted(models)[:1] or ["iris-classifier"]
    return f"{near[0]}/v1.4.0"


def _again(text: str, models: Collection[str], version: str = "") -> str:
    """What to push instead."""
    near, _, example = _example(text, models).partition("/")
    return f"delete the tag, then push the one you mean: git tag {near}/{version or example}"
