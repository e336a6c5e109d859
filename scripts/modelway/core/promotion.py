"""May this version go there? A pure decision over what one environment remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core.plan import State
from modelway.core.record import Record
from modelway.core.version import Version, VersionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether it may, and why."""

    ok: bool
    reason: str
    cure: str = ""


def judge(version: Version, contract: str | None, source: str, state: State) -> Verdict:
    """Judge a version by what the environment it is promoted from remembers.

    What counts is the pair of what runs (digest and artifact) and what it answered (the hash of the
    contract tests): settings may differ between environments, the image and the weights may not.
    """
    same = _same_things(version, state.records)
    cure = f"Deploy it to {source} first: scripts/run deploy CONFIG --environment {source}"
    if not same:
        return Verdict(
            ok=False, reason=f"{version.image.digest} with these weights never ran in {source}", cure=cure
        )
    passes = [r for r in same if r.passed and not r.ended_badly and not r.withdrawn]
    for record in same:
        if record.withdrawn and not any(_followed(record, later) for later in passes):
            again = f"scripts/run reinstate CONFIG {record.id} --environment {source} --reason ..."
            back = f"Release another version, or take it back: {again}"
            reason = f"it was withdrawn in {source}: {record.withdrawn.reason}"
            return Verdict(ok=False, reason=reason, cure=back)
    if not passes:
        return Verdict(ok=False, reason=f"it has not passed in {source}", cure=cure)
    if all(r.glass for r in passes):
        reason = f"it came into {source} by break-glass, which proves nothing to the next environment"
        back = f"Release another version, which passes {source}'s own gate; or break the glass here, too."
        return Verdict(ok=False, reason=reason, cure=back)
    passes = [r for r in passes if not r.glass]
    if contract and not any(r.passed and r.passed.contract == contract for r in passes):
        reason = f"it passed in {source} with other contract tests than the config has now"
        return Verdict(ok=False, reason=reason, cure=cure)
    best = max(passes, key=lambda r: r.passed.at if r.passed else "")
    when = best.passed.at if best.passed else ""
    return Verdict(ok=True, reason=f"version {best.id} passed in {source} at {when}")


def _followed(withdrawn: Record, later: Record) -> bool:
    """Whether the same things passed after a withdrawal: with other settings, which were the fault."""
    attempt = withdrawn.attempt.at if withdrawn.attempt else ""
    return later.passed is not None and later.passed.at > attempt


def _same_things(version: Version, records: Mapping[VersionId, Record]) -> list[Record]:
    """Records of the same image with the same weights."""
    artifact = str(version.artifact.sha256) if version.artifact else None
    return [r for r in records.values() if r.digest == str(version.image.digest) and r.artifact == artifact]
