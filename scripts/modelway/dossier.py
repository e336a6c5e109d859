"""Gathers what is known of a model's releases, from the registry and from what runs. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from modelway import evidence, papers, scan_gate
from modelway.core import admission, contents, ecr
from modelway.core.access import reading
from modelway.core.admission import Author, Witnessed
from modelway.core.choice import Choice
from modelway.core.config import Environment, ModelConfig
from modelway.core.counts import Counts, counted
from modelway.core.decode import Wrong
from modelway.core.dossier import Dossier, Entered, Place, Ran, Release, Said, answer
from modelway.core.evidence import BREAK_GLASS, PROVENANCE, SUMMARY, VERDICT, Provenance
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.manifest import Manifest
from modelway.core.merge import merge
from modelway.core.naming import BUILD
from modelway.core.plan import State
from modelway.core.record import Record
from modelway.core.summary import BrokenGlass, Summary, broken_of, summary_of
from modelway.core.verdict import verdict_of
from modelway.core.version import VersionId
from modelway.core.vouched import REPORT
from modelway.core.words import stands
from modelway.errors import Differs, Failure, Malformed, NotAllowed, Unavailable
from modelway.ports import Keys, Registry, Target, World

_READERS: Mapping[str, Callable[[JsonObject], Summary | BrokenGlass]] = {
    SUMMARY: summary_of,
    BREAK_GLASS: broken_of,
}
_AT_ONCE, _TOGETHER = 8, 10
"""Questions at the same time, and releases whose documents come in one answer: some MiB at most."""


def gather(world: World, config: ModelConfig, environment: str, choice: Choice | None = None) -> Dossier:
    """The releases that are asked for; the answer is about what serves in one environment, shown or not."""
    choice, looking = choice or Choice(), reading(config)
    registry, keys = world.registry(looking.registry), world.keys(looking)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Opened one after the other, because sessions are; looked at together.
        opened = [(place, world.target(looking, place)) for place in looking.environments.values()]
        seen = pool.map(lambda one: _look(*one, needed=one[0].name == environment), opened)
        places = dict(zip(looking.environments, seen, strict=True))
        states = {name: state for name, (_, state) in places.items()}
        serving = Digest.parse(places[environment][0].image) if places[environment][0].image else None
        named = _named(config, registry, states, serving, choice)
        images = _images(states.values()) if named is None else [*{*named, *([serving] if serving else [])}]
        there = registry.manifests_of(images)

        def about(share: Sequence[Digest]) -> list[tuple[Release, Sequence[Witnessed] | None]]:
            said = _documents(registry, [one for one in share if one in there])
            return [_release(looking, keys, one, there.get(one), said.get(one, ()), states) for one in share]

        told = [one for share in pool.map(about, _shares(images)) for one in share]
    releases = sorted((release for release, _ in told), key=lambda one: one.newest, reverse=True)
    shown = choice.shown(releases, named)
    if shown:
        image = shown[0].image
        attached = next(said for release, said in told if release.image == image)
        found = _findings(looking, registry, there.get(image), attached)
        shown = (replace(shown[0], findings=found), *shown[1:])
    return Dossier(
        model=config.name,
        owner=config.owner,
        repository=registry.repository,
        places=tuple(place for place, _ in places.values()),
        releases=shown,
        answer=answer(places[environment][0], releases),
    )


def _named(
    config: ModelConfig,
    registry: Registry,
    states: Mapping[str, State],
    serving: Digest | None,
    choice: Choice,
) -> tuple[Digest, ...] | None:
    """The images that are asked for by a name of theirs; ``None`` where it is all of them."""
    if choice.serving:
        return (serving,) if serving else ()
    if choice.version:
        return (_image_of(config, registry, states, choice.version),)
    return (choice.image,) if choice.image else None


def _image_of(
    config: ModelConfig, registry: Registry, states: Mapping[str, State], version: VersionId
) -> Digest:
    """A version's image: as an environment remembers it, or by the tag that kept it for one."""
    for state in states.values():
        if version in state.records:
            return Digest.parse(state.records[version].digest)
    for name in states:
        if found := registry.find(ecr.pointer(config.name, name, version)):
            return found.digest
    known = sorted({f"{id_} in {name}" for name, state in states.items() for id_ in state.records})
    raise Malformed(
        f"no environment of {config.name} knows a version {version}, and no tag in its repository names it",
        seen=f"There are: {', '.join(known) or 'none'}.",
        cure="Name one of them, or an image: --image sha256:...",
    )


def _look(place: Environment, target: Target, *, needed: bool) -> tuple[Place, State]:
    """What serves in an environment now; that its platform runs another image is trouble, not the end.

    Nor is that it cannot be looked at, where it is not ``needed`` for the answer: it hides no other.
    """
    bare = Place(name=place.name, target=place.target, promote_from=place.promote_from)
    try:
        state = target.observe(None)
    except Differs as differs:
        return replace(bare, trouble=str(differs)), State()
    except Unavailable as unavailable:
        if needed:
            raise
        return replace(bare, trouble=f"it could not be looked at: {unavailable}"), State()
    record = state.records.get(state.serving) if state.serving else None
    if record is None:
        foreign = f"{state.foreign} serves, which modelway did not make" if state.foreign else ""
        return replace(bare, trouble=foreign), state
    glass = record.glass.reason if record.glass else ""
    there = replace(bare, serving=record.id, image=record.digest, artifact=record.artifact, glass=glass)
    return there, state


