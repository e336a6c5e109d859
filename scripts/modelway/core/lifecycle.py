"""What a lifecycle policy of ECR does to the images of a repository. Decides, and deletes nothing.

As ECR evaluates it (docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html): every rule sees
every image; an image that has the tags of a rule is out of reach of rules after it; the oldest go first; an
image that a list of manifests names stays while the list is there; what is attached follows its subject.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.json import JsonObject

_MOST_RULES, _MOST_WILDCARDS = 50, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An image, or anything else with a manifest, as the repository keeps it."""

    digest: Digest
    pushed: datetime
    tags: tuple[str, ...] = ()
    size: int = 0
    """Bytes of config and layers, which other images may share."""
    subject: Digest | None = None
    """What it is attached to."""
    children: tuple[Digest, ...] = ()
    """The images a list of manifests names."""
    pulled: datetime | None = None
    archived: datetime | None = None
    """Since when it is in the archive; ``None`` where it is not."""


class Status(StrEnum):
    """Which images a rule is about."""

    TAGGED = "tagged"
    UNTAGGED = "untagged"
    ANY = "any"


class Count(StrEnum):
    """How a rule counts."""

    NUMBER = "imageCountMoreThan"
    PUSHED = "sinceImagePushed"
    PULLED = "sinceImagePulled"
    TRANSITIONED = "sinceImageTransitioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule."""

    priority: int
    status: Status
    patterns: tuple[str, ...]
    """An image has to have a tag for each of them; ``*`` stands for anything."""
    count: Count
    number: int
    archive: bool = False
    """It is about images in the archive."""
    expires: bool = True
    """Otherwise it moves images to the archive."""
    description: str = ""

    def selects(self, image: Stored) -> bool:
        """Whether it is about this image, whatever its age."""
        match self.status:
            case Status.ANY:
                return True
            case Status.UNTAGGED:
                return not image.tags
            case Status.TAGGED:
                return all(any(_matches(each, tag) for tag in image.tags) for each in self.patterns)

    @property
    def words(self) -> str:
        """For people."""
        named = f" ({self.description})" if self.description else ""
        return f"rule {self.priority}{named}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """An image the policy takes, and the rule by which."""

    digest: Digest
    rule: int
    """The rule's priority; 0 where the image only follows another."""
    archives: bool = False
    """It goes to the archive, from where nothing can be pulled, and is not deleted."""


def read(policy: JsonObject) -> tuple[Rule, ...]:
    """The rules in the order they count; raises ``Wrong`` for what ECR would refuse."""
    rules = sorted(map(_rule, decode.objects(policy, "rules")), key=lambda rule: rule.priority)
    if not 1 <= len(rules) <= _MOST_RULES:
        raise Wrong(f"rules: there are {len(rules)}, ECR takes 1 to {_MOST_RULES}")
    if len({rule.priority for rule in rules}) < len(rules):
        raise Wrong("rules: every rulePriority may be there only once")
    if any(rule.status is Status.ANY for rule in rules[:-1]) and rules[-1].status is not Status.ANY:
        raise Wrong("rules: a rule with the tagStatus any has the highest rulePriority")
    return tuple(rules)


def _rule(raw: JsonObject) -> Rule:
    selection = decode.an_object(raw.get("selection"), "selection")
    action = decode.text(decode.an_object(raw.get("action"), "action"), "type")
    if action not in {"expire", "transition"}:
        raise Wrong(f"action.type is {action!r}, not expire or transition")
    try:
        status, count = (
            Status(decode.text(selection, "tagStatus")),
            Count(decode.text(selection, "countType")),
        )
    except ValueError as error:
        raise Wrong(str(error)) from error
    number = decode.integer(selection, "countNumber")
    if number < 1:
        raise Wrong("countNumber is not at least 1")
    if (count is not Count.NUMBER) != (selection.get("countUnit") == "days"):
        raise Wrong(f"countUnit: days belongs to rules that count days, and {count} is one or the other")
    return Rule(
        priority=decode.integer(raw, "rulePriority"),
        status=status,
        patterns=_patterns(selection, status),
        count=count,
        number=number,
        archive=selection.get("storageClass") == "archive",
        expires=action == "expire",
        description=decode.text(raw, "description") if "description" in raw else "",
    )


