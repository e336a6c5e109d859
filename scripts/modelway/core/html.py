"""Parts a page of evidence is made of; what they are given is HTML already, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape


def paragraphs(text: str) -> str:
    """Plain text, a line a paragraph."""
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Each cell knows its head, for a phone shows none."""
    yield f"<table><thead><tr>{''.join(f'<th>{head}' for head in heads)}</tr></thead><tbody>"
    for row in rows:
        cells = (f'<td data-head="{head}">{cell}' for head, cell in zip(heads, row, strict=False))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def time(at: str) -> str:
    """A plain time as people read it; what is no time stays as it is."""
    try:
        return f'<time datetime="{escape(at)}">{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S} UTC</time>'
    except ValueError:
        return f"<time>{escape(at)}</time>"