def _images(states: Iterable[State]) -> list[Digest]:
    """The images environments remember."""
    digests = {record.digest for state in states for record in state.records.values()}
    return [Digest.parse(digest) for digest in sorted(digests)]


def _shares(images: Sequence[Digest]) -> list[Sequence[Digest]]:
    """As many as are asked about at the same time, or more: one answer holds all that is said of a share."""
    size = min(-(-len(images) // _AT_ONCE), _TOGETHER)
    return [images[at : at + size] for at in range(0, len(images), size or 1)]


def _documents(
    registry: Registry, images: Sequence[Digest]
) -> Mapping[Digest, tuple[bytes, ...] | NotAllowed]:
    """What is attached to each; of one with something planted that is no document, that it is so."""
    try:
        return registry.attached_to(images, *evidence.TYPES)
    except NotAllowed as failure:
        if len(images) == 1:
            return {images[0]: failure}
        return {one: said for image in images for one, said in _documents(registry, [image]).items()}


def _release(  # noqa: PLR0913, PLR0917  (all that is known of it so far)
    config: ModelConfig,
    keys: Keys,
    image: Digest,
    manifest: Manifest | None,
    documents: Sequence[bytes] | NotAllowed,
    states: dict[str, State],
) -> tuple[Release, Sequence[Witnessed] | None]:
    """One image, and the statements attached to it; none of these where one of them cannot be read."""
    ran = tuple(
        _ran(name, record, state)
        for name, state in states.items()
        for record in state.records.values()
        if record.digest == str(image)
    )
    if manifest is None:
        gone = "the image is not in the registry"
        return Release(image=image, gone=True, ran=ran, trouble=(gone,)), None
    try:
        if isinstance(documents, NotAllowed):
            raise documents
        attached = evidence.witnessed(keys, image, documents)
    except NotAllowed as failure:
        layers = tuple(blob.size for blob in manifest.blobs[1:])
        return Release(image=image, layers=layers, ran=ran, trouble=(str(failure),)), None
    build = Author(name=BUILD, keys=evidence.names(config.evidence))
    provenances = admission.read_provenances(attached, build)
    newest = next(iter(provenances), None)
    rulings = (admission.about(image, attached), admission.of_model(config.name, image, attached, build))
    release = Release(
        image=image,
        layers=tuple(blob.size for blob in manifest.blobs[1:]),
        provenance=newest,
        provenance_by=_built_by(attached, build),
        verdicts=_verdicts(config, attached),
        entered=_entered(config, attached),
        ran=ran,
        findings=_at_push(newest),
        contents=contents.of(attached, build, config.evidence.verify_with),
        trouble=tuple(ruling.reason for ruling in rulings if not ruling.ok),
    )
    return release, attached


def _ran(environment: str, record: Record, state: State) -> Ran:
    return Ran(
        environment=environment,
        version=record.id,
        artifact=record.artifact,
        standing=stands(record, state),
        release=record.release,
        attempts=record.attempts,
        glass=record.glass.reason if record.glass else "",
    )


def _at_push(provenance: Provenance | None) -> Counts | None:
    """What the scan found when the image was pushed, as its provenance says."""
    reports = (one for one in provenance.documents if one.name == REPORT) if provenance else ()
    return next((Counts.of(one.notes) for one in reports if one.notes), None)


def _built_by(attached: Sequence[Witnessed], build: Author) -> str:
    """Who says how it was built: the build, where it does; otherwise whoever says so in its place."""
    every = [one for one in attached if one.statement.predicate_type == PROVENANCE]
    own = [one for one in every if build.said(one)]
    return "; ".join(sorted({one.said_by for one in own or every}))


def _verdicts(config: ModelConfig, attached: Sequence[Witnessed]) -> tuple[Said, ...]:
    """Readable verdicts about this model, newest first; models may share an image."""
    found = []
    for one in attached:
        if one.statement.predicate_type == VERDICT:
            try:
                read = verdict_of(one.statement.predicate)
            except Wrong:
                continue
            if read.model == config.name:
                found.append(Said(verdict=read, by=one.said_by, trusted=_own(config, read.environment, one)))
    return tuple(sorted(found, key=lambda one: one.verdict.passed, reverse=True))


def _entered(config: ModelConfig, attached: Sequence[Witnessed]) -> tuple[Entered, ...]:
    """What gates said, newest first; of summaries, those modelway wrote."""
    found = []
    for one in attached:
        reader = _READERS.get(one.statement.predicate_type)
        if reader:
            try:
                what = reader(one.statement.predicate)
            except Wrong:
                continue
            if what.entry.model == config.name:
                own = _own(config, what.entry.environment, one)
                found.append(Entered(what=what, by=one.said_by, trusted=own))
    return tuple(sorted(found, key=lambda one: one.what.entry.at, reverse=True))


def _own(config: ModelConfig, environment: str, one: Witnessed) -> bool:
    """Whether it is an environment's own word."""
    place = config.environments.get(environment)
    return place is not None and Author(name=environment, keys=evidence.names(place.evidence)).said(one)


def _findings(
    config: ModelConfig, registry: Registry, manifest: Manifest | None, attached: Sequence[Witnessed] | None
) -> Counts | None:
    """What the newest report attached to an image says, in numbers; ``None`` where there is none."""
    if manifest is None or attached is None:
        return None
    about = [one for one in attached if one.statement.subject == manifest.digest]
    try:
        documents = papers.reports_by(config, registry, manifest.digest, about)
        reports = scan_gate.stored(documents, manifest.config)
    except Failure:
        return None
    return counted(merge(reports)) if reports else None
