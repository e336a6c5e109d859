"""Text from elsewhere is made safe to show, and fits where it is shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.adapters.lines import Masks, clean, fit, pad, table, width, wrap


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("plain", ["plain"]),
        ("\x1b[1;31mred\x1b[0m", ["red"]),
        ("\x1b]0;a new window title\x07text", ["text"]),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", ["link"]),
        ("10%\r100%", ["10%", "100%"]),
        ("windows\r\nlines", ["windows", "lines"]),
        ("bell\x07 and back\x08space", ["bell and backspace"]),
        ("a\tb", ["a    b"]),
        ("user\u202eexe.txt", ["userexe.txt"]),
    ],
)
def test_what_would_steer_a_terminal_is_gone(text: str, lines: list[str]) -> None:
    assert clean(text) == lines


@given(st.text())
def test_nothing_that_steers_a_terminal_survives(text: str) -> None:
    for line in clean(text):
        assert not any(unicodedata.category(c) == "Cc" for c in line)


def test_a_secret_is_starred_also_line_by_line() -> None:
    masks = Masks()
    masks.add("first-half\nsecond-half")
    assert masks.over("only second-half here, first-half there") == "only *** here, *** there"


def test_the_longest_secret_wins() -> None:
    masks = Masks()
    masks.add("abcd")
    masks.add("abcdefgh")
    assert masks.over("abcdefgh") == "***"


def test_a_secret_is_new_once_and_short_ones_hide_nothing() -> None:
    masks = Masks()
    assert "hunter22" in masks.add("hunter22")
    assert masks.add("hunter22") == ()
    assert masks.add("abc") == ()
    assert masks.over("abc") == "abc"


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_fitted_text_is_never_too_wide(text: str, room: int) -> None:
    assert width(fit(text, room)) <= room


def test_wide_characters_count_twice_and_combining_ones_not_at_all() -> None:
    assert width("模型") == 4
    assert width("e\u0301") == 1
    assert fit("模型模型", 5) == "模型…"
    assert pad("模", 4) == "模  "


def test_a_long_line_goes_on_under_its_beginning() -> None:
    assert wrap("  one two three", 9) == ["  one two", "  three"]
    assert wrap("short", 9) == ["short"]
    assert wrap("", 9) == [""]


def test_what_one_copies_stays_whole() -> None:
    assert wrap("see sha256:0123456789 there", 10) == ["see", "sha256:0123456789", "there"]


@given(st.text(alphabet="ab 模"), st.integers(min_value=1, max_value=20))
def test_wrapping_loses_nothing_but_blanks(text: str, room: int) -> None:
    assert "".join(wrap(text, room)).replace(" ", "") == text.replace(" ", "")


def test_columns_that_do_not_fit_go_under_their_row_and_none_is_cut() -> None:
    rows = [["id", "", "why"], ["a" * 10, "new", "b c"], ["d", "", ""]]
    assert table(rows, None) == ["id               why", "aaaaaaaaaa  new  b c", "d"]
    assert table(rows, 20) == table(rows, None)
    assert table(rows, 19) == ["id", "aaaaaaaaaa  new", "  why: b c", "d"]
    assert table(rows, 5) == ["id", "aaaaaaaaaa", "  new;", "  why:", "  b c", "d"]