def _patterns(selection: JsonObject, status: Status) -> tuple[str, ...]:
    """The tags a rule wants, a prefix being a pattern, too."""
    given = [key for key in ("tagPatternList", "tagPrefixList") if selection.get(key)]
    if len(given) != (status is Status.TAGGED):
        raise Wrong(
            f"a rule for {status} images has {'one' if status is Status.TAGGED else 'no'} list of tags"
        )
    if not given:
        return ()
    patterns = decode.texts(selection, given[0])
    if given[0] == "tagPrefixList":
        return tuple(f"{re.sub(r'[*]', '', each)}*" for each in patterns)
    if any(each.count("*") > _MOST_WILDCARDS for each in patterns):
        raise Wrong(f"tagPatternList: a pattern has more than {_MOST_WILDCARDS} *")
    return patterns


def _matches(pattern: str, tag: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), tag) is not None


def taken(rules: Sequence[Rule], images: Collection[Stored], now: datetime) -> tuple[Doomed, ...]:
    """What one evaluation takes from the repository, by the rule that does.

    What it archives is taken, too: nothing there can be pulled before somebody restores it
    (docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html).
    """
    there = {image.digest for image in images}
    roots = [image for image in images if image.subject not in there]
    named = {child for image in images for child in image.children}
    doomed: dict[Digest, Rule] = {}
    claimed: set[Digest] = set()
    for rule in rules:
        about = [
            image for image in roots if rule.selects(image) and (image.archived is not None) == rule.archive
        ]
        for image in _marked(rule, about, now):
            if image.digest not in claimed and image.digest not in named:
                doomed[image.digest] = rule
        claimed |= {image.digest for image in about}
    return tuple(_with_followers(doomed, [image for image in images if image.digest not in named]))


def _marked(rule: Rule, images: Iterable[Stored], now: datetime) -> Iterator[Stored]:
    """The images a rule would take if there were no other."""
    newest = sorted(images, key=lambda image: (_age_from(rule, image), str(image.digest)), reverse=True)
    if rule.count is Count.NUMBER:
        yield from newest[rule.number :]
        return
    yield from (each for each in newest if now - _age_from(rule, each) >= timedelta(days=rule.number))


def _age_from(rule: Rule, image: Stored) -> datetime:
    """The time a rule reckons an image's age from; what was never pulled counts from its push."""
    match rule.count:
        case Count.PULLED:
            return image.pulled or image.pushed
        case Count.TRANSITIONED:
            return image.archived or image.pushed
        case Count.NUMBER | Count.PUSHED:
            return image.pushed


def _with_followers(doomed: Mapping[Digest, Rule], images: Iterable[Stored]) -> Iterator[Doomed]:
    """And what is attached to it, one to the other; no list loses an image by it."""
    archives = {digest: not rule.expires for digest, rule in doomed.items()}
    yield from (
        Doomed(digest=digest, rule=rule.priority, archives=archives[digest])
        for digest, rule in doomed.items()
    )
    attached: dict[Digest, list[Digest]] = {}
    for image in images:
        if image.subject:
            attached.setdefault(image.subject, []).append(image.digest)
    waiting = list(doomed)
    while waiting:
        subject = waiting.pop()
        for digest in attached.get(subject, []):
            if digest not in archives:
                archives[digest] = archives[subject]
                waiting.append(digest)
                yield Doomed(digest=digest, rule=0, archives=archives[digest])


def in_time(rules: Sequence[Rule], images: Collection[Stored], now: datetime) -> tuple[Doomed, ...]:
    """All that the policy takes sooner or later, if nothing is pushed or pulled or restored any more.

    A rule that counts days takes nothing today of what it takes for certain next month.
    """
    left, gone = list(images), list[Doomed]()
    later = now + timedelta(days=365 * 1000)
    while found := taken(rules, left, later):
        gone += found
        digests = {one.digest for one in found}
        left = [image for image in left if image.digest not in digests]
    return tuple(gone)
