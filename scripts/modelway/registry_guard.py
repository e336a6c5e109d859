"""What of a repository is in use, read back from every environment of every model that shares it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from modelway import evidence
from modelway.core import ecr, lifecycle
from modelway.core.access import pruning, reading
from modelway.core.admission import Author
from modelway.core.config import ModelConfig
from modelway.core.decode import Wrong
from modelway.core.evidence import PROVENANCE, provenance_of
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.core.lifecycle import Doomed, Rule, Stored
from modelway.core.naming import BUILD, bucket_name
from modelway.core.stock import YOUNG, Danger, Group, Ruling, Use, Wish, endangered, rule, use
from modelway.core.weights import Copy, Decision, Expiry, decide
from modelway.core.weights import endangered as weights_endangered
from modelway.errors import Differs, Malformed, NotAllowed, Unavailable
from modelway.ports import Registry, Shelf, Stock, World


def sharing(world: World, config: ModelConfig, also: Sequence[str]) -> tuple[ModelConfig, ...]:
    """The config and every other one here, or under the paths, whose images lie in the same repository.

    Raises ``Malformed`` for one that cannot be read: nobody knows what it needs.
    """
    try:
        paths = [*world.configs.find(())]
    except Malformed:  # there is no folder of configs
        paths = []
    paths += world.configs.find(also) if also else []
    here = [config, *(world.configs.load(Path(path)) for path in paths)]
    mine = [each for each in here if _place(each) == _place(config)]
    return tuple({_lives(each): each for each in reversed(mine)}.values())[::-1]


def _lives(config: ModelConfig) -> tuple[str, frozenset[tuple[str, ...]]]:
    """A model and where it runs: another git repository, or another branch, may have one of the same name."""
    places = config.environments.values()
    return config.name, frozenset((each.name, each.target, each.account, each.region) for each in places)


def _place(config: ModelConfig) -> tuple[str, str, str]:
    spec = config.registry
    return spec.account, spec.region, spec.repository


def uses(world: World, configs: Iterable[ModelConfig]) -> tuple[Use, ...]:
    """What each environment needs; raises what keeps one from being looked at: then nobody knows."""
    return tuple(each for config in configs for each in _uses(world, reading(config)))


def _uses(world: World, config: ModelConfig) -> Iterator[Use]:
    for place in config.environments.values():
        target = world.target(config, place)
        yield use(config.name, place.name, target.observe(None), target.images())


def rulings(
    world: World, config: ModelConfig, needed: tuple[Use, ...], young: timedelta = YOUNG
) -> tuple[Ruling, ...]:
    """What becomes of every image of the repository."""
    wish = Wish(
        model=config.name,
        uses=needed,
        keep_releases=config.registry.keep_releases,
        now=world.clock.now(),
        young=young,
    )
    stored = world.stock(reading(config).registry).stored()
    return rule(stored, wish, lambda group: owner(world, config, group))


def owner(world: World, config: ModelConfig, group: Group) -> str:
    """The model an image is of, as the build's own word attached to it says; empty where there is none.

    A model of another repository's may have the same name: what was built there is not this one's.
    """
    looking, author = reading(config), Author(name=BUILD, keys=evidence.names(config.evidence))
    registry, keys = world.registry(looking.registry), world.keys(looking)
    models, sources = set(), {world.run.source} - {""}
    for image in (each.digest for each in group.members if each.subject is None):
        try:
            attached = evidence.witnessed(keys, image, registry.attached(image, *evidence.TYPES))
            said = [
                provenance_of(one.statement.predicate)
                for one in attached
                if one.statement.predicate_type == PROVENANCE
                and one.statement.subject == image
                and author.said(one)
            ]
        except (NotAllowed, Wrong):
            return ""
        models |= {one.model for one in said}
        sources |= {one.source.repository for one in said} - {""}
    return models.pop() if len(models) == 1 and len(sources) <= 1 else ""


def weights(config: ModelConfig, needed: Iterable[Use]) -> dict[str, str]:
    """The model artifacts that are needed, ``sha256:...``, and what for."""
    found = {config.artifact.sha256.value: "the config names it"} if config.artifact else {}
    mine = (each for each in needed if each.model == config.name)
    return found | {sha256: why for each in mine for sha256, why in each.weights.items()}


def shelves(world: World, config: ModelConfig, wanted: Collection[str]) -> Iterator[Shelf]:
    """Every bucket with copies of the model's artifacts, once; none where nothing wants one any more.

    A version that may be gone back to does, although the config names none now.
    """
    if not wanted:
        return
    seen = set()
    for place in config.environments.values():
        if (bucket := bucket_name(place)) not in seen:
            seen.add(bucket)
            yield world.shelf(config, place)


def decisions(
    world: World, config: ModelConfig, needed: Iterable[Use], young: timedelta = YOUNG
) -> tuple[tuple[Decision, Shelf], ...]:
    """What becomes of every copy of the model's artifacts, and where it is deleted."""
    wanted = weights(config, needed)
    looking, deleting = shelves(world, reading(config), wanted), shelves(world, pruning(config), wanted)
    return tuple(
        (decision, shelf)
        for looked, shelf in zip(looking, deleting, strict=True)
        for decision in decide(looked.copies(), wanted, world.clock.now(), young)
    )


