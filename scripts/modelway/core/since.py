"""What changed between two images: which findings are new, which are gone, which are still there.

Both are judged at the same moment by the same policy, so that what differs is the images' doing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from modelway.core import told
from modelway.core.findings import Finding
from modelway.core.json import Json, JsonObject
from modelway.core.policy import Judged, Ruling, Verdict

NEW, FIXED, STILL = "new", "fixed", "still there"
COLUMNS = ("", *told.COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What changed since the version that serves somewhere."""

    environment: str
    version: str
    """The version that serves there."""
    new: tuple[Judged, ...] = ()
    fixed: tuple[Judged, ...] = ()
    still: tuple[Judged, ...] = ()
    basis: str = ""
    """By which advisories the version that serves was judged."""
    unknown: str = ""
    """Why nobody can tell; then everything else is empty."""

    @property
    def words(self) -> str:
        """In one line."""
        if self.unknown:
            return f"What changed since {self.environment} could not be told: {self.unknown}"
        counts = ((len(each), _stopping(each)) for each in (self.new, self.fixed, self.still))
        return counted(self.environment, self.version, *counts)

    def rows(self, most: int) -> Iterator[tuple[str, ...]]:
        """What is new and what is gone, of what stops or is waived, under ``COLUMNS``."""
        told_ = [(word, one) for word, each in ((NEW, self.new), (FIXED, self.fixed)) for one in each]
        shown = [(word, *told.told(one).cells) for word, one in told_ if one.ruling is not Ruling.PASSES]
        yield from shown[:most]

    def json(self) -> JsonObject:
        """For programs: findings as the verdict names them."""
        named: dict[str, Json] = {
            word: [told.told(one).json for one in each]
            for word, each in (("new", self.new), ("fixed", self.fixed), ("still", self.still))
        }
        head: dict[str, Json] = {"environment": self.environment, "version": self.version}
        return {**head, "unknown": self.unknown, "basis": self.basis, **named}


def since(environment: str, version: str, *, now: Verdict, then: Verdict, basis: str = "") -> Since:
    """Compare an image with the version that serves; what both have is told as the image has it."""
    pairs = dict(_pairs(now.judged, then.judged))
    met = set(pairs.values())
    return Since(
        environment=environment,
        version=version,
        new=tuple(one for at, one in enumerate(now.judged) if at not in pairs),
        fixed=tuple(one for at, one in enumerate(then.judged) if at not in met),
        still=tuple(one for at, one in enumerate(now.judged) if at in pairs),
        basis=basis,
    )


def counted(environment: str, version: str, *counts: tuple[int, int]) -> str:
    """In one line; of what is new, fixed and still there, how many there are and how many of them stop it."""
    told_ = zip(counts, (NEW, FIXED, STILL), strict=True)
    parts = (f"{n} {word}{f' ({stop} would stop it)' if stop else ''}" for (n, stop), word in told_)
    return f"Since version {version} in {environment}: {', '.join(parts)}"


def _stopping(judged: Sequence[Judged]) -> int:
    return sum(one.ruling is Ruling.STOPS for one in judged)


def _pairs(now: Sequence[Judged], then: Sequence[Judged]) -> Iterator[tuple[int, int]]:
    """Numbers of findings that are the same: those of one path first, then those that only moved."""
    left_now, left_then = dict(enumerate(now)), dict(enumerate(then))
    for moved in (False, True):
        known: dict[Hashable, list[int]] = {}
        for at, one in left_then.items():
            for key in _keys(one.finding, moved=moved):
                known.setdefault(key, []).append(at)
        for at, one in tuple(left_now.items()):
            candidates = (n for key in _keys(one.finding, moved=moved) for n in known.get(key, ()))
            other = next((n for n in candidates if n in left_then), None)
            if other is not None:
                yield at, other
                del left_now[at], left_then[other]


def _keys(finding: Finding, *, moved: bool) -> Iterator[Hashable]:
    """By any of its names, whatever version of the package has it."""
    package = finding.package
    secret = finding.evidence.fingerprint if finding.evidence else ""
    place = finding.path if not (moved and package) else ""
    of = package.ecosystem if package else ""
    for name in sorted(finding.names):
        yield str(finding.kind), of, finding.thing, secret, place, name.casefold()
