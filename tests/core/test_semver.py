"""Semantic versions, by the examples of semver.org 2.0.0."""

# ruff: noqa: SIM905  (the lists are as the specification prints them)

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.semver import LONGEST, SemVer, parse

VALID = (
    "0.0.4 1.2.3 10.20.30 1.1.2-prerelease+meta 1.1.2+meta 1.1.2+meta-valid 1.0.0-alpha 1.0.0-beta "
    "1.0.0-alpha.beta 1.0.0-alpha.beta.1 1.0.0-alpha.1 1.0.0-alpha0.valid 1.0.0-alpha.0valid "
    "1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay 1.0.0-rc.1+build.1 2.0.0-rc.1+build.123 "
    "1.2.3-beta 10.2.3-DEV-SNAPSHOT 1.2.3-SNAPSHOT-123 1.0.0 2.0.0 1.1.7 2.0.0+build.1848 "
    "2.0.1-alpha.1227 1.0.0-alpha+beta 1.2.3----RC-SNAPSHOT.12.9.1--.12+788 1.2.3----R-S.12.9.1--.12+meta "
    "1.2.3----RC-SNAPSHOT.12.9.1--.12 1.0.0+0.build.1-rc.10000aaa-kk-0.1 "
    "99999999999999999999999.999999999999999999.99999999999999999 1.0.0-0A.is.legal"
).split()
"""The list the specification's regular expression is tested with (regex101.com/r/vkijKf)."""
INVALID = (
    "1 1.2 1.2.3-0123 1.2.3-0123.0123 1.1.2+.123 +invalid -invalid -invalid+invalid -invalid.01 alpha "
    "alpha.beta alpha.beta.1 alpha.1 alpha+beta alpha_beta alpha. alpha.. beta 1.0.0-alpha_beta -alpha. "
    "1.0.0-alpha.. 1.0.0-alpha..1 1.0.0-alpha...1 01.1.1 1.01.1 1.1.01 1.2.3.DEV 1.2-SNAPSHOT "
    "1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788 1.2-RC-SNAPSHOT -1.0.3-gamma+b7718 +justmeta "
    "9.8.7+meta+meta 9.8.7-whatever+meta+meta v1.2.3 1.2.3\n \uff11.2.3"
).split(" ")
ORDER = (
    "0.9.9 1.0.0-0 1.0.0-2 1.0.0-11 1.0.0-- 1.0.0-Z 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta "
    "1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0 2.1.1 2.11.0 10.0.0"
).split()
"""Items 11.2 to 11.4, the specification's chains among others."""


@pytest.mark.parametrize("text", VALID)
def test_a_valid_version_is_read_and_written_alike(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", [*INVALID, "", "1.0.0-" + "9" * LONGEST])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"semver\.org"):
        parse(text)


@pytest.mark.parametrize(("lower", "higher"), [*pairwise(ORDER)])
def test_precedence_is_the_specifications(lower, higher):
    assert parse(lower) < parse(higher)
    assert not parse(higher) <= parse(lower)
    assert parse(lower) != parse(higher)


def test_build_metadata_has_no_part_in_precedence():
    one, other = parse("1.0.0+a"), parse("1.0.0+b.2")
    assert one == other
    assert hash(one) == hash(other)
    assert not one < other


IDENTIFIERS = st.from_regex(r"0|[1-9][0-9]{0,3}|[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,3}", fullmatch=True)
NUMBERS = st.integers(min_value=0, max_value=3)
VERSIONS = st.builds(
    lambda major, minor, patch, pre: SemVer(major=major, minor=minor, patch=patch, prerelease=tuple(pre)),
    *(NUMBERS, NUMBERS, NUMBERS),
    st.lists(IDENTIFIERS, max_size=3),
)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total(a, b, c):
    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a <= b <= c) or a <= c
    assert parse(str(a)) == a
