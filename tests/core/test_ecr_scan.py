"""When ECR's own scan may be believed: never early, never for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.ecr_scan import (
    Done,
    Hopeless,
    Look,
    Next,
    Scanning,
    Setup,
    Start,
    Wait,
    after,
    as_of,
    unfit,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BASIC = Setup(scanning=Scanning.BASIC, on_push=True)
ENHANCED = Setup(scanning=Scanning.ENHANCED, on_push=False, continuous=True)
TIMEOUT = timedelta(minutes=15)
EVERY = (
    *("IN_PROGRESS", "COMPLETE", "FAILED", "UNSUPPORTED_IMAGE", "ACTIVE", "PENDING", "IMAGE_ARCHIVED"),
    *("SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE", "LIMIT_EXCEEDED", "IMAGE_SIZE_EXCEEDED"),
)


def look(seconds: float, status: str, read: int = 0, **changes: object) -> Look:
    """An answer whose count is right."""
    bare = Look(
        seconds=seconds,
        at=T0 + timedelta(seconds=seconds),
        status=status,
        read=read,
        counted=read,
        listed=status in {"COMPLETE", "ACTIVE"},
        fingerprint=f"{read} findings",
    )
    return replace(bare, **changes)  # type: ignore[arg-type]  # its own fields


def says(setup: Setup, *looks: Look, started: bool = False) -> Next:
    return after(setup, looks, timeout=TIMEOUT, started=started)


@pytest.mark.parametrize("setup", [BASIC, ENHANCED])
@pytest.mark.parametrize("status", ["", "PENDING", "IN_PROGRESS"])
def test_what_has_not_begun_or_is_under_way_is_waited_for(setup: Setup, status: str) -> None:
    assert isinstance(says(setup, look(0, status)), Wait)


@pytest.mark.parametrize("setup", [BASIC, ENHANCED])
def test_a_scan_ecr_never_hears_of_is_an_error_after_five_minutes(setup: Setup) -> None:
    found = says(setup, look(0, ""), look(301, ""))
    assert isinstance(found, Hopeless)
    assert "still knows of no scan" in found.what


def test_a_basic_scan_is_asked_for_where_nothing_else_starts_one_and_only_once() -> None:
    off = replace(BASIC, on_push=False)
    assert isinstance(says(off, look(0, "")), Start)
    assert isinstance(says(off, look(0, ""), look(5, ""), started=True), Wait)


def test_an_enhanced_registry_that_leaves_the_repository_out_is_told_at_once() -> None:
    found = says(replace(ENHANCED, continuous=False), look(0, ""))
    assert isinstance(found, Hopeless)
    assert "no rule of the registry's enhanced scanning" in found.what


def test_a_complete_basic_scan_is_done() -> None:
    assert isinstance(says(BASIC, look(0, "COMPLETE", completed=T0)), Done)
    assert isinstance(says(BASIC, look(0, "COMPLETE", 3)), Done)


def test_a_basic_scan_that_is_complete_and_has_neither_day_nor_findings_may_not_be_over() -> None:
    assert isinstance(says(BASIC, look(0, "COMPLETE")), Wait)
    assert isinstance(says(BASIC, look(0, "COMPLETE"), look(121, "COMPLETE")), Done)


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETE"])
def test_an_enhanced_scan_is_done_when_its_findings_stay(status: str) -> None:
    assert isinstance(says(ENHANCED, look(0, status, 2)), Wait)
    assert isinstance(says(ENHANCED, look(0, status, 2), look(15, status, 3), look(25, status, 3)), Wait)
    assert isinstance(says(ENHANCED, look(0, status, 2), look(15, status, 3), look(36, status, 3)), Done)


@pytest.mark.parametrize("status", ["ACTIVE", "COMPLETE"])
def test_an_enhanced_scan_without_findings_has_to_stay_so_for_long(status: str) -> None:
    """The gate goes green here at the earliest: findings come later than the word (aws/aws-sdk#288)."""
    assert isinstance(says(ENHANCED, look(0, status), look(110, status)), Wait)
    assert isinstance(says(ENHANCED, look(0, status), look(121, status)), Done)
    first = look(0, status, completed=T0)
    assert isinstance(says(ENHANCED, first, replace(first, seconds=50)), Wait)
    assert isinstance(says(ENHANCED, first, replace(first, seconds=61)), Done)


def test_findings_that_come_late_begin_the_wait_anew() -> None:
    empty = [look(float(at), "COMPLETE") for at in range(0, 100, 5)]
    assert isinstance(says(ENHANCED, *empty, look(100, "COMPLETE", 1)), Wait)
    assert isinstance(says(ENHANCED, *empty, look(100, "COMPLETE", 1), look(121, "COMPLETE", 1)), Done)


def test_fewer_findings_than_ecr_counts_are_not_all_and_never_enough() -> None:
    some = look(0, "ACTIVE", 2, counted=3)
    assert isinstance(says(ENHANCED, some, replace(some, seconds=200)), Wait)
    found = says(ENHANCED, some, replace(some, seconds=901))
    assert isinstance(found, Hopeless)
    assert "2 of 3 findings" in found.what


def test_an_answer_without_a_list_of_findings_is_not_an_empty_one() -> None:
    """Without the right to read Inspector's findings ECR answers like this (aws/aws-cli#6759)."""
    bare = look(0, "ACTIVE", listed=False)
    found = says(ENHANCED, bare, replace(bare, seconds=800))
    assert isinstance(found, Wait)
    assert "inspector2:ListFindings" in found.why


@pytest.mark.parametrize("status", sorted(set(EVERY) - {"IN_PROGRESS", "PENDING", "COMPLETE", "ACTIVE"}))
def test_every_other_status_has_its_own_words_and_cure(status: str) -> None:
    found = says(ENHANCED, look(0, status, description="as ECR puts it"))
    assert isinstance(found, Hopeless)
    assert "as ECR puts it" in found.what
    assert found.cure
    assert "does not know" not in found.what


def test_a_status_of_tomorrow_is_no_pass() -> None:
    found = says(ENHANCED, look(0, "MOSTLY_HARMLESS"))
    assert isinstance(found, Hopeless)
    assert "does not know" in found.what


def test_a_registry_with_another_scanner_than_the_config_counts_on() -> None:
    assert unfit(BASIC, "auto") is None
    assert unfit(ENHANCED, "enhanced") is None
    found = unfit(BASIC, "enhanced")
    assert found
    assert "basic scanning, and scan.ecr.mode counts on enhanced" in found.what


def test_a_continuous_scan_speaks_for_today_and_a_single_one_for_its_advisories() -> None:
    day = T0 - timedelta(days=40)
    assert as_of(look(10, "ACTIVE", completed=day, advisories=day)) == T0 + timedelta(seconds=10)
    assert as_of(look(10, "COMPLETE", completed=T0, advisories=day)) == day


looks = st.lists(
    st.builds(
        look,
        seconds=st.just(0.0),
        status=st.sampled_from(["", *EVERY]),
        read=st.integers(0, 2),
        completed=st.sampled_from([None, T0]),
        listed=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)
setups = st.builds(Setup, scanning=st.sampled_from(Scanning), on_push=st.booleans(), continuous=st.booleans())


@given(setups, looks, st.booleans())
def test_whatever_ecr_says_it_ends_and_is_believed_only_with_an_answer_in_hand(
    setup: Setup,
    answers: list[Look],
    started: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    seen = [replace(one, seconds=5.0 * number) for number, one in enumerate(answers)]
    found = says(setup, *seen, started=started)
    if isinstance(found, Done):
        assert seen[-1].status in {"COMPLETE", "ACTIVE"}
        assert seen[-1].listed
        assert seen[-1].read >= seen[-1].counted
    last = replace(seen[-1], seconds=TIMEOUT.total_seconds())
    assert isinstance(says(setup, *seen, last, started=True), Done | Hopeless)
