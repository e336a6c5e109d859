"""What a lifecycle policy takes: as ECR says of its rules, for any repository and any policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core import ecr
from modelway.core.decode import Wrong
from modelway.core.lifecycle import Count, Rule, Status, Stored, in_time, read, taken
from modelway.core.manifest import digest_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def image(name: str, *tags: str, days: float = 0, **more: object) -> Stored:
    """An image pushed so many days ago."""
    pushed = NOW - timedelta(days=days)
    return replace(Stored(digest=digest_of(name), pushed=pushed, tags=tags), **more)  # type: ignore[arg-type]  # named fields


def rule(priority: int, status: str = "any", *, number: int = 1, **more: object) -> dict[str, object]:
    """A rule that takes all but the newest so many, unless told otherwise."""
    selection = {"tagStatus": status, "countType": "imageCountMoreThan", "countNumber": number, **more}
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


def gone(rules: list[dict[str, object]], *images: Stored) -> dict[str, int]:
    """Short digests of what goes today, and the rules by which."""
    found = taken(read(json.loads(json.dumps({"rules": rules}))), images, NOW)
    return {str(one.digest): one.rule for one in found}


def named(*pairs: tuple[str, int]) -> Mapping[str, int]:
    """Names of images and the rules that take them."""
    return {str(digest_of(name)): number for name, number in pairs}


def test_the_oldest_go_first_by_number():
    found = gone([rule(1, number=2)], image("a", days=3), image("b", days=1), image("c", days=2))
    assert found == named(("a", 1))


def test_days_are_counted_from_the_push_and_from_the_last_pull():
    by_push = rule(1, countType="sinceImagePushed", countUnit="days", number=10)
    by_pull = rule(1, countType="sinceImagePulled", countUnit="days", number=10)
    used = image("used", days=30, pulled=NOW - timedelta(days=1))
    assert gone([by_push], used, image("new", days=9)) == named(("used", 1))
    assert gone([by_pull], used, image("idle", days=30)) == named(("idle", 1))


def test_days_in_the_archive_are_counted_of_archived_images_only():
    days = {"countType": "sinceImageTransitioned", "countUnit": "days", "storageClass": "archive"}
    archived = image("archived", days=99, archived=NOW - timedelta(days=40))
    assert gone([rule(1, number=30, **days)], archived, image("plain", days=99)) == named(("archived", 1))


def test_what_is_archived_is_taken_with_what_is_attached_and_told_apart():
    """Nothing in the archive can be pulled; a policy that archived what ran was once called safe."""
    away = {**rule(1, number=1), "action": {"type": "transition", "targetStorageClass": "archive"}}
    rules = read(json.loads(json.dumps({"rules": [away]})))
    word = image("word", days=9, subject=digest_of("old"))
    images = [image("old", "env-a", days=3), image("new"), word]
    for found in (taken(rules, images, NOW), in_time(rules, images, NOW)):
        assert {(one.digest, one.archives) for one in found} == {
            (digest_of("old"), True),
            (word.digest, True),
        }
    assert not {
        one.archives for one in taken(read(json.loads(json.dumps({"rules": [rule(1)]}))), images, NOW)
    } - {False}


def test_several_patterns_are_all_wanted():
    both = rule(1, "tagged", tagPatternList=["a*z", "b*"], countType="sinceImagePushed", countUnit="days")
    found = gone([both], image("both", "a-z", "b", days=2), image("one", "a-z", days=2))
    assert found == named(("both", 1))


def test_what_has_a_rules_tags_is_out_of_reach_of_the_rules_after_it():
    rules = [rule(1, "tagged", number=9999, tagPrefixList=["env-"]), rule(2)]
    found = gone(rules, image("kept", "env-a", "in-1", days=9), image("old", "in-2", days=5), image("new"))
    assert found == named(("old", 2))


def test_what_an_earlier_rule_took_still_counts_for_a_later_one():
    rules = [rule(1, "tagged", tagPrefixList=["a"]), rule(2, number=2)]
    found = gone(rules, image("a2", "a2", days=1), image("a1", "a1", days=2), image("b", "b", days=3))
    assert found == named(("a1", 1), ("b", 2))


def test_what_is_attached_follows_its_subject_and_counts_for_nothing():
    word = image("word", days=9, subject=digest_of("old"))
    seal = image("seal", days=9, subject=digest_of("word"))
    other = image("other", days=9, subject=digest_of("new"))
    found = gone([rule(1)], image("old", "x", days=3), image("new", "y"), word, seal, other)
    assert found == named(("old", 1), ("word", 0), ("seal", 0))


def test_a_list_goes_before_the_images_it_names():
    children = (digest_of("amd64"), digest_of("arm64"))
    images = [image("amd64", days=3), image("arm64", days=3), image("list", "x", days=2, children=children)]
    rules = read(json.loads(json.dumps({"rules": [rule(1)]})))
    assert [one.digest for one in taken(rules, [*images, image("new")], NOW)] == [digest_of("list")]
    assert {one.digest for one in in_time(rules, [*images, image("new")], NOW)} >= {*children}


def test_what_a_rule_of_days_takes_next_month_is_told_today():
    rules = read(json.loads(json.dumps({"rules": [rule(1, countType="sinceImagePushed", countUnit="days")]})))
    assert not taken(rules, [image("new")], NOW)
    assert [one.digest for one in in_time(rules, [image("new")], NOW)] == [digest_of("new")]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([rule(1), rule(1)], "only once"),
        ([rule(1), rule(2, "untagged")], "highest"),
        ([rule(1, "tagged")], "one list of tags"),
        ([rule(1, "untagged", tagPrefixList=["a"])], "no list of tags"),
        ([rule(1, "tagged", tagPatternList=["*a*b*c*d*"])], "more than 4"),
        ([rule(1, number=0)], "at least 1"),
        ([rule(1, countType="sinceImagePushed")], "countUnit"),
        ([rule(1, countType="sinceTuesday")], "sinceTuesday"),
        ([rule(1, "all")], "all"),
        ([], "1 to 50"),
    ],
)
def test_what_ecr_refuses_is_wrong(wrong, words):
    with pytest.raises(Wrong, match=words):
        read(json.loads(json.dumps({"rules": wrong})))


# --- for any repository ---

NAMES = st.integers(0, 11).map(str)
TAGS = st.sampled_from(
    ["in-1", "in-2", "push-1", "env-iris-staging-1", "env-iris-production-2", "data-1", "x"]
)


@st.composite
def repositories(draw) -> list[Stored]:
    """Images, lists of them, and what is attached to either."""
    names = draw(st.lists(NAMES, unique=True, max_size=10))
    found: list[Stored] = []
    for name in names:
        before = [one.digest for one in found]
        subject = draw(st.none() | st.sampled_from(before)) if before else None
        children = draw(st.lists(st.sampled_from(before), max_size=2)) if before and not subject else []
        tags = () if subject else tuple(draw(st.lists(TAGS, unique=True, max_size=3)))
        days = draw(st.integers(0, 400))
        found.append(image(name, *tags, days=days, subject=subject, children=tuple(children)))
    return found


@st.composite
def policies(draw) -> tuple[Rule, ...]:
    """Rules in their order, one for any image only at the end."""
    some = draw(st.lists(st.sampled_from([Status.TAGGED, Status.UNTAGGED]), max_size=4))
    last = draw(st.sampled_from([[], [Status.ANY]]))
    patterns = st.lists(st.sampled_from(["in-*", "env-*", "*1", "x"]), min_size=1, max_size=2).map(tuple)
    return tuple(
        Rule(
            priority=at,
            status=status,
            patterns=draw(patterns) if status is Status.TAGGED else (),
            count=draw(st.sampled_from([Count.NUMBER, Count.PUSHED, Count.PULLED])),
            number=draw(st.integers(1, 200)) if draw(st.booleans()) else 1,
        )
        for at, status in enumerate([*some, *last], 1)
    )


@given(repositories(), policies(), st.randoms())
def test_the_order_in_which_images_are_told_makes_no_difference(images, rules, random):
    shuffled = [*images]
    random.shuffle(shuffled)
    assert {*taken(rules, images, NOW)} == {*taken(rules, shuffled, NOW)}


@given(repositories(), policies())
def test_an_image_goes_by_the_first_rule_about_it_or_not_at_all(images, rules):
    known = {one.digest: one for one in images}
    for doomed in taken(rules, images, NOW):
        if doomed.rule:
            first = next(each for each in rules if each.selects(known[doomed.digest]))
            assert first.priority == doomed.rule


@given(repositories(), policies())
def test_no_rule_leaves_fewer_than_it_says_and_no_list_loses_an_image(images, rules):
    doomed = {one.digest: one.rule for one in taken(rules, images, NOW)}
    left = [one for one in images if one.digest not in doomed]
    for each in rules:
        mine = [one for one in images if doomed.get(one.digest) == each.priority]
        kept = [one for one in left if each.selects(one) and one.subject is None]
        assert each.count is not Count.NUMBER or not mine or len(kept) + len(mine) >= each.number
    assert not {child for one in left for child in one.children} & {*doomed}


@given(repositories(), st.integers(1, 5), st.integers(0, 4000))
def test_modelways_policy_takes_nothing_an_environment_needs_at_any_time(images, keep, days):
    rules = read(ecr.lifecycle(keep))
    needed = {one.digest for one in images if any(tag.startswith("env-") for tag in one.tags)}
    words = {one.digest for one in images if one.subject in needed}
    for found in (taken(rules, images, NOW + timedelta(days=days)), in_time(rules, images, NOW)):
        assert not {one.digest for one in found} & (needed | words)
