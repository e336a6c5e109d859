"""What of a repository is kept, what may go, and why. Decides, and deletes nothing.

Images that name each other stay together: a list and the images in it, an image and what is attached to it.
Of such a group nothing goes as long as anything of it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from modelway.core import ecr
from modelway.core.duration import words
from modelway.core.image import Digest
from modelway.core.inputs import TAG_PREFIX
from modelway.core.lifecycle import Doomed, Rule, Stored
from modelway.core.plan import State
from modelway.core.version import VersionId

YOUNG = timedelta(days=1)
"""So old an image has to be before it may go: a release may be about to name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one environment of one model needs."""

    model: str
    environment: str
    images: Mapping[Digest, str]
    """Digests, and what for, for people."""
    versions: frozenset[VersionId] = frozenset()
    own: frozenset[Digest] = frozenset()
    """Those of versions modelway released: they were pulled from the repository."""
    weights: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of model artifacts, ``sha256:...``, and what for."""

    @property
    def tags(self) -> frozenset[str]:
        """The tags that keep its images."""
        return frozenset(ecr.pointer(self.model, self.environment, version) for version in self.versions)


def use(model: str, environment: str, state: State, running: Iterable[str]) -> Use:
    """What an environment needs: every version that still stands there, and whatever its platform says runs.

    A version that may be gone back to stands there until a release retires it; one that failed or was
    withdrawn stands there, too, and `reinstate` may want it.
    """
    place = f"{model} in {environment}"
    images = {Digest.parse(digest): f"runs in {environment}, whoever made it" for digest in sorted(running)}
    weights: dict[str, str] = {}
    for record in sorted(state.records.values(), key=lambda each: each.id in state.traffic):
        serves = record.id in state.traffic
        why = f"{place}: version {record.id} {'serves' if serves else 'stands there still'}"
        images[Digest.parse(record.digest)] = why
        if record.artifact:
            weights[record.artifact] = why
    return Use(
        model=model,
        environment=environment,
        images=images,
        versions=frozenset(state.records),
        own=frozenset(Digest.parse(one.digest) for one in state.records.values() if not one.adopted),
        weights=weights,
    )


@dataclass(frozen=True)
class Group:
    """Images that name each other."""

    members: tuple[Stored, ...]

    @cached_property
    def digests(self) -> frozenset[Digest]:
        """All of them."""
        return frozenset(each.digest for each in self.members)

    @cached_property
    def order(self) -> tuple[tuple[Digest, ...], ...]:
        """How they may be deleted: nothing before a list that names it, nor before what it is attached to."""
        left, steps = {each.digest: each for each in self.members}, []
        while left:
            named = {child for each in left.values() for child in each.children}
            free = [d for d, each in left.items() if d not in named and each.subject not in left]
            step = tuple(sorted(free or left, key=str))
            steps.append(step)
            left = {digest: each for digest, each in left.items() if digest not in step}
        return tuple(steps)

    @property
    def lead(self) -> Stored:
        """The one that the others are there for: the image, or the list of images."""
        first = self.order[0]
        return max((each for each in self.members if each.digest in first), key=lambda each: each.pushed)

    @property
    def tags(self) -> tuple[str, ...]:
        """All their tags."""
        return tuple(sorted({tag for each in self.members for tag in each.tags}))

    @property
    def size(self) -> int:
        """Bytes, as ECR counts each."""
        return sum(each.size for each in self.members)

    @property
    def orphan(self) -> bool:
        """What is attached to an image that is not there any more."""
        return self.lead.subject is not None and not self.tags

    @property
    def released(self) -> bool:
        """Whether a release pushed it."""
        return any(tag.startswith(TAG_PREFIX) for tag in self.tags)


def groups(images: Collection[Stored]) -> tuple[Group, ...]:
    """The repository's images, grouped, the newest first."""
    near: dict[Digest, set[Digest]] = {each.digest: set() for each in images}
    for each in images:
        for other in (*each.children, *([each.subject] if each.subject else [])):
            if other in near:
                near[each.digest].add(other)
                near[other].add(each.digest)
    known, seen, found = {each.digest: each for each in images}, set[Digest](), []
    for start in near:
        if start in seen:
            continue
        together, waiting = {start}, [start]
        while waiting:
            new = near[waiting.pop()] - together
            together |= new
            waiting += new
        seen |= together
        found.append(Group(tuple(known[digest] for digest in sorted(together, key=str))))
    return tuple(sorted(found, key=lambda one: (one.lead.pushed, str(one.lead.digest)), reverse=True))


class Fate(StrEnum):
    """What becomes of a group."""

    KEPT = "kept"
    GOES = "goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A group, and what becomes of it."""

    group: Group
    fate: Fate
    why: str
    untag: tuple[str, ...] = ()
    """Tags of environments on an image that stays, which need it no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which model's images may go, and what must stay."""

    model: str
    uses: tuple[Use, ...]
    """Of every environment of every model that shares the repository."""
    keep_releases: int
    now: datetime
    young: timedelta = YOUNG
    """How old an image has to be before it may go: one that was just pushed is on its way somewhere."""

    @property
    def needed(self) -> dict[Digest, str]:
        """Digests and what for."""
        return {digest: why for use in self.uses for digest, why in use.images.items()}


