"""What is attached to an image: statements written there, and read with who signed them.

The build vouches for how an image came to be, its SBOM and its report; an environment testifies that a
version passed in it. Each signs with its own key, and says nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from modelway.core import admission, ecr
from modelway.core.access import testifying
from modelway.core.admission import Author, Witnessed
from modelway.core.config import Environment, ModelConfig, Signing
from modelway.core.decode import Wrong
from modelway.core.evidence import PROVENANCE, VERDICT, Document, Provenance, Source
from modelway.core.image import Digest
from modelway.core.manifest import digest_of
from modelway.core.naming import BUILD
from modelway.core.record import Passed, Record
from modelway.core.statement import (
    BUNDLE_TYPE,
    STATEMENT_TYPE,
    Envelope,
    Statement,
    bare_signature,
    labels,
    opened,
    statement_of,
)
from modelway.core.verdict import Answered, Approval, Comparison, EnvironmentVerdict, verdict_of
from modelway.core.version import Version
from modelway.errors import NotAllowed, Tampered, Unavailable
from modelway.ports import Clock, Keys, Registry, World

TYPES = (BUNDLE_TYPE, STATEMENT_TYPE)
"""OCI artifact types of statements, signed and not."""


def attach(registry: Registry, keys: Keys, clock: Clock, author: str, statement: Statement) -> bool:
    """Attach a statement to its image, signed by its author; whether it is signed.

    The same statement is attached once: what is there already by the same author is not said again.
    """
    payload = statement.payload()
    kept = [_envelope(document) for document in registry.attached(statement.subject, *TYPES)]
    same = [one for one in kept if one and one.payload == payload]
    if any(author in keys.signed_by(one) for one in same):
        return True
    signed = keys.seal(author, payload)
    if signed is None and same:
        return False
    kind, body = (STATEMENT_TYPE, payload) if signed is None else (BUNDLE_TYPE, signed)
    notes = labels(statement.predicate_type, signed=signed is not None)
    registry.attach(statement.subject, kind, body, created=clock.now(), annotations=notes)
    return signed is not None


def witnessed(keys: Keys, image: Digest, documents: Iterable[bytes]) -> tuple[Witnessed, ...]:
    """Attached statements and who signed each; raises ``Tampered`` for one that cannot be read.

    A document under a statement's type that is none is damaged or planted; neither is passed over. A bare
    signature of the image, as others make them, came along with it and says nothing.
    """
    found = []
    for document in documents:
        if bare_signature(document):
            continue
        by, signed = frozenset[str](), False
        try:
            envelope = opened(document)
            signed = bool(envelope.signatures)
            by = keys.signed_by(envelope) if signed else by
            statement = statement_of(envelope.payload, image)
        except Wrong as wrong:
            who = " and ".join(sorted(by)) or ("a key the config does not name" if signed else "nobody")
            what = f"the statement {digest_of(document)} attached to {image} cannot be read"
            seen = f"{wrong}; expected from the build or an environment, found signed by {who}"
            cure = "Find out who wrote it; release the image anew from the release workflow."
            raise Tampered(what, seen=seen, cure=cure) from wrong
        kept = digest_of(document)
        found.append(Witnessed(statement=statement, signers=by, signed=signed, document=kept))
    return tuple(found)


def provenance(
    world: World,
    config: ModelConfig,
    inputs: str,
    bases: tuple[tuple[str, str], ...],
    documents: tuple[Document, ...],
) -> Provenance:
    """How an image came to be, as far as this process can tell."""
    run = world.run
    return Provenance(
        model=config.name,
        config=config.path,
        strategy=type(config.image).__name__.lower(),
        inputs=inputs,
        source=Source(
            repository=run.source, commit=run.revision, ref=run.ref, workflow=run.workflow, run=run.url
        ),
        bases=bases,
        documents=documents,
        built=world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def vouch(
    world: World, config: ModelConfig, image: Digest, provenance: Provenance, registry: Registry
) -> None:
    """The build's word for an image and the documents attached to it."""
    keys = world.keys(only(config, BUILD))
    attached = witnessed(keys, image, registry.attached(image, *TYPES))
    said = _said(config, attached)
    named = {(one.name, one.digest) for one in said[0].documents} if said else set()
    if said and all((one.name, one.digest) in named for one in provenance.documents):
        return
    statement = Statement(subject=image, predicate_type=PROVENANCE, predicate=provenance.predicate())
    signed = attach(registry, keys, world.clock, BUILD, statement)
    world.reporter.note(f"attached the provenance, {how(signed=signed)}")


def vouch_too(world: World, config: ModelConfig, image: Digest, own: Provenance, registry: Registry) -> None:
    """The build's word for an image that it made for another model from the very same inputs.

    The documents are those it vouched for then. Nothing where it has said so already, or never said anything.
    """
    author = Author(name=BUILD, keys=names(config.evidence))
    attached = witnessed(world.keys(only(config, BUILD)), image, registry.attached(image, *TYPES))
    every = admission.read_provenances(attached, author)
    if every and not _said(config, attached):
        vouch(world, config, image, replace(own, documents=every[0].documents), registry)


def _said(config: ModelConfig, attached: Sequence[Witnessed]) -> tuple[Provenance, ...]:
    """How the build said that an image came to be, as this model."""
    said = admission.read_provenances(attached, Author(name=BUILD, keys=names(config.evidence)))
    return tuple(one for one in said if one.model == config.name)


