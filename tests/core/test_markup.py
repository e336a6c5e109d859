"""What others wrote stays text on GitHub: rendered by GitHub's own parser (cmark-gfm), then looked at.

Mentions and references are found by GitHub after rendering; here by their documented forms.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
import pytest
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from modelway.core import markup

MENTION = re.compile(r"(?<![\w`])@[A-Za-z0-9]|(?<![\w&])#[0-9]|\bGH-[0-9]")
HOSTILE = st.lists(
    st.sampled_from(
        [
            *("@octocat", "#1", "GH-1", "org/repo#2", "a@b.com", "https://x.example/", "www.x.example"),
            *("<img src=x onerror=y>", "<script>", "</details>", "<!--", "-->", "&lt;", "&#64;b", "\\"),
            *("[a](http://x.example)", "![a](http://x.example/a.png)", "[x]: http://x.example", "<http://x>"),
            *("`", "``", "```", "~~~", "|", "*", "_", "# ", "> ", "- ", "1. ", "---", "    ", "\n", "\r"),
            *("\t", "$x$", "\x1b[31m", "\u202e", "word", " ", ":tada:", "\u2028", "é", "[^1]"),
        ]
    )
).map("".join)
ANY = st.one_of(HOSTILE, st.text(alphabet=st.characters(exclude_categories=["Cs"])))


class Seen(HTMLParser):
    """The tags of a page, and its text outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.code = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag == "code"

    def handle_data(self, data: str) -> None:
        self.text += "" if self.code else data


def render(markdown: str) -> str:
    """As GitHub does, before it removes what is unsafe."""
    return str(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))


@given(ANY)
def test_words_are_one_paragraph_of_text(words: str) -> None:
    seen = Seen(render(f"said: {markup.text(words)}"))
    assert seen.tags == ["p"]
    assert not MENTION.search(seen.text)


@given(ANY, ANY)
def test_a_table_has_as_many_cells_as_it_should(one: str, other: str) -> None:
    seen = Seen(render(markup.table(["a", "b"], [[one, other], [other, one]])))
    assert {*seen.tags} <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert (seen.tags.count("td"), seen.tags.count("tr")) == (4, 3)
    assert not MENTION.search(seen.text)


@given(ANY)
def test_code_is_code_also_in_a_cell(words: str) -> None:
    seen = Seen(render(markup.raw_table(["a"], [[markup.code(words)]])))
    assert seen.tags in (["table", "thead", "tr", "th", "tbody", "tr", "td", *x] for x in ([], ["code"]))
    assert not MENTION.search(seen.text)


@given(ANY)
def test_a_block_holds_everything_and_ends_where_it_should(words: str) -> None:
    seen = Seen(render(f"{markup.folded('Log', markup.block(words))}\n\nafter"))
    assert seen.tags == ["details", "summary", "pre", "code", "p"]
    assert seen.text.split()[-1] == "after"


def test_words_are_shown_as_they_were_written() -> None:
    html = render(markup.text("a <b> & *c* | `d` [e](f) 100 % \\ $g$"))
    assert html == "<p>a &lt;b&gt; &amp; *c* | `d` [e](f) 100 % \\ $g$</p>\n"


def test_a_long_log_says_what_is_left_out() -> None:
    shown = markup.block("\n".join(f"line {n}" for n in range(100)), lines=3)
    assert shown == "```text\n[97 lines before, in the log]\nline 97\nline 98\nline 99\n```"


BLOCKS = st.lists(
    st.one_of(
        st.just("text"),
        st.builds(markup.block, ANY),
        st.builds(lambda words: markup.folded("More", markup.block(words)), ANY),
    ),
    max_size=6,
).map("\n\n".join)


@given(BLOCKS, st.integers(100, 3000))
def test_what_is_cut_is_short_enough_and_leaves_nothing_open(markdown: str, limit: int) -> None:
    shown = markup.cut(markdown, limit, "\n\nshortened")
    assert len(shown.encode()) <= limit
    if shown != markdown:
        seen = Seen(render(shown))
        assert seen.tags[-1] == "p"
        assert seen.text.rstrip().endswith("shortened")
        html = render(shown)
        assert html.count("<details>") == html.count("</details>")


@pytest.mark.parametrize("limit", [60, 100])
def test_one_endless_line_is_cut_too(limit: int) -> None:
    shown = markup.cut("ü" * 1000, limit, "\n\nshortened")
    assert len(shown.encode()) <= limit
    assert shown.endswith("shortened")
