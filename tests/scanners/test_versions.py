"""Ranges mean what the OSV schema says, and what cannot be compared counts as affected."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from modelway.scanners.builtin.versions import Outcome, debian, evaluate, pypi

Events = tuple[tuple[str, str], ...]


def events(text: str) -> Events:
    """``introduced 0, fixed 2.0`` as events."""
    return tuple((name, version) for name, version in (part.split(" ") for part in text.split(", ")))


@pytest.mark.parametrize(
    ("version", "ranges", "expected"),
    [
        ("1.0", ["introduced 0, fixed 2.0"], Outcome(affected=True, fixed_in="2.0")),
        ("2.0", ["introduced 0, fixed 2.0"], Outcome(affected=False)),
        ("2.0rc1", ["introduced 0, fixed 2.0"], Outcome(affected=True, fixed_in="2.0")),
        ("1.9.0", ["fixed 2.0, introduced 0"], Outcome(affected=True, fixed_in="2.0")),
        ("1.0", ["introduced 1.1, fixed 2.0"], Outcome(affected=False)),
        ("1.1.0", ["introduced 1.1, fixed 2.0"], Outcome(affected=True, fixed_in="2.0")),
        ("21.2.0", ["introduced 0, last_affected 21.2.0"], Outcome(affected=True, ended=True)),
        ("21.2.1", ["introduced 0, last_affected 21.2.0"], Outcome(affected=False)),
        ("7", ["introduced 0"], Outcome(affected=True)),
        (
            "2.5",
            ["introduced 0, fixed 1.0, introduced 2.0, fixed 3.0, introduced 4.0"],
            Outcome(affected=True, fixed_in="3.0"),
        ),
        ("1.5", ["introduced 0, fixed 1.0, introduced 2.0, fixed 3.0"], Outcome(affected=False)),
        (
            "2.0.0",
            ["introduced 2.3.0, fixed 2.3.2", "introduced 0, fixed 2.2.5"],
            Outcome(affected=True, fixed_in="2.2.5"),
        ),
        (
            "1.0",
            ["introduced 0, fixed 2.0", "introduced 0, fixed 3.0"],
            Outcome(affected=True, fixed_in="3.0"),
        ),
    ],
)
def test_ranges(version: str, ranges: list[str], expected: Outcome) -> None:
    assert evaluate(version, [events(one) for one in ranges], (), pypi) == expected


@pytest.mark.parametrize(
    ("version", "listed", "hit"), [("1.0.0", "1.0", True), ("1.0", "1.0", True), ("1.0.1", "1.0", False)]
)
def test_listed_versions(version: str, listed: str, *, hit: bool) -> None:
    assert evaluate(version, (), (listed,), pypi).affected is hit


def test_a_list_adds_to_ranges() -> None:
    assert evaluate("5.0", [events("introduced 0, fixed 2.0")], ("5.0",), pypi).affected


@pytest.mark.parametrize(
    ("version", "ranges", "hit"),
    [
        ("0.7.1.fix1", "introduced 0, fixed 0.8", True),
        ("0.7.1.fix1", "introduced 0, fixed 0.7", False),
        ("0.7.1.fix1", "introduced 0, fixed 0.7.1", True),
        ("unknown", "introduced 0, fixed 0.7.1", True),
        ("1.0", "introduced 0, fixed banana", True),
        ("1.0", "introduced banana, fixed 2.0", True),
        ("3.0", "introduced banana, fixed 2.0", False),
        ("1.0", "introduced 0, fixed 1.0.fix1", True),
        ("9" * 500, "introduced 0, fixed 1.0", True),
    ],
)
def test_what_cannot_be_compared_counts_as_affected(version: str, ranges: str, *, hit: bool) -> None:
    outcome = evaluate(version, [events(ranges)], (), pypi)
    assert outcome.affected is hit
    assert outcome.inexact or not hit


def test_debian_versions() -> None:
    fixed = [events("introduced 0, fixed 2.36-9+deb12u3")]
    assert evaluate("2.36-9+deb12u1", fixed, (), debian) == Outcome(affected=True, fixed_in="2.36-9+deb12u3")
    assert not evaluate("2.36-9+deb12u10", fixed, (), debian).affected
    assert evaluate("not a version", fixed, (), debian).affected


VERSIONS = st.builds(
    lambda numbers, suffix: ".".join(map(str, numbers)) + suffix,
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.sampled_from(["", "", "rc1", ".post1", ".dev2", "a1", "+local"]),
)


@given(VERSIONS, VERSIONS)
def test_order_is_pep_440(a: str, b: str) -> None:
    left, right = pypi(a), pypi(b)
    assert left
    assert right
    assert (left < right, left == right) == (Version(a) < Version(b), Version(a) == Version(b))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_a_fixed_version_is_not_affected_and_the_one_before_is(low: str, high: str, at: str) -> None:
    """``introduced: 0`` is before every version; an empty range contradicts itself and is left out."""
    low, high = sorted((low, high), key=Version)
    assume(Version(low) != Version(high))
    hit = evaluate(at, [(("introduced", low), ("fixed", high))], (), pypi).affected
    since = low == "0" or Version(low) <= Version(at)
    assert hit == (since and Version(at) < Version(high))


@given(
    st.text(max_size=30),
    st.lists(
        st.tuples(
            st.sampled_from(["introduced", "fixed", "last_affected", "limit"]),
            st.text(min_size=1, max_size=20),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_any_text_is_evaluated(version: str, ranges: list[tuple[str, str]]) -> None:
    for compare in (pypi, debian):
        evaluate(version, [tuple(ranges)], (), compare)
