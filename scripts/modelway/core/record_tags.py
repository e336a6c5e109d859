"""Records as the tags a platform keeps them in."""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.record import (
    Adopted,
    Analysed,
    Attempt,
    Checked,
    Failed,
    Glass,
    Inconclusive,
    Kept,
    Mark,
    Named,
    Passed,
    Record,
    Reinstated,
    Withdrawn,
)
from modelway.core.version import VersionId

PREFIX = "modelway:"
_DIGEST, _ARTIFACT, _RELEASE = f"{PREFIX}digest", f"{PREFIX}artifact", f"{PREFIX}release"
_MARKS: Mapping[str, type[Kept]] = {
    f"{PREFIX}{kind.__name__.lower()}": kind
    for kind in (Attempt, Checked, Passed, Failed, Analysed, Inconclusive, Withdrawn, Glass, Adopted)
}
"""In the order they are read: a pass before the failure that came after it, since a pass ends failures."""


def to_tags(record: Record) -> dict[str, str]:
    """The tags that hold the record."""
    marks = {key: getattr(record, key.removeprefix(PREFIX)) for key in _MARKS}
    release = Named(release=record.release).text()
    named = {_DIGEST: record.digest, _ARTIFACT: record.artifact, _RELEASE: release}
    return {k: v for k, v in named.items() if v} | {k: m.text() for k, m in marks.items() if m}


def from_tags(version: VersionId, tags: Mapping[str, str]) -> Record | None:
    """Read a record; ``None`` where the tags are not modelway's."""
    if _DIGEST not in tags:
        return None
    record = Record(
        id=version,
        digest=tags[_DIGEST],
        artifact=tags.get(_ARTIFACT),
        release=tags.get(_RELEASE, ""),
    )
    for key, kind in _MARKS.items():
        record = record.with_mark(kind.parse(tags[key])) if key in tags else record
    return record


_ENDS: Mapping[type[Mark], tuple[str, ...]] = {
    Passed: ("failed",),
    Reinstated: ("withdrawn", "failed", "inconclusive"),
}
"""The marks that one of another kind ends."""


def changed_tags(mark: Mark) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags to set and tag keys to remove so that the mark is remembered."""
    key = _RELEASE if isinstance(mark, Named) else f"{PREFIX}{type(mark).__name__.lower()}"
    return {key: mark.text()}, tuple(f"{PREFIX}{name}" for name in _ENDS.get(type(mark), ()))
