"""Whether the evidence attached to an image lets a version into an environment. Decides, and reads nothing.

Every refusal names the evidence, whom it was expected from and whom it was found from. Nothing is believed
because it is there: a statement counts when it is about this very image and its signature is by a key
the config names for whoever has to say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelway.core.decode import Wrong
from modelway.core.evidence import KINDS, PROVENANCE, VERDICT, Provenance, provenance_of
from modelway.core.image import Digest
from modelway.core.statement import Statement
from modelway.core.verdict import EnvironmentVerdict, verdict_of
from modelway.core.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A statement that is attached to an image, and whose configured keys its signatures are by."""

    statement: Statement
    signers: frozenset[str] = frozenset()
    """Who signed, as the config names them: ``build``, or an environment."""
    signed: bool = False
    """Whether anybody signed at all; by a key nobody configured, if ``signers`` is empty."""
    document: Digest | None = None
    """Of the bytes that are attached; ``None`` where it was not read from a registry."""

    @property
    def said_by(self) -> str:
        """Who says it, for people."""
        if self.signers:
            return " and ".join(sorted(self.signers))
        return "a key the config does not name" if self.signed else "nobody: it is not signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who has to say something."""

    name: str
    """``build``, or an environment's name."""
    keys: tuple[str, ...] = ()
    """Keys or identities the config verifies it with; none means that anybody's word counts."""

    def said(self, one: Witnessed) -> bool:
        """Whether it is this author's word."""
        return not self.keys or self.name in one.signers

    @property
    def words(self) -> str:
        """As it is expected, for people."""
        return f"{self.name} ({', '.join(self.keys)})" if self.keys else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one check says."""

    ok: bool
    reason: str
    seen: str = ""
    cure: str = ""
    tampered: bool = False
    """Not missing but forged, swapped or damaged: somebody put it there."""


def about(image: Digest, attached: Iterable[Witnessed]) -> Ruling:
    """Refuse evidence of another image: a statement does not get here by itself."""
    for one in attached:
        if one.statement.subject != image:
            kind = KINDS.get(one.statement.predicate_type, one.statement.predicate_type)
            return Ruling(
                ok=False,
                reason=f"a {kind} about another image is attached to {image}: evidence was swapped",
                seen=f"It is about {one.statement.subject}, said by {one.said_by}.",
                cure="Treat it as an attack: find out who may write to the repository, and release anew.",
                tampered=True,
            )
    return Ruling(ok=True, reason="every statement attached is about this image")


def of_model(model: str, image: Digest, attached: Sequence[Witnessed], build: Author) -> Ruling:
    """Refuse an image whose every provenance names another model: several may share a repository and a key.

    Models that share an image on purpose have one provenance each. Where there is none at all, this is
    not the place to say so.
    """
    said = {one.model: one.config for one in read_provenances(attached, build)}
    if not said or model in said:
        return Ruling(ok=True, reason=f"built as {model}" if said else "no provenance names a model")
    others = " and ".join(sorted(said))
    where = ", ".join(sorted(f"{name} ({config or 'no config named'})" for name, config in said.items()))
    return Ruling(
        ok=False,
        reason=f"{image} is an image of {others}, not of {model}: the two were mixed up or swapped",
        seen=f"expected a provenance of {model} from {build.words}, found those of {where}",
        cure=f"Name an image of {model}: scripts/run push prints it. If both are to share this one, push it"
        f" by the config of {model}, too, which attaches its own provenance. If nobody mixed them up, treat"
        " it as an attack: find out who asked for it.",
        tampered=bool(build.keys),
    )


def provenance(
    model: str, image: Digest, attached: Sequence[Witnessed], build: Author, source: str
) -> Ruling:
    """Built by whom the config trusts, from the config's own repository (where a key is configured)."""
    found = [one for one in attached if one.statement.predicate_type == PROVENANCE]
    good = [one for one in found if build.said(one)]
    if not good:
        again = "Push it again from the release workflow, with the build's key: push attaches it."
        return _missing("provenance", image, found, build, again)
    try:
        read = [provenance_of(one.statement.predicate) for one in good]
    except Wrong as wrong:
        return _damaged("provenance", image, wrong, good, build)
    mixed = of_model(model, image, good, build)
    if not mixed.ok:
        return mixed
    newest = max((one for one in read if one.model == model), key=lambda one: one.built)
    elsewhere = newest.source.repository
    if build.keys and source and elsewhere and elsewhere != source:
        return Ruling(
            ok=False,
            reason=f"{image} was built from another repository",
            seen=f"expected {source}, found {elsewhere}",
            cure="Find out who pushed it here; build it by this repository's release workflow.",
            tampered=True,
        )
    by = f", signed by {build.name}" if build.keys else ""
    commit = f" from {newest.source.commit[:12]}" if newest.source.commit else ""
    return Ruling(ok=True, reason=f"built{commit} by {newest.source.workflow or 'a local build'}{by}")


