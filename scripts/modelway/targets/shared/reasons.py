"""Whose fault it is that a platform took something back, by the first rule that knows its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from modelway.core.plan import Blame, Setback

Rule: TypeAlias = tuple[str, Blame, str]
"""A pattern of the platform's texts, in whatever case; whom to blame; what to do."""


def judged(text: str, rules: Sequence[Rule]) -> Setback | None:
    """What the rules make of a text; ``None`` where none knows it."""
    for pattern, blame, cure in rules:
        if re.search(pattern, text, re.IGNORECASE):
            return Setback(blame=blame, reason=text, cure=cure)
    return None
