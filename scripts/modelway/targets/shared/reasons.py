"""Whose fault it is that a platform took something back, by the first rule that knows its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from modelway.core.plan import Blame, Setback

Rule: TypeAlias = tuple[str, Blame, str]
"""A pattern of the platform's texts, in whatever case; whom to blame; what to do."""

_NAMES = re.compile(
    r"\((service|task|instance|cluster) [^)]*\)|arn:aws[^\s),]*|s3://[^\s),]*|\S*\.dkr\.ecr\.[^\s),]*"
)


def without_names(text: str) -> str:
    """What a platform says, without what people named: a model may be called ``secret-finder``."""
    return _NAMES.sub("", text)


def judged(text: str, rules: Sequence[Rule]) -> Setback | None:
    """What the rules make of a text; ``None`` where none knows it."""
    said = without_names(text)
    for pattern, blame, cure in rules:
        if re.search(pattern, said, re.IGNORECASE):
            return Setback(blame=blame, reason=text, cure=cure)
    return None
