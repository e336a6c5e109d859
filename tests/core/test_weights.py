"""Copies of model artifacts: what stays, what goes, and which rules of S3 take what is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.weights import Copy, Expiry, decide, endangered

NOW = datetime(2026, 6, 1, tzinfo=UTC)
A, B = "a" * 64, "b" * 64


def copy(sha: str = A, *, version: str = "1", days: float = 30, key: str = "", size: int = 100) -> Copy:
    """One version of a copy."""
    return Copy(
        bucket="weights",
        key=key or f"iris/{sha}/model.tar.gz",
        version=version,
        size=size,
        modified=NOW - timedelta(days=days),
    )


def test_what_nobody_needs_goes_and_says_so():
    [told] = decide([copy()], {f"sha256:{B}": "production"}, NOW)
    assert (told.goes, told.why) == (True, "no version that stands anywhere needs it")


def test_every_version_of_what_is_needed_stays():
    found = decide([copy(version="1"), copy(version="2")], {f"sha256:{A}": "production"}, NOW)
    assert [(one.goes, one.why) for one in found] == [(False, "production")] * 2


@pytest.mark.parametrize("key", ["iris/notes.txt", f"iris/{A}/other", f"x/iris/{A}/model.tar.gz"])
def test_keys_of_others_stay(key: str):
    assert not decide([copy(key=key)], {}, NOW)[0].goes


def test_what_a_release_may_just_have_brought_stays():
    assert not decide([copy(days=0.9)], {}, NOW)[0].goes
    assert decide([copy(days=1.1)], {}, NOW)[0].goes


@pytest.mark.parametrize(
    ("rule", "takes"),
    [
        (Expiry(name="all"), True),
        (Expiry(name="ours", prefix="iris/"), True),
        (Expiry(name="theirs", prefix="logs/"), False),
        (Expiry(name="large", larger=99), True),
        (Expiry(name="larger", larger=100), False),
        (Expiry(name="small", smaller=100), False),
    ],
)
def test_a_rule_takes_what_it_is_about(rule: Expiry, takes: bool):  # noqa: FBT001
    assert bool(endangered([copy()], [rule], {f"sha256:{A}": "production"})) is takes
    assert not endangered([copy()], [rule], {}), "nobody needs it"


SHAS = st.sampled_from([A, B, "c" * 64])


@given(st.lists(st.tuples(SHAS, st.integers(0, 99)), max_size=9), st.sets(SHAS))
def test_what_is_needed_never_goes(there, needed):
    copies = [copy(sha, days=days) for sha, days in there]
    for one in decide(copies, {f"sha256:{sha}": "x" for sha in needed}, NOW):
        assert not one.goes or one.copy.sha256.removeprefix("sha256:") not in needed
