"""What of a repository may go: never what is needed, whatever its tags, its neighbours and its age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from modelway.core import ecr
from modelway.core.image import Digest
from modelway.core.lifecycle import Stored, in_time, read
from modelway.core.manifest import digest_of
from modelway.core.plan import State
from modelway.core.record import Record, Withdrawn
from modelway.core.stock import Fate, Group, Ruling, Use, Wish, endangered, groups, rule, still, use
from modelway.core.version import VersionId

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, NEW = VersionId("0" * 12), VersionId("1" * 12)


def image(
    name: str, *tags: str, days: float = 30, subject: str = "", children: tuple[str, ...] = ()
) -> Stored:
    """An image pushed so many days ago."""
    return Stored(
        digest=digest_of(name),
        pushed=NOW - timedelta(days=days),
        tags=tags,
        size=10,
        subject=digest_of(subject) if subject else None,
        children=tuple(map(digest_of, children)),
    )


def needing(*names: str, versions: frozenset[VersionId] = frozenset(), model: str = "iris") -> Use:
    """Staging needs these images."""
    images = {digest_of(name): f"{model} in staging" for name in names}
    return Use(model=model, environment="staging", images=images, versions=versions)


def wish(*uses: Use, keep: int = 1) -> Wish:
    """Of the model iris."""
    return Wish(model="iris", uses=uses or (needing(),), keep_releases=keep, now=NOW)


def iris(group: Group) -> str:
    """Everything is of one model."""
    del group
    return "iris"


def going(*images: Stored, wanted: Wish, owner=iris) -> set[Digest]:
    """What may go."""
    found = rule(images, wanted, owner)
    return {digest for one in found if one.fate is Fate.GOES for digest in one.group.digests}


def why(*images: Stored, wanted: Wish, owner=iris) -> dict[Digest, str]:
    """Why each group stays or goes."""
    return {one.group.lead.digest: one.why for one in rule(images, wanted, owner)}


def test_old_releases_go_with_what_is_attached_to_them():
    images = [image("old", "in-1"), image("word", subject="old"), image("new", "in-2", days=2)]
    assert going(*images, wanted=wish()) == {digest_of("old"), digest_of("word")}


def test_a_needed_image_keeps_its_evidence_however_old():
    images = [image("old", "in-1", days=999), image("word", subject="old"), image("new", "in-2", days=2)]
    assert going(*images, wanted=wish(needing("old"))) == set()


def test_a_list_and_its_images_stay_together():
    images = [
        image("a"),
        image("b"),
        image("list", "in-1", children=("a", "b")),
        image("new", "in-2", days=2),
    ]
    assert going(*images, wanted=wish(needing("a"))) == set()
    assert going(*images, wanted=wish()) == {digest_of("a"), digest_of("b"), digest_of("list")}


def test_what_is_not_this_models_stays_and_says_so():
    told = why(image("x", "in-1"), wanted=wish(keep=0), owner=lambda _: "")
    assert told == {digest_of("x"): "it is not known to be of iris"}
    assert going(image("x", "in-1"), wanted=wish(keep=0), owner=lambda _: "other") == set()


def test_the_day_a_release_is_under_way_nothing_of_it_goes():
    assert going(image("x", "in-1", days=0.9), wanted=wish(keep=0)) == set()
    assert going(image("x", "in-1", days=1.1), wanted=wish(keep=0)) == {digest_of("x")}


def test_files_of_data_stay():
    assert going(image("x", "data-advisories-1"), wanted=wish(keep=0)) == set()


def test_a_tag_of_an_environment_nobody_here_knows_keeps_its_image():
    told = why(image("x", ecr.pointer("iris", "gone", OLD)), wanted=wish(keep=0))
    assert "no config here has" in told[digest_of("x")]


def test_a_tag_of_a_version_that_stands_keeps_its_image_even_where_the_record_names_another():
    tag = ecr.pointer("iris", "staging", OLD)
    assert going(image("x", tag), wanted=wish(needing(versions=frozenset({OLD})), keep=0)) == set()


def test_an_image_goes_with_the_tags_that_keep_nothing_any_more():
    assert going(image("x", "in-1", ecr.pointer("iris", "staging", OLD)), wanted=wish(keep=0)) != set()


def test_what_stays_for_another_reason_loses_the_tags_that_keep_nothing():
    stale, live = ecr.pointer("iris", "staging", OLD), ecr.pointer("iris", "staging", NEW)
    wanted = wish(needing("x", versions=frozenset({NEW})))
    [told] = rule([image("x", "in-1", stale, live)], wanted, iris)
    assert told.untag == (stale,)
    [alone] = rule([image("x", stale)], wanted, iris)
    assert alone.untag == (), "an image goes with its last tag"


def test_a_tag_two_environments_may_mean_is_no_other_models_to_take():
    other = Use(model="a-b", environment="c", images={}, versions=frozenset())
    mine = Use(model="a", environment="b-c", images={digest_of("x"): "a"}, versions=frozenset())
    wanted = Wish(model="a", uses=(mine, other), keep_releases=1, now=NOW)
    [told] = rule([image("x", "in-1", ecr.pointer("a", "b-c", OLD))], wanted, lambda _: "a")
    assert told.untag == ()


def test_what_is_attached_to_nothing_any_more_goes():
    assert going(image("word", subject="gone"), wanted=wish(keep=0), owner=lambda _: "") == {
        digest_of("word")
    }


def test_nothing_is_deleted_before_what_names_it():
    images = [
        image("a"),
        image("list", "in-1", children=("a",)),
        image("word", subject="list"),
        image("seal", subject="word"),
    ]
    [group] = groups(images)
    steps = [[str(d) for d in step] for step in group.order]
    assert steps == [[str(digest_of(n))] for n in ("list",)] + [
        sorted(str(digest_of(n)) for n in ("a", "word")),
        [str(digest_of("seal"))],
    ]


def test_every_version_that_stands_is_needed_and_so_is_what_runs_whoever_made_it():
    old = Record(id=OLD, digest=str(digest_of("old")), withdrawn=Withdrawn(reason="bad"), artifact="sha256:a")
    new = Record(id=NEW, digest=str(digest_of("new")))
    state = State(records={OLD: old, NEW: new}, traffic={NEW: 100})
    told = use("iris", "staging", state, [str(digest_of("new")), str(digest_of("foreign"))])
    assert told.images == {
        digest_of("new"): f"iris in staging: version {NEW} serves",
        digest_of("old"): f"iris in staging: version {OLD} stands there still",
        digest_of("foreign"): "runs in staging, whoever made it",
    }
    assert told.versions == {OLD, NEW}
    assert {*told.weights} == {"sha256:a"}


def test_a_policy_that_takes_evidence_of_what_runs_endangers_it():
    images = [image("x", "in-1"), image("word", subject="x"), image("new", "in-2", days=1)]
    selection = {"tagStatus": "tagged", "tagPrefixList": ["in-"], "countType": "imageCountMoreThan"}
    raw = {"rulePriority": 3, "selection": {**selection, "countNumber": 1}, "action": {"type": "expire"}}
    rules = read({"rules": [raw]})  # type: ignore[list-item]  # JSON all the same
    found = endangered(in_time(rules, images, NOW), rules, images, [needing("x")])
    assert {(one.digest, one.rule) for one in found} == {
        (digest_of("x"), "rule 3"),
        (digest_of("word"), "what it belongs to goes"),
    }


# --- for any repository ---

NAMES = st.sampled_from([f"i{n}" for n in range(9)])
TAGS = st.sampled_from(
    ["in-1", "in-2", "in-3", "push-1", "data-x-1", "v1"]
    + [ecr.pointer(m, "staging", v) for m in ("iris", "other") for v in (OLD, NEW)]
)


@st.composite
def repositories(draw) -> list[Stored]:
    """Images, lists of them, and what is attached to any of them."""
    found: list[Stored] = []
    for name in draw(st.lists(NAMES, unique=True, max_size=9)):
        before = [f"{one.digest}" for one in found]
        subject = draw(st.none() | st.sampled_from(before)) if before else None
        children = draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else []
        found.append(
            Stored(
                digest=digest_of(name),
                pushed=NOW - timedelta(days=draw(st.integers(0, 90))),
                tags=tuple(draw(st.lists(TAGS, unique=True, max_size=3))),
                subject=Digest.parse(subject) if subject else None,
                children=() if subject else tuple(map(Digest.parse, children)),
            )
        )
    return found


def connected(images: list[Stored], needed: set[Digest]) -> set[Digest]:
    """What hangs together with what is needed, found another way than by groups."""
    links = {(each.digest, other) for each in images for other in (*each.children, each.subject) if other}
    reached = needed & {each.digest for each in images}
    while more := {b for a, b in links | {(b, a) for a, b in links} if a in reached} - reached:
        reached |= more
    return reached


@given(
    repositories(), st.sets(NAMES), st.integers(0, 3), st.sampled_from(["iris", "other", ""]), st.randoms()
)
def test_what_is_in_use_never_goes(images, names, keep, owner, random):
    needed = {digest_of(name) for name in names}
    wanted = wish(needing(*names, versions=frozenset({NEW})), needing(model="other"), keep=keep)
    gone = going(*images, wanted=wanted, owner=lambda _: owner)
    assert not gone & connected(images, needed)
    shuffled = [*images]
    random.shuffle(shuffled)
    assert going(*shuffled, wanted=wanted, owner=lambda _: owner) == gone


@given(repositories(), st.sets(NAMES), st.sets(NAMES), st.integers(0, 3))
def test_what_became_needed_since_the_plan_never_goes(images, then, now, keep):
    before = rule(images, wish(needing(*then), keep=keep), iris)
    after = rule(images, wish(needing(*then, *now), keep=keep), iris)
    goes, spared = still(before, after)
    gone = {digest for one in goes for digest in one.group.digests}
    assert not gone & connected(images, {digest_of(name) for name in now})
    assert len(goes) + len(spared) == sum(each.fate is Fate.GOES for each in before)


@given(repositories(), st.integers(0, 3))
def test_nothing_is_left_that_names_what_was_deleted(images, keep):
    gone = going(*images, wanted=wish(keep=keep))
    left = [each for each in images if each.digest not in gone]
    assert not {other for each in left for other in (*each.children, each.subject)} & gone


def test_a_ruling_says_what_it_is_about():
    [told] = rule([image("x", "in-1")], wish(), iris)
    assert isinstance(told, Ruling)
    assert told.why == "of the newest 1 releases"
