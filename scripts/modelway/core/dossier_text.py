"""A model's dossier as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from modelway.core.dossier import Dossier, Entered, Place, Release, Said
from modelway.core.plain import shown

_MIB = 1 << 20
_LONGEST = 1000
"""Characters of a line."""


def text(told: Dossier) -> str:
    """The answer first, then what serves, then each release.

    Whoever may push attaches what they like: none of it makes a line of its own, or moves the cursor.
    """
    return "\n".join(shown(line, _LONGEST) for line in _lines(told))


def _lines(told: Dossier) -> Iterator[str]:
    answer = told.answer
    yield f"{told.model} ({told.owner}): {'yes' if answer.ok else 'NO'}: {answer.reason}"
    yield from (f"  {line}" for line in answer.seen.splitlines())
    for place in told.places:
        yield f"  {place.name:<12} {place.target:<10} {_serves(place)}"
        if place.glass:
            yield f"  ! BREAK-GLASS: what serves in {place.name} came in past its gate: {place.glass}"
    for release in told.releases:
        yield ""
        yield from _release(release)


def _serves(place: Place) -> str:
    if place.trouble:
        return place.trouble.splitlines()[0]
    if place.serving is None:
        return "nothing serves"
    weights = f", weights {place.artifact[7:19]}" if place.artifact else ""
    return f"version {place.serving} ({place.image}{weights})"


def _release(release: Release) -> Iterator[str]:
    yield f"{release.image}  {size(release)}"
    for trouble in release.trouble:
        yield from (f"  ! {line}" for line in trouble.splitlines())
    at = f"{release.provenance.built} " if release.provenance else ""
    yield f"  built     {at}by {built_by(release)}"
    if release.findings:
        yield f"  scanned   {release.findings.words}"
    if release.contents:
        yield f"  contains  {release.contents.words}; {release.contents.trust}"
    for ran in release.ran:
        name = f" of {ran.release[:12]}" if ran.release else ""
        past = ", BREAK-GLASS" if ran.glass else ""
        yield f"  version   {ran.version} in {ran.environment}{name}: {ran.standing}{past}"
    for entered in release.entered:
        yield from _entered(entered)
    for said in release.verdicts:
        yield from _said(said)


def _entered(one: Entered) -> Iterator[str]:
    """A broken glass with all it broke; of a summary, that it is there."""
    entry, trust = one.what.entry, "" if one.trusted else " (NOT its word)"
    if not one.broken:
        steps = f"{len(entry.steps)} steps"
        yield f"  gate      {entry.at} of {entry.environment}: {steps}, said by {one.by}{trust}"
        return
    yield f"  ! BREAK-GLASS {entry.at} in {entry.environment}: {one.broken} (said by {one.by}{trust})"
    yield from (f"    ! past {step}: {reason}" for step, reason in entry.steps)


def _said(said: Said) -> Iterator[str]:
    verdict = said.verdict
    trust = "" if said.trusted else " (NOT its word)"
    yield f"  passed    {verdict.passed[:19]}Z in {verdict.environment}, said by {said.by}{trust}"
    approval = verdict.approval
    if approval:
        by = f", approved by {', '.join(approval.approved_by) or 'nobody'}"
        yield f"            run {approval.run} of {approval.actor or 'nobody known'}{by}"
    if verdict.glass:
        yield f"            BREAK-GLASS: {verdict.glass}"
    if verdict.comparison:
        yield f"            {verdict.comparison.words}"
    for one in verdict.transcript:
        yield f"            {one.test}: {one.status} in {one.latency_ms:.0f} ms  {one.answer[:60]}"


def size(release: Release) -> str:
    """Compressed size and layers."""
    if release.gone:
        return "gone"
    return f"{release.size / _MIB:.1f} MiB compressed, {len(release.layers)} layers"


def built_by(release: Release) -> str:
    """Who built it, from what."""
    found = release.provenance
    if found is None:
        return "whom nobody who is trusted says"
    where = found.source.workflow or "a local build"
    commit = f" from {found.source.commit[:12]}" if found.source.commit else ""
    return f"{where}{commit}; said by {release.provenance_by}"
