"""All that is known of a model's releases: what is said of each image, by whom, and what really serves.

Values and the one answer: is the last environment running the version that was tested? Reads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelway.core.contents import Contents
from modelway.core.counts import Counts
from modelway.core.evidence import Provenance
from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject
from modelway.core.summary import BrokenGlass, Summary
from modelway.core.verdict import EnvironmentVerdict
from modelway.core.version import VersionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One environment, as its platform tells it now."""

    name: str
    target: str
    promote_from: str | None = None
    serving: VersionId | None = None
    image: str = ""
    """The digest that serves, as the platform and its version's record say."""
    artifact: str | None = None
    trouble: str = ""
    """Why it cannot be told what serves, or why what serves is not ours."""
    glass: str = ""
    """Why what serves came in past the gate; empty where it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A verdict, and whether it is the environment's own word."""

    verdict: EnvironmentVerdict
    by: str
    trusted: bool
    """Signed by whom the config names keys of, or no key is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A gate's summary, or that its glass was broken, and whether it is the environment's own word."""

    what: Summary | BrokenGlass
    by: str
    trusted: bool

    @property
    def broken(self) -> str:
        """Why the glass was broken; empty where the gate let it in."""
        return self.what.reason if isinstance(self.what, BrokenGlass) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A version of the image in an environment."""

    environment: str
    version: VersionId
    artifact: str | None = None
    """Of its weights, ``sha256:...``."""
    standing: str
    """``serves``, or what the environment remembers of it."""
    release: str = ""
    attempts: int = 0
    glass: str = ""
    """Why it came in past the gate; empty where it did not. The mark stays when it serves no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One image and what is attached to it."""

    image: Digest
    layers: tuple[int, ...] = ()
    """Compressed bytes, from the bottom up."""
    gone: bool = False
    """The registry does not have the image."""
    provenance: Provenance | None = None
    provenance_by: str = ""
    verdicts: tuple[Said, ...] = ()
    """Newest first."""
    entered: tuple[Entered, ...] = ()
    """What gates said of it, newest first."""
    ran: tuple[Ran, ...] = ()
    findings: Counts | None = None
    """What was found when it was pushed; of the newest, what its newest report says."""
    contents: Contents | None = None
    """Its SBOM; ``None`` where the build says none."""
    trouble: tuple[str, ...] = ()
    """What is wrong with the evidence."""

    @property
    def size(self) -> int:
        """Compressed bytes of the image."""
        return sum(self.layers)

    @property
    def newest(self) -> str:
        """When something last happened to it, as those say who may: releases are in this order."""
        times = [one.verdict.passed for one in self.verdicts if one.trusted]
        return max([*times, self.provenance.built if self.provenance else ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether an environment runs what was tested."""

    environment: str
    ok: bool
    reason: str
    seen: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything about one model."""

    model: str
    owner: str
    repository: str
    places: tuple[Place, ...]
    releases: tuple[Release, ...]
    """Newest first."""
    answer: Answer


def answer(place: Place, releases: Sequence[Release]) -> Answer:
    """Whether an environment runs the version that was tested before it came there, and passed there."""

    def no(reason: str, *, seen: str = "", cure: str = "") -> Answer:
        return Answer(environment=place.name, ok=False, reason=reason, seen=seen, cure=cure)

    if place.trouble or place.serving is None:
        return no(
            place.trouble or f"nothing serves in {place.name}",
            cure="See what is there: scripts/run status CONFIG. Then release it.",
        )
    found = next((one for one in releases if str(one.image) == place.image), None)
    if found is None or found.gone:
        what = f"{place.image} serves in {place.name} and is not in the registry"
        return no(
            what, cure="Keep it: push it again from what built it, and look who deleted or archived it."
        )
    if found.trouble:
        what = f"what is said of {place.image} cannot be relied on"
        cure = "Find out who may write to the repository; release the image anew from the release workflow."
        return no(what, seen="\n".join(found.trouble), cure=cure)
    for name in filter(None, (place.promote_from, place.name)):
        same, other = _saying(name, place, found.verdicts)
        if not [one for one in same if one.trusted]:
            said = ", ".join(sorted({one.by for one in same})) or "nobody"
            past = f"\nBREAK-GLASS: it came in past the gate: {place.glass}" if place.glass else ""
            return no(
                f"{name} does not say that what serves in {place.name} passed there{other}",
                seen=f"version {place.serving}, {place.image}, weights {place.artifact or 'none'};"
                f" said by {said}{past}",
                cure=f"Deploy it there by modelway: scripts/run deploy CONFIG --environment {name}",
            )
    tested = f", which passed in {place.promote_from} before" if place.promote_from else ""
    glass = f". BREAK-GLASS: it came in past the gate: {place.glass}" if place.glass else ""
    reason = f"{place.name} runs version {place.serving}{tested}{glass}"
    return Answer(environment=place.name, ok=True, reason=reason)


def _saying(name: str, place: Place, verdicts: Sequence[Said]) -> tuple[list[Said], str]:
    """An environment's verdicts about what serves in ``place``, and of what else they are if there is none.

    Its own have to be about this very version. Those of the environment before, which runs it with settings
    of its own, about the same weights and the contract tests that it passed here; one that came in there
    past the gate proves nothing. That is what the gate asks.
    """
    here = [one for one in verdicts if one.verdict.environment == name]
    same = [one for one in here if one.verdict.artifact == place.artifact]
    own = [one for one in verdicts if one.trusted and one.verdict.environment == place.name]
    own = [one for one in own if one.verdict.version == place.serving]
    if name == place.name:
        mine = [one for one in same if one.verdict.version == place.serving]
        return mine, " (it says so of another version)" * bool(same and not mine)
    asked = [one for one in same if not own or one.verdict.contract == own[0].verdict.contract]
    earned = [one for one in asked if not one.verdict.glass]
    if earned or not here:
        return earned, ""
    if not same:
        return [], " (it says so of other weights)"
    return (
        [],
        " (it came in there past the gate, too)" if asked else " (it passed other contract tests there)",
    )


def dossier_json(told: Dossier) -> JsonObject:
    """For programs; ``schemas/evidence.schema.json`` describes it."""
    return {
        "schema_version": 1,
        "model": told.model,
        "owner": told.owner,
        "repository": told.repository,
        "tested": {
            "environment": told.answer.environment,
            "ok": told.answer.ok,
            "reason": told.answer.reason,
            "seen": told.answer.seen,
        },
        "environments": [_place_json(one) for one in told.places],
        "releases": [_release_json(one) for one in told.releases],
    }


def _place_json(place: Place) -> JsonObject:
    return {
        "name": place.name,
        "target": place.target,
        "promote_from": place.promote_from,
        "serving": place.serving,
        "image": place.image,
        "artifact": place.artifact,
        "trouble": place.trouble,
        "break_glass": place.glass,
    }


def _release_json(release: Release) -> JsonObject:
    found = release.findings
    findings: Json = None
    if found:
        findings = {
            "packages": found.packages,
            "by_severity": dict(found.by_severity),
            "as_of": found.as_of,
        }
    return {
        "image": str(release.image),
        "size": release.size,
        "layers": list(release.layers),
        "gone": release.gone,
        "provenance": release.provenance.predicate() if release.provenance else None,
        "provenance_by": release.provenance_by,
        "verdicts": [
            {**one.verdict.predicate(), "by": one.by, "trusted": one.trusted} for one in release.verdicts
        ],
        "gates": [_entered_json(one) for one in release.entered],
        "versions": [
            {
                "environment": one.environment,
                "id": one.version,
                "standing": one.standing,
                "release": one.release,
                "attempts": one.attempts,
                "break_glass": one.glass,
            }
            for one in release.ran
        ],
        "findings": findings,
        "sbom": release.contents.json() if release.contents else None,
        "trouble": list(release.trouble),
    }


def _entered_json(one: Entered) -> JsonObject:
    """A summary of a gate, or a broken glass, in one form."""
    entry = one.what.entry
    steps: list[Json] = [{"step": step, "reason": reason} for step, reason in entry.steps]
    return {
        "result": "broken" if one.broken else "passed",
        "environment": entry.environment,
        "version": entry.version,
        "at": entry.at,
        "release": entry.release,
        "break_glass": one.broken,
        "role": one.what.role if isinstance(one.what, BrokenGlass) else "",
        "steps": steps,
        "by": one.by,
        "trusted": one.trusted,
    }