def dangers_to_weights(
    world: World, config: ModelConfig, needed: Iterable[Use]
) -> tuple[tuple[Copy, Expiry, str], ...]:
    """Needed copies that a bucket's own lifecycle rules take, the rule, and who needs them."""
    wanted = weights(config, needed)
    return tuple(
        (copy, rule_, wanted[copy.sha256])
        for shelf in shelves(world, reading(config), wanted)
        for copy, rule_ in weights_endangered(shelf.copies(), shelf.expiries(), wanted)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a lifecycle policy takes of a repository: now, as ECR itself says, or for certain later."""

    rules: tuple[Rule, ...]
    stored: tuple[Stored, ...]
    doomed: tuple[Doomed, ...]

    def of(self, needed: Iterable[Use]) -> tuple[Danger, ...]:
        """What is needed of it, each image once."""
        found = endangered(self.doomed, self.rules, self.stored, needed)
        return tuple({one.digest: one for one in reversed(found)}.values())[::-1]


def taken(stock: Stock, policy: JsonObject, now: datetime) -> Taken:
    """What a policy takes; raises ``Malformed`` for one that ECR would refuse."""
    try:
        rules = lifecycle.read(policy)
    except Wrong as wrong:
        cure = "See docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"
        raise Malformed("the lifecycle policy cannot be read", seen=str(wrong), cure=cure) from wrong
    stored = stock.stored()
    later = lifecycle.in_time(rules, stored, now)
    doomed = (*stock.preview(policy), *later) if stored else ()
    return Taken(rules=rules, stored=stored, doomed=doomed)


def dangers(
    world: World, config: ModelConfig, policy: JsonObject, needed: Sequence[Use]
) -> tuple[Danger, ...]:
    """What a lifecycle policy would take of what is needed."""
    return taken(world.stock(reading(config).registry), policy, world.clock.now()).of(needed)


def may_set(world: World, config: ModelConfig, policy: JsonObject) -> str:
    """Why a new lifecycle policy must wait, empty where it may be set; asked by who is about to set it.

    The environments are looked at only where it takes an image that no tag of theirs keeps. Raises
    ``Differs`` where it would take what one of them needs.
    """
    found = taken(world.stock(config.registry), policy, world.clock.now())
    if not found.doomed:
        return ""
    _refuse(config, found.of([marked(found.stored)]))
    try:
        needed = uses(world, sharing(world, config, ()))
    except Unavailable as failure:
        going = len({one.digest for one in found.doomed})
        return f"it would delete {going} images, and nobody knows whether one is in use: {failure.what}"
    _refuse(config, found.of(needed))
    return ""


def _refuse(config: ModelConfig, found: Sequence[Danger]) -> None:
    """Raise ``Differs`` where our own policy would take what is needed."""
    if found:
        keep = config.registry.keep_releases
        place = config.registry.repository
        raise Differs(
            f"the lifecycle policy that keeps {keep} releases would delete what is needed of {place}",
            seen=told(found),
            cure="Nothing was changed. Deploy that version again, which tags its image env-*, or retire it;"
            " or raise registry.keep_releases. scripts/run registry check CONFIG looks again.",
        )


def told(found: Iterable[Danger]) -> str:
    """Each danger on a line."""
    return "\n".join(one.words for one in found)


def marked(stored: Iterable[Stored]) -> Use:
    """What the tags of environments keep, whoever set them."""
    held = {each.digest: [t for t in each.tags if t.startswith(ecr.POINTER)] for each in stored}
    images = {digest: f"the tag {tags[0]} keeps it" for digest, tags in held.items() if tags}
    return Use(model="", environment="", images=images)


def unmarked(stored: Iterable[Stored], needed: Iterable[Use]) -> tuple[tuple[Digest, str], ...]:
    """Images that an environment needs and that no tag of its own keeps, and who needs them."""
    tags = {each.digest: {*each.tags} for each in stored}
    return tuple(
        (digest, why)
        for each in needed
        for digest, why in each.images.items()
        if digest in tags and not tags[digest] & each.tags
    )


def missing(stored: Iterable[Stored], needed: Iterable[Use]) -> tuple[tuple[Digest, str], ...]:
    """Images of released versions that are not in the repository, once each, and who needs them."""
    there = {each.digest for each in stored}
    found = {digest: each.images[digest] for each in needed for digest in each.own - there}
    return tuple(sorted(found.items(), key=str))


def missing_weights(world: World, config: ModelConfig, needed: Iterable[Use]) -> tuple[tuple[str, str], ...]:
    """Where the weights of standing versions should be and are not, and who needs them."""
    looking, found = reading(config), dict[str, str]()
    for each in needed:
        place = looking.environments.get(each.environment) if each.model == config.name else None
        if place is None or not each.weights:
            continue
        there = {copy.sha256 for copy in world.shelf(looking, place).copies() if copy.latest}
        for sha256, why in each.weights.items():
            if sha256 not in there:
                hex_ = sha256.removeprefix("sha256:")
                found[f"s3://{bucket_name(place)}/{config.name}/{hex_}/model.tar.gz"] = why
    return tuple(sorted(found.items()))


def set_up(world: World, config: ModelConfig, registry: Registry) -> None:
    """The repository as it must be; its lifecycle policy waits where nobody knows what it would take.

    It is as all models want it that share it, so that no push takes back what another one's has set.
    """
    try:
        peers = sharing(world, config, ())
    except Malformed:  # another config has errors; this model is pushed all the same
        peers = (config,)
    first = min(peers, key=lambda one: one.name)
    pullers = sorted({place.account for one in peers for place in one.environments.values()})
    keep = max(one.registry.keep_releases for one in peers)
    config = replace(config, registry=replace(config.registry, keep_releases=keep))

    def waits(policy: JsonObject) -> str:
        if why := may_set(world, config, policy):
            cure = (
                "Push once as somebody who may look there: scripts/run iam prints what the push role needs."
            )
            world.reporter.warn(f"the lifecycle policy was not set: {why}. {cure}")
        return why

    for change in registry.ensure(config.registry, pullers, first.owner, first.name, waits=waits):
        world.reporter.note(change)