def documents(attached: Sequence[Witnessed], build: Author) -> dict[str, frozenset[Digest]]:
    """Digests of the documents the build vouches for, by name: any of its statements may name one."""
    named: dict[str, frozenset[Digest]] = {}
    for one in read_provenances(attached, build):
        for document in one.documents:
            named[document.name] = named.get(document.name, frozenset()) | {document.digest}
    return named


def read_provenances(attached: Sequence[Witnessed], build: Author) -> tuple[Provenance, ...]:
    """Every readable provenance the build says."""
    found = []
    for one in attached:
        if one.statement.predicate_type == PROVENANCE and build.said(one):
            try:
                found.append(provenance_of(one.statement.predicate))
            except Wrong:
                continue  # another builder's, which is no evidence for us
    return tuple(sorted(found, key=lambda one: one.built, reverse=True))


def passed(
    model: str, version: Version, contract: str | None, attached: Sequence[Witnessed], before: Author
) -> tuple[Ruling, EnvironmentVerdict | None]:
    """The environment before says that these very things passed as this model: image, weights, tests.

    Two models may share an image and a key; that one of them passed says nothing of the other.
    """
    image = version.image.digest
    theirs: list[tuple[Witnessed, EnvironmentVerdict]] = []
    for one in attached:
        if one.statement.predicate_type != VERDICT:
            continue
        try:
            read = verdict_of(one.statement.predicate)
        except Wrong as wrong:
            if before.said(one):
                return _damaged("verdict", image, wrong, [one], before), None
            continue
        if (read.model, read.environment) == (model, before.name):
            theirs.append((one, read))
    good = [read for one, read in theirs if before.said(one)]
    if not good:
        again = f"scripts/run deploy CONFIG --environment {before.name}, with its own key, attaches it."
        return _missing(f"verdict of {before.name}", image, [one for one, _ in theirs], before, again), None
    return _same(version, contract, good, before)


def _same(
    version: Version, contract: str | None, good: Sequence[EnvironmentVerdict], before: Author
) -> tuple[Ruling, EnvironmentVerdict | None]:
    """Whether one of an environment's own verdicts is about what is to be let in now, and earned."""
    image = version.image.digest
    artifact = str(version.artifact.sha256) if version.artifact else None
    cure = f"Let these pass there first: scripts/run deploy CONFIG --environment {before.name}"

    def no(reason: str, seen: str) -> tuple[Ruling, None]:
        return Ruling(ok=False, reason=reason, seen=seen, cure=cure), None

    weighed = [one for one in good if one.artifact == artifact]
    if not weighed:
        found = ", ".join(str(one.artifact) for one in good)
        what = f"{before.name} saw {image} pass with other weights: these were swapped since"
        return no(what, f"expected {artifact or 'no artifact'}, found {found}")
    asked = [one for one in weighed if not contract or one.contract == contract]
    if not asked:
        found = ", ".join(one.contract for one in weighed)
        what = f"{before.name} saw {image} pass other contract tests than the config has now"
        return no(f"{what}: they were changed since", f"expected {contract}, found {found}")
    earned = [one for one in asked if not one.glass]
    if not earned:
        what = f"{image} came into {before.name} by break-glass, which proves nothing to the next environment"
        return no(what, "; ".join(one.glass for one in asked))
    best = max(earned, key=lambda one: one.passed)
    by = f", signed by {before.name}" if before.keys else ""
    reason = f"version {best.version} passed in {before.name} at {best.passed}{by}"
    return Ruling(ok=True, reason=reason), best


def _missing(what: str, image: Digest, found: Sequence[Witnessed], author: Author, again: str) -> Ruling:
    """Nobody who has to say it says it: nobody at all, nobody who signs, or somebody else in their name."""
    if not found:
        reason = f"no {what} is attached to {image}"
        return Ruling(ok=False, reason=reason, seen=f"expected from {author.words}, found none", cure=again)
    others = "; ".join(sorted({one.said_by for one in found}))
    forged = any(one.signed for one in found)
    cure = (
        f"Treat it as forged: find out whose key signed it, and who may write to the repository. It counts "
        f"only as {author.name}'s own word: {again}"
        if forged
        else f"Only {author.name} can say it: {again}"
    )
    return Ruling(
        ok=False,
        reason=f"the {what} attached to {image} is not {author.name}'s word",
        seen=f"expected from {author.words}, found from {others}",
        cure=cure,
        tampered=forged,
    )


def _damaged(what: str, image: Digest, wrong: Wrong, found: Sequence[Witnessed], author: Author) -> Ruling:
    others = "; ".join(sorted({one.said_by for one in found}))
    return Ruling(
        ok=False,
        reason=f"the {what} attached to {image} cannot be read",
        seen=f"{wrong}; expected from {author.words}, found from {others}",
        cure="Release it again; if it was signed, find out with whose key.",
        tampered=True,
    )
