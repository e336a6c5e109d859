"""A model artifact as it comes from S3: looked into once, from start to end, and never kept whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from modelway.core.artifact_report import area
from modelway.core.findings import Finding, Location, Place
from modelway.core.report import Read, Report, Unread
from modelway.core.version import Artifact
from modelway.scanners.builtin.findings import unsafe
from modelway.scanners.builtin.models.containers import Budget, look_at
from modelway.scanners.builtin.models.issues import UNREADABLE, Issue
from modelway.scanners.builtin.stream import Pull

UNPACKED = 64 << 30
"""Bytes of all its members; SageMaker's largest instances have less memory for them."""
SET_ASIDE = 8 << 30
"""Bytes of one member that go to a temporary file: pickles and their containers. Others pass by."""
_STARTS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_HEAD = 512


def look(chunks: Iterator[bytes], artifact: Artifact, fingerprint: str) -> Report:
    """Report on the bytes of an artifact; what is in them is never raised for."""
    stream = _Once(Pull(chunks))
    base = artifact.uri.rpartition("/")[2] or "model.tar.gz"
    issues: list[Issue] = []
    if stream.is_archive():
        budget = Budget(UNPACKED, most=UNPACKED, set_aside=SET_ASIDE)
        issues = [*look_at(cast("BinaryIO", stream), base, budget)]
    else:
        issues = [Issue(UNREADABLE, base, "it is no tar, packed or not")]
    lost = [one for one in issues if one.rule is UNREADABLE and "!" not in one.path]
    return Report(
        scanner="builtin",
        fingerprint=fingerprint,
        subject=artifact.sha256,
        platform="",
        findings=tuple(_finding(one, artifact) for one in issues if one not in lost),
        read=() if lost else (Read(area=area(artifact), count=1),),
        unread=tuple(_unread(one, artifact) for one in lost),
    )


@dataclass
class _Once:
    """A stream as a file that can be gone back in to its beginning, while only that was read."""

    pull: Pull
    head: bytes = b""
    ahead: bytes = b""

    def is_archive(self) -> bool:
        """Whether it begins as a tar, or as what packs one."""
        self.head = self.ahead = self.pull.upto(_HEAD)
        return self.head.startswith(_STARTS) or self.head[257:262] == b"ustar"

    def read(self, size: int, /) -> bytes:
        """The next bytes, perhaps fewer; none at the end."""
        if self.ahead:
            piece, self.ahead = self.ahead[:size], self.ahead[size:]
            return piece
        self.head = b""
        return self.pull.some(size)

    def seek(self, offset: int, /) -> int:
        """Back to the beginning."""
        if offset or not self.head:
            raise OSError("it can be read only once, from start to end")
        self.ahead = self.head
        return 0


def _finding(issue: Issue, artifact: Artifact) -> Finding:
    """A member that breaks a rule: the file within the archive, and which archive."""
    _, _, inner = issue.path.partition("!")
    file, _, deeper = inner.partition("!")
    location = Location(place=Place.ARTIFACT, file=file or issue.path)
    within = f"{deeper}: {issue.what}" if deeper else issue.what
    return unsafe(issue.rule, location, f"{within}; in {artifact.uri}")


def _unread(issue: Issue, artifact: Artifact) -> Unread:
    return Unread(
        area=area(artifact),
        what=f"{artifact.uri} cannot be looked into: {issue.what}.",
        cure="pack it again as tar.gz; keep weights of many GiB as safetensors, which need no looking into.",
        path=artifact.uri,
    )