def rule(images: Collection[Stored], wish: Wish, owner: Callable[[Group], str]) -> tuple[Ruling, ...]:
    """What becomes of every group of the repository.

    ``owner`` says which model an image is of; empty where nobody can tell, and then it stays.
    """
    found, releases, needed = [], 0, wish.needed
    for group in groups(images):
        mine = owner(group) == wish.model if not group.orphan else False
        why = next((needed[digest] for digest in sorted(group.digests, key=str) if digest in needed), "")
        why = why or _other_reason(group, wish)
        if not why and not group.orphan and not mine:
            why = f"it is not known to be of {wish.model}"
        if mine and group.released:
            releases += 1
            why = why or (f"of the newest {wish.keep_releases} releases" * (releases <= wish.keep_releases))
        untag = _stale(group, wish) if mine and why else ()
        gone = "what it was attached to is gone" if group.orphan else "no environment needs it"
        fate = Fate.KEPT if why else Fate.GOES
        found.append(Ruling(group=group, fate=fate, why=why or gone, untag=untag))
    return tuple(found)


def _other_reason(group: Group, wish: Wish) -> str:
    """Why a group stays that no environment these configs know needs."""
    unknown = [tag for tag in group.tags if tag.startswith(ecr.POINTER) and not _places(tag, wish.uses)]
    if unknown:
        return f"the tag {unknown[0]} is of an environment that no config here has"
    live = {tag for use in wish.uses for tag in use.tags}
    if held := [tag for tag in group.tags if tag in live]:
        return f"the tag {held[0]} is of a version that stands there"
    if any(tag.startswith(ecr.DATA) for tag in group.tags):
        return "it is a file of data, not an image"
    young = any(wish.now - each.pushed < wish.young for each in group.members if not each.subject)
    return f"it was pushed less than {words(wish.young)} ago" if young else ""


def _places(tag: str, uses: Iterable[Use]) -> list[Use]:
    """The environments a tag may be of: names may hold the sign that parts them."""
    told = re.fullmatch(r"(?P<place>.+)-[0-9a-f]{12}", tag.removeprefix(ecr.POINTER))
    return [use for use in uses if told and told["place"] == f"{use.model}-{use.environment}"]


def _stale(group: Group, wish: Wish) -> tuple[str, ...]:
    """Tags of this model's environments that keep nothing any more; never an image's last tag."""
    found: list[str] = []
    for image in group.members:
        stale = [
            tag
            for tag in image.tags
            if (places := _places(tag, wish.uses))
            and all(place.model == wish.model and tag not in place.tags for place in places)
        ]
        if len(stale) < len(image.tags):
            found += stale
    return tuple(sorted(found))


def still(planned: Sequence[Ruling], now: Sequence[Ruling]) -> tuple[tuple[Ruling, ...], tuple[Ruling, ...]]:
    """Of what was planned to go, what goes now, and what stays because the world has changed since."""
    goes = {ruling.group.digests: ruling for ruling in now if ruling.fate is Fate.GOES}
    wanted = [ruling for ruling in planned if ruling.fate is Fate.GOES]
    spared = tuple(ruling for ruling in wanted if ruling.group.digests not in goes)
    return tuple(goes[ruling.group.digests] for ruling in wanted if ruling.group.digests in goes), spared


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """A lifecycle policy that takes what is needed."""

    digest: Digest
    rule: str
    why: str
    """Who needs it."""
    archives: bool = False
    """It would not be deleted, but nobody could pull it."""

    @property
    def words(self) -> str:
        """On a line."""
        away = ", which moves it to the archive" if self.archives else ""
        return f"{self.digest} by {self.rule}{away}: {self.why}"


def endangered(
    doomed: Iterable[Doomed], rules: Iterable[Rule], images: Collection[Stored], uses: Iterable[Use]
) -> tuple[Danger, ...]:
    """Of what a policy takes, what an environment needs: the image, all it is made of, and its evidence."""
    words = {each.priority: each.words for each in rules}
    found = list(_needed(groups(images), uses))
    why = {digest: reason for group, reason in found for digest in group.digests}
    return tuple(
        Danger(
            digest=one.digest,
            rule=words.get(one.rule, "what it belongs to goes"),
            why=why[one.digest],
            archives=one.archives,
        )
        for one in doomed
        if one.digest in why
    )


def archived(images: Collection[Stored], uses: Iterable[Use]) -> tuple[Danger, ...]:
    """Of what is needed, what lies in the archive already: the next instance cannot pull it."""
    found = [(each, why) for group, why in _needed(groups(images), uses) for each in group.members]
    return tuple(
        Danger(digest=each.digest, rule=f"being in the archive since {each.archived:%Y-%m-%d}", why=why)
        for each, why in found
        if each.archived
    )


def _needed(all_: Iterable[Group], uses: Iterable[Use]) -> Iterator[tuple[Group, str]]:
    """Groups that are needed, and what for."""
    needed = {digest: why for use in uses for digest, why in use.images.items()}
    for group in all_:
        for digest in sorted(group.digests & needed.keys(), key=str):
            yield group, needed[digest]
            break