def vouch_for(
    world: World, config: ModelConfig, image: Digest, document: Document, registry: Registry
) -> None:
    """The build's word for one document more; none where it never said how the image came to be."""
    keys = world.keys(only(config, BUILD))
    attached = witnessed(keys, image, registry.attached(image, *TYPES))
    said = _said(config, attached)
    if said:
        others = tuple(one for one in said[0].documents if one.name != document.name)
        at = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        more = replace(said[0], documents=(*others, document), built=max(at, said[0].built))
        vouch(world, config, image, more, registry)


def testify(  # noqa: PLR0913, PLR0917  (all that a verdict is about)
    world: World,
    config: ModelConfig,
    place: Environment,
    version: Version,
    record: Record,
    answers: Callable[[], Sequence[Answered]],
) -> None:
    """An environment's word that a version passed in it, said once for each pass.

    First the image gets the tag that keeps it for the environment: a run that died before is made good.
    """
    passed, image = record.passed, version.image.digest
    if passed is None:
        return
    _keep(world, config, place, version)
    if _testified(world, config, place, image, passed):
        return
    verdict = EnvironmentVerdict(
        model=config.name,
        environment=place.name,
        account=place.account,
        region=place.region,
        target=place.target,
        version=version.id,
        artifact=str(version.artifact.sha256) if version.artifact else None,
        contract=passed.contract,
        attempt=passed.attempt,
        began=record.attempt.at if record.attempt else "",
        passed=passed.at,
        release=record.release,
        transcript=tuple(answers()),
        approval=approval(world, place.name),
        glass=record.glass.reason if record.glass else "",
        comparison=_comparison(record),
    )
    registry, keys = world.registry(testifying(config)), world.keys(only(config, place.name))
    statement = Statement(subject=image, predicate_type=VERDICT, predicate=verdict.predicate())
    signed = attach(registry, keys, world.clock, place.name, statement)
    world.reporter.note(f"attached {place.name}'s verdict to the image, {how(signed=signed)}")


def _comparison(record: Record) -> Comparison | None:
    """What the attempt that passed was compared by, the last time."""
    analysed, passed = record.analysed, record.passed
    if analysed is None or passed is None or analysed.samples is None or analysed.attempt != passed.attempt:
        return None
    candidate, baseline = analysed.samples
    return Comparison(percent=analysed.percent, candidate=candidate, baseline=baseline)


def _keep(world: World, config: ModelConfig, place: Environment, version: Version) -> None:
    """Keep the image from every lifecycle rule for as long as the environment may need it."""
    registry, tag = world.registry(testifying(config)), ecr.pointer(config.name, place.name, version.id)
    named = registry.find(tag)
    if named is None or named.digest != version.image.digest:
        registry.retag(version.image.digest, tag)


def _testified(world: World, config: ModelConfig, place: Environment, image: Digest, passed: Passed) -> bool:
    """Whether an environment's word for this very pass is attached already."""
    registry, keys = world.registry(testifying(config)), world.keys(only(config, place.name))
    author = Author(name=place.name, keys=names(place.evidence))
    for one in witnessed(keys, image, registry.attached(image, *TYPES)):
        if one.statement.predicate_type == VERDICT and author.said(one):
            try:
                known = verdict_of(one.statement.predicate)
            except Wrong:
                continue  # whatever it is, it does not say that this passed
            about = (known.model, known.environment, known.passed)
            if about == (config.name, place.name, passed.at):
                return True
    return False


def approval(world: World, environment: str) -> Approval | None:
    """Who let the version in, as GitHub tells it; ``None`` where that cannot be known."""
    if not world.run.url:
        return None
    try:
        return world.hosting().approval(environment)
    except Unavailable as unavailable:
        world.reporter.warn(
            f"who approved this could not be read from GitHub, and is not said: {unavailable}"
        )
        return None


def approved(world: World, environment: str) -> str:
    """Who let it in; raises ``NotAllowed`` where GitHub should have asked reviewers and nobody approved."""
    said = approval(world, environment)
    if said is None:
        return "who approved it could not be read; GitHub holds a job until its environment's reviewers agree"
    if said.approved_by:
        return f"approved by {', '.join(said.approved_by)} in {said.run}"
    try:
        asked = [one for one in world.hosting().environments() if one.is_(environment)]
    except Unavailable as unavailable:
        return (
            f"nobody approved it; whether {environment} has reviewers could not be read: {unavailable.what}"
        )
    if any(one.reviewers for one in asked):
        raise NotAllowed(
            f"the GitHub environment {environment} has reviewers, and none of them approved this run",
            seen=f"expected from a reviewer of {environment}, found from nobody: {said.run}",
            cure="Let a reviewer approve the run; an administrator who bypasses the rule does not count.",
        )
    if not asked:
        return f"GitHub asks nobody: the repository has no environment {environment}"
    return f"GitHub asks nobody: the environment {environment} has no reviewers"


def how(*, signed: bool) -> str:
    """Whether somebody signed, for people."""
    return "signed" if signed else "not signed: no key is configured"


def only(config: ModelConfig, *authors: str) -> ModelConfig:
    """The config with these authors' keys: nobody is asked for a key that decides nothing there.

    With keys of KMS's that would be other accounts, which a job may not look into.
    """
    return replace(
        config,
        evidence=config.evidence if BUILD in authors else Signing(),
        environments={name: place for name, place in config.environments.items() if name in authors},
    )


def names(signing: Signing) -> tuple[str, ...]:
    """Keys and identities, as people read them."""
    return tuple(str(key) for key in signing.verify_with)


def _envelope(document: bytes) -> Envelope | None:
    """A document as an envelope; nothing where it cannot be read."""
    try:
        return opened(document)
    except Wrong:
        return None
